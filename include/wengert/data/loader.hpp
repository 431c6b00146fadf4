// Loader: a data loader that gathers and augments the next batches on a thread of its own.
//
//     Loader loader(train, {.batch_size = 64, .seed = 1});
//     for (std::size_t epoch = 0; epoch < 10; ++epoch)
//       for (const auto& batch : loader.epoch(epoch)) step(batch.inputs, batch.targets);
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/arrays.hpp>
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

/// Labelled samples that a function reads.
template <class T>
struct SampleSource {
  using Inputs = Tensor<T>;              ///< the inputs of a batch
  using Targets = Indices;               ///< the labels of a batch
  static constexpr bool repeats = true;  ///< the same rows always give the same batch
  std::size_t samples = 0;               ///< the number of samples
  /// Writes the inputs of samples, N×…, to a tensor that may already have the right shape. It may be called on any
  /// thread, but only on one at a time.
  std::function<void(std::span<const std::size_t> samples, Tensor<T>& inputs)> read;
  Indices labels;  ///< one per sample; of rank 0, the default, if there are none

  /// The number of samples.
  std::size_t size() const { return samples; }
  /// Reads samples into x and y. Throws like `check`, and whatever the function throws.
  void gather(std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) const;
  /// Throws as `subject`: ValueError without a function, ShapeError unless the labels have shape (N) or are of rank 0.
  void check(std::string_view subject, const Location& where = {}) const;
};

/// A mini-batch of inputs X and targets Y, the types of the data.
template <class X, class Y>
struct Batch {
  X inputs;                          ///< N×…
  Y targets;                         ///< N×…; of rank 0 if the data have none
  Tensor<double> weights;            ///< N; of rank 0 if the data have none
  std::vector<std::size_t> samples;  ///< the indices of its samples in the data
  std::size_t epoch = 0;             ///< counted from 0, like `index`
  std::size_t index = 0;             ///< of the batch within its epoch
};

/// Options of a Loader.
template <class X, class Y>
struct LoaderOptions {
  std::size_t batch_size = 32;  ///< samples per batch; the last one may have fewer
  bool shuffle = true;          ///< draws a new random order for each epoch; otherwise keeps the data's order
  bool drop_last = false;       ///< drops the last batch of an epoch if it is short
  std::uint64_t seed = 0;       ///< determines, with the epoch and batch index, the order and all random changes
  /// The number of batches that a thread prepares ahead; 0 makes each on request, on the caller's thread.
  std::size_t prefetch = 2;
  /// Changes a batch before it is returned, with draws from a generator of the batch's own: see `augment`.
  std::function<void(Batch<X, Y>&, Generator&)> transform = {};
};

namespace detail {

// A Loader without the types of its data; `make` fills a batch that `new_batch` made.
struct LoaderPlan {
  std::size_t samples = 0, batch_size = 0;
  bool shuffle = true, drop_last = false;
  std::uint64_t seed = 0;
  std::size_t prefetch = 0;
  std::function<std::shared_ptr<void>()> new_batch{};
  std::function<void(void* batch, std::span<const std::size_t> rows, std::size_t epoch, std::size_t index,
                     Generator generator)>
      make{};
  std::size_t count = 0;                    // of batches in an epoch
  std::uint64_t key = 0;                    // of the generators for transforms
  const Tensor<double>* weights = nullptr;  // of the samples, which `make` keeps; null if the data have none
};
// Completes a plan. Throws like Loader's constructor.
std::shared_ptr<const LoaderPlan> checked(LoaderPlan plan, const Location& where);

// Whether data divide themselves into batches.
template <class D>
concept DividesItself = requires(const D& data, std::uint64_t seed, std::size_t epoch) {
  data.batches(seed, epoch);
};

// The batches of an epoch without their type.
class LoaderEpoch {
 public:
  LoaderEpoch(std::shared_ptr<const LoaderPlan> plan, std::size_t number, std::size_t first);
  ~LoaderEpoch();
  LoaderEpoch(LoaderEpoch&&) noexcept;
  const void* next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace detail

/// A data loader: returns samples in batches, each sample once per epoch. The batches depend neither on `prefetch` nor
/// on earlier batches: a run that resumes at batch 3 of epoch 7 gets the same ones.
template <class X, class Y>
class Loader {
 public:
  using Inputs = X;   ///< the type of a batch's inputs
  using Targets = Y;  ///< the type of a batch's targets
  class Epoch;

