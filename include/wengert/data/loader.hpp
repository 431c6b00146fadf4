// Loader: the next batches are gathered and augmented by a thread of their own, while one is trained on.
//
//     Loader<float> loader(train, {.batch_size = 64, .seed = 1});
//     for (std::size_t epoch = 0; epoch < 10; ++epoch)
//       for (const Batch<float>& batch : loader.epoch(epoch)) step(batch.inputs, batch.labels);
#pragma once

#include <wengert/data/dataset.hpp>
#include <wengert/data/mapped.hpp>
#include <wengert/error.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

namespace wengert {

/// Where a Loader takes samples from.
template <class T>
struct SampleSource {
  std::size_t size = 0;  ///< the number of samples
  /// Writes the inputs of samples, N×…, to a tensor that may have the right shape already. May be called by a thread
  /// other than the one that made it, but by one at a time.
  std::function<void(std::span<const std::size_t> samples, Tensor<T>& inputs)> gather;
  Indices labels;  ///< one for each sample; without axes (as constructed) if there are none

  SampleSource() = default;
  /// Samples in memory, which must outlive their Loader.
  SampleSource(const Dataset<T>& dataset);  // NOLINT(google-explicit-constructor)
  /// Samples in memory, taken over.
  SampleSource(Dataset<T>&& dataset);  // NOLINT(google-explicit-constructor)
  /// Samples in a file.
  SampleSource(const MappedDataset<T>& dataset);  // NOLINT(google-explicit-constructor)
};

/// A few samples.
template <class T>
struct Batch {
  Tensor<T> inputs;                  ///< N×…
  Indices labels;                    ///< N; without axes if the source has none
  std::vector<std::size_t> samples;  ///< which samples of the source these are
  std::size_t epoch = 0;             ///< counted from 0, like `index`
  std::size_t index = 0;             ///< of the batch within its epoch
};

/// How a Loader deals samples.
template <class T>
struct LoaderOptions {
  std::size_t batch_size = 32;  ///< samples a batch; the last one may have fewer
  bool shuffle = true;          ///< a new random order each epoch; otherwise the source's
  bool drop_last = false;       ///< leaves out the last batch of an epoch if it is short
  std::uint64_t seed = 0;       ///< order and random changes follow from it, the epoch's and the batch's number alone
  /// How many batches are made ahead, by a thread; 0 makes each when it is asked for, on the caller's.
  std::size_t ahead = 2;
  /// Changes a batch before it is given out, by draws from a generator that is the batch's own: see `augment`.
  std::function<void(Batch<T>&, Generator&)> transform = {};
};

/// Deals the samples of a source into batches, each sample once an epoch.
///
/// What it deals does not depend on `ahead`, nor on what was dealt before: epoch 7 from batch 3 on is the same in a run
/// that was resumed there. T is float or double.
template <class T>
class Loader {
 public:
  class Epoch;

  /// Throws ValueError if there are no samples, no function that gathers them, or not one label for each, or the batch
  /// size is 0; also if every batch would be dropped.
  Loader(SampleSource<T> source, LoaderOptions<T> options = {}, const Location& where = Location::current());
  // Copies only: one that was moved from would deal nothing.
  /// A copy deals the same.
  ///@{
  Loader(const Loader&) = default;
  Loader& operator=(const Loader&) = default;
  ///@}

  /// The number of batches in an epoch.
  std::size_t count() const;
  /// What it deals.
  const SampleSource<T>& source() const;
  /// How it deals.
  const LoaderOptions<T>& options() const;
  /// The batches of an epoch, from number `first` on. The Epoch may outlive the Loader.
  Epoch epoch(std::size_t number, std::size_t first = 0) const;

  /// What the epochs share.
  struct Plan;

 private:
  std::shared_ptr<const Plan> plan_;
};

/// The batches of an epoch, one after the other: a range to be gone through once.
///
/// Ending early, by `break` or an exception, is fine: the thread is stopped. What the source or the transform throws is
/// thrown where the batch would have been.
template <class T>
class Loader<T>::Epoch {
 public:
  /// For Loader.
  explicit Epoch(std::shared_ptr<const Plan> plan, std::size_t number, std::size_t first);
  ~Epoch();
  /// Moved, not copied.
  Epoch(Epoch&&) noexcept;

  /// The next batch, valid until the next call; nullptr after the last. Throws what making it throws, and HandleError
  /// if the epoch was moved from.
  const Batch<T>* next();

  /// Goes through the batches once.
  class Iterator {
   public:
    /// As iterators have it.
    using value_type = Batch<T>;
    /// As iterators have it.
    using difference_type = std::ptrdiff_t;

    /// Stands at the next batch of `epoch`.
    explicit Iterator(Epoch& epoch) : epoch_(&epoch), batch_(epoch.next()) {}
    /// The batch, valid until the next one.
    const Batch<T>& operator*() const { return *batch_; }
    /// The same.
    const Batch<T>* operator->() const { return batch_; }
    /// Goes on to the next batch.
    Iterator& operator++() {
      batch_ = epoch_->next();
      return *this;
    }
    /// Goes on to the next batch.
    void operator++(int) { ++*this; }
    /// Whether there is none left.
    bool operator==(std::default_sentinel_t) const { return batch_ == nullptr; }

   private:
    Epoch* epoch_;
    const Batch<T>* batch_;
  };
  /// Stands at the next batch.
  Iterator begin() { return Iterator(*this); }
  /// Behind the last batch.
  std::default_sentinel_t end() const { return {}; }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template struct SampleSource<float>;
extern template struct SampleSource<double>;
extern template class Loader<float>;
extern template class Loader<double>;

}  // namespace wengert
