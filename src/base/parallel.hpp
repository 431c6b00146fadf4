// Distribution of work over threads: in our own parallel loops, and in libraries that use OpenMP.
#pragma once

#include "base/sanitizers.hpp"
#include <wengert/base/threads.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>

namespace wengert::kernel {

// Declared here because clang's <omp.h> and -fopenmp belong to a different runtime from the one that oneDNN uses.
extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int);
int omp_in_parallel();
int omp_get_thread_num();
int omp_get_num_threads();
void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
#if WENGERT_TSAN
void __tsan_acquire(void*);
void __tsan_release(void*);
#endif
}

/// The number of threads that work may use: one if it is not `large`, in an OpenMP region, and in a SerialScope.
int threads_for(bool large) noexcept;

/// A scope in which this thread's work runs on this thread only, because other threads share the processor.
class SerialScope {
 public:
  SerialScope() noexcept;
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool before_;
};

/// A scope in which OpenMP regions of this thread use as many threads as threads_for returns.
class ThreadScope {
 public:
  explicit ThreadScope(bool large) : before_(omp_get_max_threads()) {
    const int wanted = threads_for(large);
    if (wanted != before_) omp_set_num_threads(wanted);
    changed_ = wanted != before_;
  }
  ~ThreadScope() {
    if (changed_) omp_set_num_threads(before_);
  }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
  bool changed_;
};

/// From this number of elements on, read, computed or written, waking another thread pays.
inline constexpr std::size_t large_work = std::size_t{1} << 17;

/// A grain for elements: lanes of any width lie within one part, so results do not depend on how a range is divided.
inline constexpr std::size_t whole_lanes = 64;

// ThreadSanitizer does not see libgomp's barriers; these functions declare their ordering to it.
#if WENGERT_TSAN
inline void happens_after(void* token) { __tsan_acquire(token); }
inline void happens_before(void* token) { __tsan_release(token); }
#else
inline void happens_after(void*) {}
inline void happens_before(void*) {}
#endif

/// Calls body(first, last) for parts that make up [0, count): one part per thread if the total work, `elements`, is
/// large, otherwise a single part. Parts begin at multiples of `grain`. The body must not throw.
template <class Body>
void parallel_for(std::size_t count, std::size_t grain, std::size_t elements, const Body& body) {
  const std::size_t units = (count + grain - 1) / grain;
  const auto threads = std::min(static_cast<std::size_t>(threads_for(elements >= large_work)), units);
  if (threads <= 1) {
    if (count > 0) body(std::size_t{0}, count);
    return;
  }
  struct Job {
    const Body& body;
    std::size_t count, grain, units;
  } job{body, count, grain, units};
  happens_before(&job);
  GOMP_parallel(
      [](void* data) {
        Job& j = *static_cast<Job*>(data);
        happens_after(&j);
        // There may be fewer threads than asked for.
        const auto part = static_cast<std::size_t>(omp_get_thread_num());
        const auto parts = static_cast<std::size_t>(omp_get_num_threads());
        const std::size_t first = j.units * part / parts * j.grain;
        const std::size_t last = std::min(j.count, j.units * (part + 1) / parts * j.grain);
        if (first < last) j.body(first, last);
        happens_before(&j);
      },
      &job, static_cast<unsigned>(threads), 0);
  happens_after(&job);
}

}  // namespace wengert::kernel
