// Class weights: a data set whose batches carry the weight of each label's class.
#pragma once

#include <wengert/train/options.hpp>
#include <wengert/train/samples.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace wengert::train {

/// Samples with the weights of their classes, times their own weights.
template <class T>
class ClassWeighted final : public Source<T> {
 public:
  /// Counts the labels for balanced weights. Throws ValueError as `subject` unless the data have one target, which are
  /// labels, for a weight that is negative or not finite, and for balanced weights of data that may change.
  ClassWeighted(const Source<T>& data, const ClassWeights& weights, std::string_view subject, const Location& where);

  std::size_t size() const override { return data_.size(); }
  bool repeats() const override { return data_.repeats(); }
  void gather(std::span<const std::size_t> rows, Batch<T>& batch) const override;
  std::vector<std::string> target_names() const override { return data_.target_names(); }
  std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::size_t epoch) const override {
    return data_.batches(seed, epoch);
  }
  const Tensor<double>* sample_weights() const override { return data_.sample_weights(); }
  const data::detail::LoaderPlan* loader() const override { return data_.loader(); }
  data::detail::LoaderEpoch epoch(std::size_t number, std::size_t first) const override {
    return data_.epoch(number, first);
  }
  void copy(const void* loaded, Batch<T>& batch, std::vector<std::size_t>& rows) const override;

 private:
  const Indices& labels_of(const Batch<T>& batch) const;
  std::string cure(const Batch<T>& batch) const;
  void count_labels();
  void add_weights(Batch<T>& batch) const;

  const Source<T>& data_;
  std::vector<double> weights_;
  std::string subject_;
  Location where_;
};

extern template class ClassWeighted<float>;
extern template class ClassWeighted<double>;

}  // namespace wengert::train
