#include "allocations.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
thread_local bench::Allocations count;  // a program's own thread-local variable costs one instruction

void* counted(std::size_t bytes, std::size_t alignment) {
  ++count.news;
  void* p = alignment > alignof(std::max_align_t)
                ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                : std::malloc(bytes == 0 ? 1 : bytes);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace

bench::Allocations bench::allocations() { return count; }

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // g++ cannot see that these belong together
#endif
void* operator new(std::size_t bytes) { return counted(bytes, 0); }
void* operator new[](std::size_t bytes) { return counted(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

#if !defined(__SANITIZE_ADDRESS__)
// glibc's functions under the names that its manual gives for replacing malloc ("Replacing malloc").
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t n, std::size_t bytes);
void* __libc_realloc(void* p, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* p);

void* malloc(std::size_t bytes) { return ++count.mallocs, __libc_malloc(bytes); }
void* calloc(std::size_t n, std::size_t bytes) { return ++count.mallocs, __libc_calloc(n, bytes); }
void* realloc(void* p, std::size_t bytes) { return ++count.mallocs, __libc_realloc(p, bytes); }
void* memalign(std::size_t alignment, std::size_t bytes) { return ++count.mallocs, __libc_memalign(alignment, bytes); }
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return ++count.mallocs, __libc_memalign(alignment, bytes);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) {
  ++count.mallocs;
  *p = __libc_memalign(alignment, bytes);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) { __libc_free(p); }
}
#endif
