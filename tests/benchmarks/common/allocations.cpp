// Counts heap allocations by replacing malloc and operator new; counts allocations by shared libraries separately.
#include "allocations.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <link.h>
#include <new>
#include <string_view>

namespace {

thread_local bench::Allocations count;
thread_local bool counting = false;

// Address ranges of the code of shared libraries. Leaves out the C and C++ libraries, which allocate on behalf of their
// callers.
struct Range {
  std::uintptr_t begin, end;
};
std::array<Range, 512> libraries;
std::size_t library_count = 0;

int find_library(dl_phdr_info* info, std::size_t, void*) {
  const std::string_view name = info->dlpi_name;
  if (name.empty() || name.find("/libc.so") != name.npos || name.find("/libstdc++") != name.npos) return 0;
  for (int i = 0; i < info->dlpi_phnum && library_count < libraries.size(); ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    libraries[library_count++] = {begin, begin + segment.p_memsz};
  }
  return 0;
}

void note(const void* caller) {
  if (!counting) return;
  const auto address = reinterpret_cast<std::uintptr_t>(caller);
  for (std::size_t i = 0; i < library_count; ++i)
    if (libraries[i].begin <= address && address < libraries[i].end) {
      ++count.libraries;
      return;
    }
  ++count.own;
}

}  // namespace

bench::Allocations bench::allocations() {
  if (library_count == 0) dl_iterate_phdr(find_library, nullptr);
  counting = true;
  return count;
}

#if defined(__SANITIZE_ADDRESS__)
#define WENGERT_MALLOC std::malloc
#define WENGERT_MEMALIGN std::aligned_alloc
#define WENGERT_FREE std::free
#else
// glibc's allocation functions under the names that remain available to replacements.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t n, std::size_t bytes);
void* __libc_realloc(void* p, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* p);
}
#define WENGERT_MALLOC __libc_malloc
#define WENGERT_MEMALIGN __libc_memalign
#define WENGERT_FREE __libc_free

extern "C" {
void* malloc(std::size_t bytes) { return note(__builtin_return_address(0)), __libc_malloc(bytes); }
void* calloc(std::size_t n, std::size_t bytes) { return note(__builtin_return_address(0)), __libc_calloc(n, bytes); }
void* realloc(void* p, std::size_t bytes) { return note(__builtin_return_address(0)), __libc_realloc(p, bytes); }
void* memalign(std::size_t alignment, std::size_t bytes) {
  return note(__builtin_return_address(0)), __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return note(__builtin_return_address(0)), __libc_memalign(alignment, bytes);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) {
  note(__builtin_return_address(0));
  *p = __libc_memalign(alignment, bytes);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) { __libc_free(p); }
}
#endif

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // g++ does not match these new and delete
#endif

static void* allocate(std::size_t bytes, std::size_t alignment) {
  void* p = alignment > alignof(std::max_align_t)
                ? WENGERT_MEMALIGN(alignment, (bytes + alignment - 1) / alignment * alignment)
                : WENGERT_MALLOC(bytes == 0 ? 1 : bytes);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(std::size_t bytes) { return note(__builtin_return_address(0)), allocate(bytes, 0); }
void* operator new[](std::size_t bytes) { return note(__builtin_return_address(0)), allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return note(__builtin_return_address(0)), allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { WENGERT_FREE(p); }
void operator delete[](void* p) noexcept { WENGERT_FREE(p); }
void operator delete(void* p, std::size_t) noexcept { WENGERT_FREE(p); }
void operator delete[](void* p, std::size_t) noexcept { WENGERT_FREE(p); }
void operator delete(void* p, std::align_val_t) noexcept { WENGERT_FREE(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { WENGERT_FREE(p); }
