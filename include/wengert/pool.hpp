// Where a tape's memory comes from: storages for values, and an arena for everything small that lives as long as a
// node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace wengert {

/// Counts the changes of a parameter's value.
using Version = std::uint32_t;

/// A block of memory that the values of one or more nodes lie in. Nodes that are views of another node share its
/// storage. Fills a cache line of its own.
struct alignas(64) Storage {
  std::byte* data = nullptr;          ///< the first byte
  std::size_t capacity = 0;           ///< bytes
  std::uint32_t references = 0;       ///< nodes and adjoints that need it
  std::uint32_t size_class = 0;       ///< the free list it returns to
  Storage* next_free = nullptr;       ///< in its free list
  std::shared_ptr<const void> owner;  ///< keeps foreign memory alive; empty for the pool's own
  const Version* version = nullptr;   ///< of the parameter it refers to, if any
  Version recorded_version = 0;       ///< that parameter's version when it was recorded
  bool borrowed = false;  ///< the caller's memory; `owner` points to its Tensor, if known, and keeps nothing alive
};

/// Recycles storages by size class, so that a repeated computation finds its buffers where it left them.
///
/// Sizes are rounded up to one of eight steps between powers of two (at most 12.5 % of waste above 512 bytes), blocks
/// are aligned to 64 bytes. A freed block is never returned to the system before the pool is destroyed. Not
/// thread-safe.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /// Where the elements of empty values lie: unlike a null pointer, a pointer to it may be offset.
  static std::byte no_elements[];
  /// A storage of at least `bytes` bytes with one reference; its contents are undefined.
  Storage* allocate(std::size_t bytes);
  /// A storage with one reference that refers to foreign memory, kept alive by `owner` if there is one. The data of no
  /// bytes may be null; the storage's are not.
  Storage* adopt(std::byte* data, std::size_t bytes, std::shared_ptr<const void> owner);
  /// Nothing may be read from the storage, nor written to it, until it is allocated again: AddressSanitizer reports it.
  static void forbid(Storage* storage) noexcept;
  /// Counts one more that needs the storage.
  void retain(Storage* storage) noexcept { ++storage->references; }
  /// Counts one less; the last one gives the storage back.
  void release(Storage* storage) noexcept {
    if (--storage->references == 0) recycle(storage);
  }
  /// Bytes held from the system, in use or free.
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

  std::array<Storage*, class_count + 1> free_{};  // the last list holds headers without memory
  std::deque<Storage> headers_;
  std::vector<Block> blocks_;
  std::byte* slab_ = nullptr;  // small storages are cut from here
  std::size_t slab_left_ = 0;
  std::size_t reserved_ = 0;
};

/// Memory handed out front to back and given back in bulk.
class Arena {
 public:
  /// A position to rewind to.
  struct Mark {
    std::size_t block = 0;  ///< by number
    std::size_t used = 0;   ///< bytes of that block
  };
  /// Uninitialised memory for trivially destructible objects, aligned for any of them.
  void* allocate(std::size_t bytes);
  /// How much has been handed out.
  Mark mark() const noexcept { return {block_, used_}; }
  /// Takes back everything handed out since `mark`.
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
