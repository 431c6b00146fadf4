// Thread-local scratch memory: one aligned buffer for each purpose, grown on demand.
#include "kernel/scratch.hpp"

#include <array>
#include <memory>
#include <new>

namespace wengert::kernel {
namespace {

constexpr std::align_val_t alignment{64};

struct Release {
  void operator()(std::byte* memory) const { ::operator delete(memory, alignment); }
};

struct Buffer {
  std::unique_ptr<std::byte, Release> memory;
  std::size_t capacity = 0;
};

}  // namespace

std::byte* scratch_bytes(Scratch purpose, std::size_t bytes) {
  thread_local std::array<Buffer, static_cast<std::size_t>(Scratch::count)> buffers;
  Buffer& buffer = buffers[static_cast<std::size_t>(purpose)];
  if (buffer.capacity < bytes || buffer.memory == nullptr) {
    buffer.memory.reset();  // first, so that both are never held at once
    buffer.capacity = 0;
    buffer.memory.reset(static_cast<std::byte*>(::operator new(bytes, alignment)));
    buffer.capacity = bytes;
  }
  return buffer.memory.get();
}

}  // namespace wengert::kernel
