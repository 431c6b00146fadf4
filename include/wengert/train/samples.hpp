// The data types that `fit`, `evaluate` and `predict` accept: any type whose samples can be gathered into a batch.
//
// These are `Samples`, `Dataset`, `MappedDataset`, `SampleSource` and `Table` of namespace `data`; `data::Loader`,
// which prefetches batches, may augment them, and has its own batch size, order and seed; and every other type with
//
//     using Inputs = Tensor<float>;   using Targets = Indices;    // or other arrays, or tuples or structs of arrays
//     std::size_t size() const;
//     void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const;   // x and y are kept and reused
//
// `gather` may read from a file, draw random numbers, or augment: it is called once per batch, in order. Optional
// members are
//
//     static constexpr bool repeats = true;    // the same rows always give the same batch, so that `gather` is not
//                                              // called again for a batch that is still in memory
//     Tensor<double> weights;                  // the weight of each sample in the loss and the metrics
//     std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::size_t epoch) const;
//
// `batches` divides the samples of an epoch into batches, in place of `FitOptions::batch_size`; their number must be
// the same in all epochs.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/arrays.hpp>
#include <wengert/data/batches.hpp>
#include <wengert/data/loader.hpp>
#include <wengert/data/samples.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wengert::train {

using data::Samples;

/// An array of a batch.
template <class T>
using Array = std::variant<Tensor<T>, Indices>;

/// A batch of any data type, as the training loop passes it to the erased model.
template <class T>
struct Batch {
  std::vector<Array<T>> inputs;     ///< one row per sample; in the order of the members of the data's inputs
  std::vector<Array<T>> targets;    ///< likewise
  Tensor<T> weights{};              ///< in the loss; of rank 0, the default, if all are 1
  Tensor<double> sample_weights{};  ///< in the metrics, one per sample; likewise
  std::size_t samples = 0;          ///< the number of samples

  /// The sum of the weights, or the number of samples.
  double weight() const;
};

/// Type-erased samples.
template <class T>
class Source {
 public:
  virtual ~Source() = default;
  virtual std::size_t size() const = 0;  ///< the number of samples
  virtual bool repeats() const = 0;      ///< whether the same rows always give the same batch
  /// Copies samples into a batch.
  virtual void gather(std::span<const std::size_t> rows, Batch<T>& batch) const = 0;
  /// The paths of the targets; empty for a single array.
  virtual std::vector<std::string> target_names() const = 0;
  /// The batches of an epoch, if the data divide themselves.
  virtual std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::size_t epoch) const = 0;
  /// The weight of each sample, if the data have weights; their rank is 0 if all are 1.
  virtual const Tensor<double>* sample_weights() const { return nullptr; }
  /// The Loader that makes the batches, if any.
  virtual const data::detail::LoaderPlan* loader() const { return nullptr; }
  /// The same, for its epochs.
  virtual data::detail::LoaderEpoch epoch(std::size_t number, std::size_t first) const = 0;
  /// Copies a batch of the Loader and the indices of its samples.
  virtual void copy(const void* loaded, Batch<T>& batch, std::vector<std::size_t>& rows) const = 0;
};

