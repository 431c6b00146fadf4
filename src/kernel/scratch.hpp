// Working memory of a kernel call.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// What a thread keeps its working memory for; a purpose holds one buffer at a time.
enum class Scratch { columns, left, right, result, library, count };

/// At least `bytes` bytes of this thread, aligned to a cache line; what was there before is lost. It is kept for the
/// next call, so that a repeated step allocates nothing, and grows to the largest size asked for.
std::byte* scratch_bytes(Scratch purpose, std::size_t bytes);

template <class T>
T* scratch(Scratch purpose, std::size_t count) {
  return reinterpret_cast<T*>(scratch_bytes(purpose, count * sizeof(T)));
}

}  // namespace wengert::kernel
