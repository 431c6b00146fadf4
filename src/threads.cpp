#include "kernel/parallel.hpp"
#include <wengert/error.hpp>
#include <wengert/threads.hpp>

#include <atomic>
#include <utility>

#include <fmt/format.h>

namespace wengert {
namespace {
std::atomic<int> threads{0};  // 0: not set yet
thread_local bool serial = false;
}  // namespace

void set_num_threads(int count) {
  if (count < 1) throw ValueError("set_num_threads", fmt::format("{} threads: at least 1 is needed", count));
  threads = count;
}

int num_threads() noexcept {
  const int set = threads.load(std::memory_order_relaxed);
  if (set > 0) return set;
  static const int at_start = kernel::omp_get_max_threads();
  return at_start;
}

namespace kernel {

int threads_for(bool large) noexcept { return large && !serial && omp_in_parallel() == 0 ? num_threads() : 1; }

SerialScope::SerialScope() noexcept : before_(std::exchange(serial, true)) {}
SerialScope::~SerialScope() { serial = before_; }

}  // namespace kernel
}  // namespace wengert