namespace detail {

template <class D>
inline constexpr bool is_loader = false;
template <class X, class Y>
inline constexpr bool is_loader<data::Loader<X, Y>> = true;

// The arrays of `x` and those of a batch trade places.
template <class T, class X>
void exchange(X& x, std::vector<Array<T>>& arrays) {
  std::size_t i = 0;
  data::detail::for_each_array(x, [&]<class A>(A& array) {
    static_assert(std::same_as<A, Tensor<T>> || std::same_as<A, Indices>,
                  "wengert: the tensors of the data must have the network's scalar type");
    if (i == arrays.size()) arrays.emplace_back(A());
    if (!std::holds_alternative<A>(arrays[i])) arrays[i].template emplace<A>();
    std::swap(std::get<A>(arrays[i++]), array);
  });
}

// The scalar type of the network's parameters; if it has none, of the first tensor among the inputs, then the targets.
template <class Module, class D>
struct ScalarOfBoth {
  using OfData = typename decltype(wengert::detail::first_scalar<false>(
      wengert::detail::Types<typename D::Inputs, typename D::Targets>{}))::type;
  using Found = std::conditional_t<std::is_void_v<ModuleScalar<Module>>, OfData, ModuleScalar<Module>>;
  using type = std::conditional_t<std::is_void_v<Found>, float, Found>;  // void would cause many more messages
  static_assert(!std::is_void_v<Found>,
                "wengert: neither the network nor the data tells float or double: write the network as a struct with "
                "its Parameters and layers as members");
};

// Throws as `subject` unless there is a weight for each sample, finite and not negative. Weights of rank 0 are none.
void check_sample_weights(const Tensor<double>& weights, std::size_t samples, std::string_view subject,
                          const Location& where);
// Sets the weights of a batch of these rows. Throws ValueError for one that is not finite or negative.
template <class T>
void set_weights(const Tensor<double>& weights, std::span<const std::size_t> rows, Batch<T>& batch);

template <class T, class D>
class SourceOf final : public Source<T> {
 public:
  explicit SourceOf(const D& data) : data_(data) {}
  // Throws as `subject` unless there is a target for each sample, and a valid weight if there are weights.
  SourceOf(const D& data, std::string_view subject, const Location& where) : data_(data) {
    if constexpr (requires { data.weights; }) check_sample_weights(data.weights, data.size(), subject, where);
    if constexpr (requires { data.check(subject, where); }) data.check(subject, where);
  }
  std::size_t size() const override { return data_.size(); }
  bool repeats() const override {
    if constexpr (requires { D::repeats; })
      return static_cast<bool>(D::repeats);
    else
      return false;
  }
  void gather(std::span<const std::size_t> rows, Batch<T>& batch) const override {
    batch.samples = rows.size();
    exchange(inputs_, batch.inputs);
    exchange(targets_, batch.targets);
    constexpr bool has_weights = requires { data_.weights; };
    if constexpr (is_loader<D>) {
      data_.gather(rows, inputs_, targets_, weights_);
    } else {
      data_.gather(rows, inputs_, targets_);
      if constexpr (has_weights) data::detail::gather_rows({&data_.weights}, rows, {&weights_}, {});
    }
    exchange(inputs_, batch.inputs);
    exchange(targets_, batch.targets);
    if constexpr (is_loader<D> || has_weights) set_weights(weights_, rows, batch);
  }
  std::vector<std::string> target_names() const override { return data::detail::names_of<typename D::Targets>(); }
  std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::size_t epoch) const override {
    if constexpr (data::detail::DividesItself<D>)
      return data_.batches(seed, epoch);
    else
      return {};
  }
  const Tensor<double>* sample_weights() const override {
    if constexpr (is_loader<D>)
      return data_.plan()->weights;
    else if constexpr (requires { data_.weights; })
      return &data_.weights;
    else
      return nullptr;
  }
  const data::detail::LoaderPlan* loader() const override {
    if constexpr (is_loader<D>)
      return data_.plan().get();
    else
      return nullptr;
  }
  data::detail::LoaderEpoch epoch(std::size_t number, std::size_t first) const override {
    if constexpr (is_loader<D>)
      return {data_.plan(), number, first};
    else
      return {nullptr, number, first};
  }
  void copy(const void* loaded, Batch<T>& batch, std::vector<std::size_t>& rows) const override {
    if constexpr (is_loader<D>) {
      const auto& from = *static_cast<const data::Batch<typename D::Inputs, typename D::Targets>*>(loaded);
      inputs_ = from.inputs;
      targets_ = from.targets;
      exchange(inputs_, batch.inputs);
      exchange(targets_, batch.targets);
      batch.samples = from.samples.size();
      set_weights(from.weights, from.samples, batch);
      rows = from.samples;
    }
  }

 private:
  const D& data_;
  mutable typename D::Inputs inputs_{};  // reused by `gather`
  mutable typename D::Targets targets_{};
  mutable Tensor<double> weights_{};
};

}  // namespace detail

}  // namespace wengert::train
