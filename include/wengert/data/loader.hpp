// Loader: a data loader that gathers and augments the next batches on a thread of its own.
//
//     Loader<float> loader(train, {.batch_size = 64, .seed = 1});
//     for (std::size_t epoch = 0; epoch < 10; ++epoch)
//       for (const Batch<float>& batch : loader.epoch(epoch)) step(batch.inputs, batch.labels);
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/mapped.hpp>
#include <wengert/ops/random.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

namespace wengert::data {

/// A source of samples for a Loader.
template <class T>
struct SampleSource {
  std::size_t size = 0;  ///< the number of samples
  /// Writes the inputs of samples, N×…, to a tensor that may already have the right shape. It may be called on any
  /// thread, but only on one at a time.
  std::function<void(std::span<const std::size_t> samples, Tensor<T>& inputs)> gather;
  Indices labels;  ///< one per sample; of rank 0, the default, if there are none

  SampleSource() = default;
  /// Samples in memory, which must outlive the source and its copies.
  SampleSource(const Dataset<T>& dataset);  // NOLINT(google-explicit-constructor)
  /// Samples in memory, which the source takes over.
  SampleSource(Dataset<T>&& dataset);  // NOLINT(google-explicit-constructor)
  /// Samples in a file.
  SampleSource(const MappedDataset<T>& dataset);  // NOLINT(google-explicit-constructor)
};

/// A mini-batch.
template <class T>
struct Batch {
  Tensor<T> inputs;                  ///< N×…
  Indices labels;                    ///< N; of rank 0 if the source has none
  std::vector<std::size_t> samples;  ///< the indices of its samples in the source
  std::size_t epoch = 0;             ///< counted from 0, like `index`
  std::size_t index = 0;             ///< of the batch within its epoch
};

/// Options of a Loader.
template <class T>
struct LoaderOptions {
  std::size_t batch_size = 32;  ///< samples per batch; the last one may have fewer
  bool shuffle = true;          ///< draws a new random order for each epoch; otherwise keeps the source's order
  bool drop_last = false;       ///< drops the last batch of an epoch if it is short
  std::uint64_t seed = 0;       ///< determines, with the epoch and batch index, the order and all random changes
  /// The number of batches that a thread prepares ahead; 0 makes each on request, on the caller's thread.
  std::size_t ahead = 2;
  /// Changes a batch before it is returned, with draws from a generator of the batch's own: see `augment`.
  std::function<void(Batch<T>&, Generator&)> transform = {};
};

/// A data loader: returns the samples of a source in batches, each sample once per epoch. T is float or double. The
/// batches depend neither on `ahead` nor on earlier batches: a run that resumes at batch 3 of epoch 7 gets the same
/// ones.
template <class T>
class Loader {
 public:
  class Epoch;

  /// Throws ValueError if there are no samples, if `gather` is empty, if the numbers of samples and labels differ, if
  /// the batch size is 0, or if every batch would be dropped.
  Loader(SampleSource<T> source, LoaderOptions<T> options = {}, const Location& where = Location::current());
  // No move operations: a moved-from loader would have no batches.
  /// A copy returns the same batches.
  ///@{
  Loader(const Loader&) = default;
  Loader& operator=(const Loader&) = default;
  ///@}

  /// The number of batches in an epoch.
  std::size_t count() const;
  /// The source of the samples.
  const SampleSource<T>& source() const;
  /// The options.
  const LoaderOptions<T>& options() const;
  /// The batches of an epoch, from batch `first` on. The Epoch may outlive the Loader.
  Epoch epoch(std::size_t number, std::size_t first = 0) const;

  /// The state that epochs share.
  struct Plan;

 private:
  std::shared_ptr<const Plan> plan_;
};

/// The batches of an epoch, as a single-pass range. Its destructor stops the thread, also when a loop ends early.
/// Exceptions of the source or the transform are rethrown when their batch is requested.
template <class T>
class Loader<T>::Epoch {
 public:
  /// Called by Loader.
  explicit Epoch(std::shared_ptr<const Plan> plan, std::size_t number, std::size_t first);
  ~Epoch();
  /// Movable, but not copyable.
  Epoch(Epoch&&) noexcept;

  /// The next batch, valid until the next call; nullptr after the last. Throws whatever the source or the transform
  /// throws, and HandleError if the epoch was moved from.
  const Batch<T>* next();

  /// A single-pass iterator over the batches.
  class Iterator {
   public:
    /// The type of an element.
    using value_type = Batch<T>;
    /// Required of iterators.
    using difference_type = std::ptrdiff_t;

    /// Points to the next batch of `epoch`.
    explicit Iterator(Epoch& epoch) : epoch_(&epoch), batch_(epoch.next()) {}
    /// The batch, valid until the iterator advances.
    const Batch<T>& operator*() const { return *batch_; }
    /// The same.
    const Batch<T>* operator->() const { return batch_; }
    /// Advances to the next batch.
    Iterator& operator++() {
      batch_ = epoch_->next();
      return *this;
    }
    /// Advances to the next batch.
    void operator++(int) { ++*this; }
    /// Whether no batch is left.
    bool operator==(std::default_sentinel_t) const { return batch_ == nullptr; }

   private:
    Epoch* epoch_;
    const Batch<T>* batch_;
  };
  /// An iterator to the next batch.
  Iterator begin() { return Iterator(*this); }
  /// The end of the range.
  std::default_sentinel_t end() const { return {}; }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template struct SampleSource<float>;
extern template struct SampleSource<double>;
extern template class Loader<float>;
extern template class Loader<double>;

}  // namespace wengert::data
