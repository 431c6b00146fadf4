// Working memory of a kernel call.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// The purposes of a thread's working memory, with one buffer each.
enum class Scratch { columns, left, right, result, library, count };

/// This thread's buffer of at least `bytes` bytes, aligned to a cache line; its previous contents are lost. It is kept
/// for the next call, so that a repeated step allocates nothing, and grows to the largest size requested.
std::byte* scratch_bytes(Scratch purpose, std::size_t bytes);

template <class T>
T* scratch(Scratch purpose, std::size_t count) {
  return reinterpret_cast<T*>(scratch_bytes(purpose, count * sizeof(T)));
}

}  // namespace wengert::kernel
