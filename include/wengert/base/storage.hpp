// The memory of a tape: storages for values, and an arena for small data with a node's lifetime.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <vector>

namespace wengert {

/// The number of changes of a parameter's value.
using Version = std::uint32_t;

/// A block of memory that holds the values of one or more nodes: a view shares the storage of its input. Fills one
/// cache line.
struct alignas(64) Storage {
  std::byte* data = nullptr;          ///< the first byte
  std::size_t capacity = 0;           ///< size in bytes
  std::uint32_t references = 0;       ///< number of nodes and adjoints that use it
  std::uint32_t size_class = 0;       ///< the free list it returns to
  Storage* next_free = nullptr;       ///< the next entry in its free list
  std::shared_ptr<const void> owner;  ///< keeps foreign memory alive; empty for the pool's own memory
  const Version* version = nullptr;   ///< the current version of the parameter that it refers to, if any
  Version recorded_version = 0;       ///< the parameter's version when it was recorded
  bool borrowed = false;  ///< the caller's memory; `owner` points to the Tensor, if known, without keeping it alive
};

/// Recycles storages by size class, so that a repeated computation reuses its buffers.
///
/// Sizes are rounded up to one of eight steps between powers of two (at most 12.5 % waste above 512 bytes); blocks are
/// aligned to 64 bytes. Freed blocks return to the system only when the pool is destroyed. Not thread-safe.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /// The address of empty values: unlike a null pointer, it may be offset.
  static std::byte no_elements[];
  /// A storage of at least `bytes` bytes with one reference; its contents are undefined. Throws MemoryError.
  Storage* allocate(std::size_t bytes);
  /// A storage with one reference that refers to foreign memory, kept alive by `owner` if there is one. A null `data`,
  /// allowed if `bytes` is 0, becomes `no_elements`.
  Storage* adopt(std::byte* data, std::size_t bytes, std::shared_ptr<const void> owner);
  /// Makes AddressSanitizer report every access to the storage until it is allocated again.
  static void poison(Storage* storage) noexcept;
  /// Adds a reference.
  void retain(Storage* storage) noexcept { ++storage->references; }
  /// Removes a reference; removing the last one recycles the storage.
  void release(Storage* storage) noexcept {
    if (--storage->references == 0) recycle(storage);
  }
  /// Bytes obtained from the system, in use or free.
  std::size_t reserved_bytes() const noexcept { return reserved_; }

 private:
  struct Block {
    std::byte* memory;
    std::size_t alignment;
  };
  static constexpr std::size_t class_count = 8 * 58;
  static constexpr std::uint32_t foreign_class = class_count;

  Storage* carve(std::size_t size_class);
  Storage* new_header();
  std::byte* reserve(std::size_t bytes);
  void recycle(Storage* storage) noexcept;

  std::array<Storage*, class_count + 1> free_{};  // free lists; the last one holds headers without memory
  std::forward_list<Storage> headers_;
  std::vector<Block> blocks_;
  std::byte* slab_ = nullptr;  // small storages are carved from here
  std::size_t slab_left_ = 0;
  std::size_t reserved_ = 0;
};

/// A bump allocator whose memory is freed in bulk.
class Arena {
 public:
  /// A position to rewind to.
  struct Mark {
    std::size_t block = 0;  ///< index of the block
    std::size_t used = 0;   ///< bytes used in that block
  };
  /// Uninitialised memory for trivially destructible objects, aligned for any of them.
  void* allocate(std::size_t bytes);
  /// The current position.
  Mark mark() const noexcept { return {block_, used_}; }
  /// Frees everything allocated since `mark`.
  void rewind(Mark mark) noexcept {
    block_ = mark.block;
    used_ = mark.used;
  }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
  };
  static constexpr std::size_t block_size = std::size_t{1} << 16;

  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace wengert
