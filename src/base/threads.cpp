// The number of threads that an operation may use.
#include "base/parallel.hpp"
#include "base/process.hpp"
#include <wengert/base/error.hpp>
#include <wengert/base/threads.hpp>

#include <algorithm>
#include <atomic>
#include <pthread.h>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace wengert {
namespace {

std::atomic<int> chosen_threads{0};  // 0: not set yet
std::atomic<int> forks{0};
thread_local bool serial = false;

// More than any processor has, but not enough to overload a system.
int most_threads() { return std::max(1024, 4 * static_cast<int>(std::thread::hardware_concurrency())); }

// A child process has only the thread that forked, but libgomp's record lists the others too, and a parallel region
// would wait for them forever. OpenMP is therefore set to one thread.
extern "C" void wengert_begin_child() {
  forks.fetch_add(1, std::memory_order_relaxed);
  kernel::omp_set_num_threads(1);
}
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, wengert_begin_child);

}  // namespace

void set_num_threads(int count) {
  if (count < 1)
    throw ValueError(
        "set_num_threads",
        fmt::format("{} threads: expected at least 1; num_threads() initially returns the default", count));
  if (count > most_threads())
    throw ValueError("set_num_threads",
                     fmt::format("{} threads: expected at most {}; more threads than the processor's {} are not faster",
                                 count, most_threads(), std::thread::hardware_concurrency()));
  chosen_threads = count;
}

int num_threads() noexcept {
  if (forks.load(std::memory_order_relaxed) > 0) return 1;
  const int set = chosen_threads.load(std::memory_order_relaxed);
  if (set > 0) return set;
  static const int at_start = std::clamp(kernel::omp_get_max_threads(), 1, most_threads());
  return at_start;
}

namespace kernel {

int threads_for(bool large) noexcept { return large && !serial && omp_in_parallel() == 0 ? num_threads() : 1; }

int fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

SerialScope::SerialScope() noexcept : before_(std::exchange(serial, true)) {}
SerialScope::~SerialScope() { serial = before_; }

}  // namespace kernel
}  // namespace wengert
