// How often memory was asked of the heap.
#pragma once

namespace bench {

/// Calls of operator new, and of malloc and its kin, on the calling thread.
struct Allocations {
  long own = 0;        ///< by the program and what is linked into it
  long libraries = 0;  ///< by other libraries, for themselves
};

/// The calls since this was called first. Under AddressSanitizer, which brings its own malloc, only operator new
/// counts.
Allocations allocations();

}  // namespace bench
