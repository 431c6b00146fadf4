// The thread count of one call into a library that uses OpenMP.
#pragma once

#include <wengert/threads.hpp>

namespace wengert::kernel {

// Declared here because clang's <omp.h> belongs to another runtime than the one oneDNN brings.
extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int);
int omp_in_parallel();
}

/// While it lives, OpenMP regions of this thread use num_threads(), or one thread for small work and inside a region.
class ThreadScope {
 public:
  explicit ThreadScope(bool large) : before_(omp_get_max_threads()) {
    const int wanted = large && omp_in_parallel() == 0 ? num_threads() : 1;
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

}  // namespace wengert::kernel