  /// Reads the samples of data that must outlive the Loader, its copies and their epochs; a temporary is taken over.
  /// Data that divide themselves into batches, such as Sequences, do not compile.
  /// Throws ValueError if there are no samples, if the batch size is 0, or if every batch would be dropped; ShapeError
  /// if the numbers of samples and targets differ.
  template <class D>
  requires(SampleData<std::remove_cvref_t<D>> && !std::same_as<std::remove_cvref_t<D>, Loader>)
      Loader(D&& data, LoaderOptions<X, Y> options = {}, const Location& where = Location::current()) {
    using Data = std::remove_cvref_t<D>;
    static_assert(!detail::DividesItself<Data>,
                  "wengert: a Loader makes batches of its own, but these data divide themselves into batches, as "
                  "Sequences do by length: pass them to fit directly, or loop over their `batches`");
    std::shared_ptr<const Data> held;
    if constexpr (std::is_lvalue_reference_v<D>)
      held = {std::shared_ptr<void>(), &data};
    else
      held = std::make_shared<const Data>(std::move(data));
    if constexpr (requires { held->check("loader", where); }) held->check("loader", where);
    const auto gather_all = [held](std::span<const std::size_t> rows, X& x, Y& y,
                                   [[maybe_unused]] Tensor<double>& weights) {
      held->gather(rows, x, y);
      if constexpr (requires { held->weights; }) detail::gather_rows({&held->weights}, rows, {&weights}, {});
    };
    gather_ = gather_all;
    const auto make = [gather_all, transform = options.transform](void* memory, std::span<const std::size_t> rows,
                                                                  std::size_t epoch, std::size_t index,
                                                                  Generator generator) {
      auto& batch = *static_cast<Batch<X, Y>*>(memory);
      batch.samples.assign(rows.begin(), rows.end());
      batch.epoch = epoch;
      batch.index = index;
      gather_all(rows, batch.inputs, batch.targets, batch.weights);
      if (transform) transform(batch, generator);
    };
    detail::LoaderPlan plan{held->size(),
                            options.batch_size,
                            options.shuffle,
                            options.drop_last,
                            options.seed,
                            options.prefetch,
                            [] { return std::make_shared<Batch<X, Y>>(); },
                            make};
    if constexpr (requires { held->weights; }) plan.weights = &held->weights;
    plan_ = detail::checked(std::move(plan), where);
  }
  // No move operations: a moved-from loader would have no batches.
  /// A copy returns the same batches.
  ///@{
  Loader(const Loader&) = default;
  Loader& operator=(const Loader&) = default;
  ///@}

  /// The number of samples, including those of batches that are dropped.
  std::size_t size() const { return plan_->samples; }
  /// Copies samples as they are before transforms.
  void gather(std::span<const std::size_t> rows, X& x, Y& y) const {
    Tensor<double> weights;
    gather_(rows, x, y, weights);
  }
  /// The same with their weights, which keep their rank 0 if the data have none.
  void gather(std::span<const std::size_t> rows, X& x, Y& y, Tensor<double>& weights) const {
    gather_(rows, x, y, weights);
  }
  /// The number of batches in an epoch.
  std::size_t count() const { return plan_->count; }
  /// The batches of an epoch, from batch `first` on. The Epoch may outlive the Loader.
  Epoch epoch(std::size_t number, std::size_t first = 0) const { return Epoch(plan_, number, first); }
  /// For `fit`.
  const std::shared_ptr<const detail::LoaderPlan>& plan() const { return plan_; }

 private:
  std::function<void(std::span<const std::size_t>, X&, Y&, Tensor<double>&)> gather_;
  std::shared_ptr<const detail::LoaderPlan> plan_;
};

template <class D>
Loader(D&&, LoaderOptions<typename std::remove_cvref_t<D>::Inputs, typename std::remove_cvref_t<D>::Targets> = {},
       const Location& = Location::current())
    -> Loader<typename std::remove_cvref_t<D>::Inputs, typename std::remove_cvref_t<D>::Targets>;

/// The batches of an epoch, as a single-pass range. Its destructor stops the thread, also when a loop ends early.
/// Exceptions of the data or the transform are rethrown when their batch is requested.
template <class X, class Y>
class Loader<X, Y>::Epoch {
 public:
  /// Called by Loader.
  Epoch(std::shared_ptr<const detail::LoaderPlan> plan, std::size_t number, std::size_t first)
      : batches_(std::move(plan), number, first) {}

  /// The next batch, valid until the next call; nullptr after the last. Throws whatever the data or the transform
  /// throws, and HandleError if the epoch was moved from.
  const Batch<X, Y>* next() { return static_cast<const Batch<X, Y>*>(batches_.next()); }

  /// A single-pass iterator over the batches.
  class Iterator {
   public:
    /// The type of an element.
    using value_type = Batch<X, Y>;
    /// Required of iterators.
    using difference_type = std::ptrdiff_t;

    /// Points to the next batch of `epoch`.
    explicit Iterator(Epoch& epoch) : epoch_(&epoch), batch_(epoch.next()) {}
    /// The batch, valid until the iterator advances.
    const Batch<X, Y>& operator*() const { return *batch_; }
    /// The same.
    const Batch<X, Y>* operator->() const { return batch_; }
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
    const Batch<X, Y>* batch_;
  };
  /// An iterator to the next batch.
  Iterator begin() { return Iterator(*this); }
  /// The end of the range.
  std::default_sentinel_t end() const { return {}; }

 private:
  detail::LoaderEpoch batches_;
};

}  // namespace wengert::data
