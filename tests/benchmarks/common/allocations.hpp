// How often memory was asked of the heap so far.
#pragma once

namespace bench {

struct Allocations {
  long news = 0;     ///< calls of operator new
  long mallocs = 0;  ///< calls of malloc and its kin, those of operator new and of other libraries included
};

/// The calling thread's calls so far; under AddressSanitizer, which brings its own malloc, only those of operator new.
Allocations allocations();

}  // namespace bench
