#include "kernel/parallel.hpp"
#include <wengert/error.hpp>
#include <wengert/threads.hpp>

#include <atomic>

#include <fmt/format.h>

namespace wengert {
namespace {
std::atomic<int> threads{0};  // 0: not set yet
}

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

}  // namespace wengert
