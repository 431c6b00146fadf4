// Memory that the process has freed.
#pragma once

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace wengert {

/// Returns freed memory to the system, with glibc. Compiling fragments the heap, which would otherwise grow with every
/// Program that replaces an evicted one.
inline void return_free_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace wengert
