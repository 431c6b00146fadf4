// The batches of a training run, epoch by epoch, in an order that follows from the seed.
#pragma once

#include <wengert/train/options.hpp>
#include <wengert/train/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace wengert::train {

/// Gathers the batches. A Loader has its own batch size, order and seed; other data may divide themselves.
template <class T>
class BatchFeed {
 public:
  BatchFeed(const Source<T>& data, const FitOptions& options, const Location& where);

  std::size_t batch_size() const;
  bool shuffles() const { return data_.loader() != nullptr ? data_.loader()->shuffle : options_.batches.shuffle; }
  std::uint64_t seed() const { return data_.loader() != nullptr ? data_.loader()->seed : options_.batches.seed; }
  bool drops_last() const { return data_.loader() != nullptr ? data_.loader()->drop_last : options_.batches.drop_last; }
  /// The first epoch's batches if the data divide themselves; otherwise none.
  std::vector<std::vector<std::size_t>> own_batches() const { return data_.batches(options_.batches.seed, 0); }
  std::size_t batches_per_epoch() const;
  std::size_t steps_per_epoch() const;
  /// The number of samples in the first steps of an epoch.
  std::size_t samples_in(std::size_t steps) const {
    return std::min(data_.size(), steps * options_.batches.accumulate * batch_size());
  }

  /// Gathers a batch of the fewest samples that a step may get, if there are fewer than in the first one. Returns
  /// whether there are.
  bool gather_shortest(Batch<T>& batch) const;
  /// Begins an epoch, counted from 0, at one of its steps.
  void begin_epoch(std::size_t epoch, std::size_t step);
  /// Makes a batch of this epoch the current one. A Loader gives them in order.
  void gather(std::size_t number);
  /// Ends a Loader's thread, which may still be gathering samples.
  void end() { loaded_.reset(); }

  const Batch<T>& batch() const { return batch_; }
  const std::vector<std::size_t>& rows() const { return rows_; }  ///< of the batch in the data

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  const Source<T>& data_;
  const FitOptions& options_;
  Location where_;
  std::vector<std::size_t> order_;                   // of the samples in this epoch
  std::vector<std::vector<std::size_t>> own_;        // batches of this epoch, if the data divide themselves
  std::size_t own_count_ = 0;                        // their number in each epoch
  std::optional<data::detail::LoaderEpoch> loaded_;  // if a Loader makes the batches
  Batch<T> batch_;
  std::vector<std::size_t> rows_;
  std::size_t gathered_ = none;  // the batch that need not be gathered again
};

extern template class BatchFeed<float>;
extern template class BatchFeed<double>;

}  // namespace wengert::train
