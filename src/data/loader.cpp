// Loader: a worker thread fills a ring of batches ahead of the consumer. Also the SampleSources of the data sets.
#include "base/process.hpp"
#include "data/batch_sampler.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/data/loader.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {

template <class T>
struct Loader<T>::Plan {
  SampleSource<T> source;
  LoaderOptions<T> options;
  std::uint64_t key;  // of the generators for transforms
  std::size_t count;  // batches

  std::vector<std::size_t> order(std::size_t epoch) const;
  void make(std::span<const std::size_t> order, std::size_t epoch, std::size_t index, Batch<T>& batch) const;
};

namespace {

template <class T>
void check(const SampleSource<T>& source, const LoaderOptions<T>& options, const Location& where) {
  if (source.size == 0) throw ValueError("loader", "0 samples: expected at least one", where);
  if (source.labels.dimension() != 0 && Shape(source.labels.shape()) != Shape{source.size})
    throw ValueError("loader",
                     fmt::format("labels of shape {}: expected one for each of the {} samples",
                                 to_string(Shape(source.labels.shape())), source.size),
                     where);
  if (!source.gather) throw ValueError("loader", "the source has no function that gathers samples", where);
  if (options.batch_size == 0) throw ValueError("loader", "batch size 0: expected at least 1", where);
  if (options.drop_last && options.batch_size > source.size)
    throw ValueError("loader",
                     fmt::format("batch size {} for {} samples: the only batch is incomplete, and would be dropped",
                                 options.batch_size, source.size),
                     where);
}

}  // namespace

template <class T>
std::vector<std::size_t> Loader<T>::Plan::order(std::size_t epoch) const {
  if (options.shuffle) {
    std::mt19937_64 generator = epoch_generator(options.seed, epoch);
    return permutation(source.size, generator);
  }
  std::vector<std::size_t> all(source.size);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

template <class T>
void Loader<T>::Plan::make(std::span<const std::size_t> order, std::size_t epoch, std::size_t index,
                           Batch<T>& batch) const {
  const auto samples = batch_of(order, options.batch_size, index);
  batch.samples.assign(samples.begin(), samples.end());
  batch.epoch = epoch;
  batch.index = index;
  source.gather(samples, batch.inputs);
  if (source.labels.dimension() != 0) gather_rows(source.labels, samples, batch.labels, {});
  if (!options.transform) return;
  Generator generator(key, (std::uint64_t{epoch} * count + index) << 32);  // room for 2^32 blocks per batch
  options.transform(batch, generator);
}

template <class T>
Loader<T>::Loader(SampleSource<T> source, LoaderOptions<T> options, const Location& where) {
  check(source, options, where);
  const std::size_t count =
      options.drop_last ? source.size / options.batch_size : count_of_batches(source.size, options.batch_size);
  const std::uint64_t key = std::mt19937_64(options.seed)();  // not the stream of the caller's generator of this seed
  plan_ = std::make_shared<const Plan>(Plan{std::move(source), std::move(options), key, count});
}

template <class T>
std::size_t Loader<T>::count() const {
  return plan_->count;
}
template <class T>
const SampleSource<T>& Loader<T>::source() const {
  return plan_->source;
}
template <class T>
const LoaderOptions<T>& Loader<T>::options() const {
  return plan_->options;
}

template <class T>
typename Loader<T>::Epoch Loader<T>::epoch(std::size_t number, std::size_t first) const {
  return Epoch(plan_, number, first);
}

// Batches are stored in a ring: `made` have been made so far, and `given` returned. The last one returned is still in
// use; the worker never writes to its place, so the two threads never touch the same batch.
template <class T>
struct Loader<T>::Epoch::State {
  State(std::shared_ptr<const Plan> of, std::size_t number_of_epoch, std::size_t first)
      : plan(std::move(of)),
        number(number_of_epoch),
        order(plan->order(number_of_epoch)),
        ring(plan->options.ahead + 1),
        made(first),
        given(first) {
    if (plan->options.ahead > 0 && first < plan->count) worker = std::thread([this] { work(); });
  }
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    if (worker.joinable()) worker.join();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Batch<T>& place(std::size_t index) { return ring[index % ring.size()]; }
  void make(std::size_t index) { plan->make(order, number, index, place(index)); }

  void work() {
    for (std::size_t index = made; index < plan->count; ++index) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return stopped || index + 1 < given + ring.size(); });
        if (stopped) return;
      }
      std::exception_ptr failure;
      try {
        make(index);
      } catch (...) {
        failure = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex);
        if (failure)
          error = failure;
        else
          ++made;
      }
      changed.notify_all();
      if (failure) return;
    }
  }

  const Batch<T>* next() {
    if (given >= plan->count) return nullptr;
    if (!worker.joinable()) {
      make(given);
      return &place(given++);
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return made > given || error; });
    if (made == given) std::rethrow_exception(error);
    const Batch<T>* const batch = &place(given++);
    lock.unlock();
    changed.notify_all();
    return batch;
  }

  const int forks = kernel::fork_count();  // when the worker was started
  const std::shared_ptr<const Plan> plan;
  const std::size_t number;
  const std::vector<std::size_t> order;
  std::vector<Batch<T>> ring;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t made, given;
  std::exception_ptr error;
  bool stopped = false;
  std::thread worker;
};

template <class T>
Loader<T>::Epoch::Epoch(std::shared_ptr<const Plan> plan, std::size_t number, std::size_t first)
    : state_(std::make_unique<State>(std::move(plan), number, first)) {}
template <class T>
Loader<T>::Epoch::~Epoch() {
  if (state_ != nullptr && state_->forks != kernel::fork_count()) static_cast<void>(state_.release());
}
template <class T>
Loader<T>::Epoch::Epoch(Epoch&&) noexcept = default;

template <class T>
const Batch<T>* Loader<T>::Epoch::next() {
  if (state_ == nullptr) throw HandleError("loader", "the epoch was moved from");
  // A fork leaves the thread in the parent, and the mutex may stay locked: the child continues with a new state.
  if (state_->forks != kernel::fork_count()) {
    const State* inherited = state_.release();
    state_ = std::make_unique<State>(inherited->plan, inherited->number, inherited->given);
  }
  return state_->next();
}

template <class T>
SampleSource<T>::SampleSource(const Dataset<T>& dataset)
    : size(dataset.size()),
      gather([&dataset](std::span<const std::size_t> samples, Tensor<T>& out) {
        gather_rows(dataset.inputs, samples, out, {});
      }),
      labels(dataset.labels) {}

template <class T>
SampleSource<T>::SampleSource(Dataset<T>&& dataset) : size(dataset.size()), labels(std::move(dataset.labels)) {
  const auto inputs = std::make_shared<const Tensor<T>>(std::move(dataset.inputs));
  gather = [inputs](std::span<const std::size_t> samples, Tensor<T>& out) { gather_rows(*inputs, samples, out, {}); };
}

template <class T>
SampleSource<T>::SampleSource(const MappedDataset<T>& dataset)
    : size(dataset.size()),
      gather([inputs = dataset.inputs](std::span<const std::size_t> samples, Tensor<T>& out) {
        inputs.gather(samples, out, {});
      }),
      labels(dataset.labels) {}

template struct SampleSource<float>;
template struct SampleSource<double>;
template class Loader<float>;
template class Loader<double>;

}  // namespace wengert::data
