// Loader: a worker thread fills a ring of batches ahead of the consumer.
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

namespace detail {
namespace {

std::vector<std::size_t> order_of(const LoaderPlan& plan, std::size_t epoch) {
  if (plan.shuffle) {
    std::mt19937_64 generator = epoch_generator(plan.seed, epoch);
    return permutation(plan.samples, generator);
  }
  std::vector<std::size_t> all(plan.samples);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

}  // namespace

std::shared_ptr<const LoaderPlan> checked(LoaderPlan plan, const Location& where) {
  if (plan.samples == 0) throw ValueError("loader", "0 samples: expected at least one", where);
  if (plan.batch_size == 0) throw ValueError("loader", "batch size 0: expected at least 1", where);
  if (plan.drop_last && plan.batch_size > plan.samples)
    throw ValueError("loader",
                     fmt::format("batch size {} for {} samples: the only batch is incomplete, and would be dropped",
                                 plan.batch_size, plan.samples),
                     where);
  plan.count = plan.drop_last ? plan.samples / plan.batch_size : count_of_batches(plan.samples, plan.batch_size);
  plan.key = std::mt19937_64(plan.seed)();  // not the stream of the caller's generator of this seed
  return std::make_shared<const LoaderPlan>(std::move(plan));
}

// Batches are stored in a ring: `made` have been made so far, and `given` returned. The last one returned is still in
// use; the worker never writes to its place, so the two threads never touch the same batch.
struct LoaderEpoch::State {
  State(std::shared_ptr<const LoaderPlan> of, std::size_t number_of_epoch, std::size_t first)
      : plan(std::move(of)),
        number(number_of_epoch),
        order(order_of(*plan, number_of_epoch)),
        ring(plan->prefetch + 1),
        made(first),
        given(first) {
    for (auto& batch : ring) batch = plan->new_batch();
    if (plan->prefetch > 0 && first < plan->count) worker = std::thread([this] { work(); });
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

  void* place(std::size_t index) { return ring[index % ring.size()].get(); }
  void make(std::size_t index) {
    Generator generator(plan->key, (std::uint64_t{number} * plan->count + index)
                                       << 32);  // room for 2^32 blocks per batch
    plan->make(place(index), batch_of(order, plan->batch_size, index), number, index, generator);
  }

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

  const void* next() {
    if (given >= plan->count) return nullptr;
    if (!worker.joinable()) {
      make(given);
      return place(given++);
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return made > given || error; });
    if (made == given) std::rethrow_exception(error);
    const void* const batch = place(given++);
    lock.unlock();
    changed.notify_all();
    return batch;
  }

  const int forks = kernel::fork_count();  // when the worker was started
  const std::shared_ptr<const LoaderPlan> plan;
  const std::size_t number;
  const std::vector<std::size_t> order;
  std::vector<std::shared_ptr<void>> ring;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t made, given;
  std::exception_ptr error;
  bool stopped = false;
  std::thread worker;
};

LoaderEpoch::LoaderEpoch(std::shared_ptr<const LoaderPlan> plan, std::size_t number, std::size_t first)
    : state_(std::make_unique<State>(std::move(plan), number, first)) {}
LoaderEpoch::~LoaderEpoch() {
  if (state_ != nullptr && state_->forks != kernel::fork_count()) static_cast<void>(state_.release());
}
LoaderEpoch::LoaderEpoch(LoaderEpoch&&) noexcept = default;

const void* LoaderEpoch::next() {
  if (state_ == nullptr) throw HandleError("loader", "the epoch was moved from");
  // A fork leaves the thread in the parent, and the mutex may stay locked: the child continues with a new state.
  if (state_->forks != kernel::fork_count()) {
    const State* inherited = state_.release();
    state_ = std::make_unique<State>(inherited->plan, inherited->number, inherited->given);
  }
  return state_->next();
}

}  // namespace detail

template <class T>
void SampleSource<T>::gather(std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) const {
  check("samples");
  read(rows, x);
  detail::gather_rows({&labels}, rows, {&y}, {});
}
template <class T>
void SampleSource<T>::check(std::string_view subject, const Location& where) const {
  if (!read) throw ValueError(subject, "the source has no function that reads samples", where);
  if (labels.dimension() != 0) detail::check_labels(labels, samples, subject, where);
}

template struct SampleSource<float>;
template struct SampleSource<double>;

}  // namespace wengert::data
