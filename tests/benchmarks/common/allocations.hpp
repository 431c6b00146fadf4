// Counter of heap allocations.
#pragma once

namespace bench {

/// Numbers of calls of operator new, malloc and related functions on the calling thread.
struct Allocations {
  long own = 0;        ///< by the program and its static libraries
  long libraries = 0;  ///< by shared libraries
};

/// Returns the numbers of calls since the first call of this function. Under AddressSanitizer, which has its own
/// malloc, counts only operator new.
Allocations allocations();

}  // namespace bench
