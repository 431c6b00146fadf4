// Pool and Arena: size-class free lists over slabs, huge pages for large blocks, and a bump allocator.
#include "base/reserve.hpp"
#include "base/sanitizers.hpp"
#include <wengert/base/error.hpp>
#include <wengert/base/storage.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include <fmt/format.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if WENGERT_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace wengert {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t slab_bytes = std::size_t{1} << 20;
constexpr std::size_t largest_in_slab = slab_bytes / 8;
constexpr std::size_t huge_page = std::size_t{1} << 21;
constexpr std::size_t many_pages = 2 * huge_page;  // from this size on, alignment to huge pages is worth its gaps

// Classes 0 to 7 are 64, 128, … 512 bytes; beyond, every doubling has eight classes.
std::size_t class_of(std::size_t bytes) {
  const std::size_t units = std::max<std::size_t>(1, (bytes + alignment - 1) / alignment);
  if (units <= 8) return units - 1;
  const auto doubling = static_cast<std::size_t>(std::bit_width(units - 1)) - 4;  // units in (8·2^d, 16·2^d]
  return 8 * doubling + ((units - 1) >> doubling);
}

std::size_t bytes_of_class(std::size_t size_class) {
  if (size_class < 8) return (size_class + 1) * alignment;
  const std::size_t doubling = (size_class - 8) / 8;
  return ((size_class - 8) % 8 + 9) * (alignment << doubling);
}

}  // namespace

// Only pages that lie entirely in the memory, so that none is used in part.
void detail::advise_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE)
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + huge_page - 1) / huge_page * huge_page;
  const std::uintptr_t last = (begin + bytes) / huge_page * huge_page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

Pool::~Pool() {
  for (const Block& block : blocks_) {
    ASAN_UNPOISON_MEMORY_REGION(block.memory, alignment);
    ::operator delete (block.memory, std::align_val_t{block.alignment});
  }
}

Storage* Pool::allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 56))
    throw MemoryError("memory", fmt::format("cannot allocate {} bytes for a value", bytes));
  const std::size_t size_class = class_of(bytes);
  Storage* storage = free_[size_class];
  if (storage == nullptr) [[unlikely]]
    storage = carve(size_class);
  else
    free_[size_class] = storage->next_free;
  ASAN_UNPOISON_MEMORY_REGION(storage->data, bytes);
  storage->references = 1;
  return storage;
}

alignas(alignment) std::byte Pool::no_elements[alignment];

void Pool::poison(Storage* storage) noexcept { ASAN_POISON_MEMORY_REGION(storage->data, storage->capacity); }

Storage* Pool::adopt(std::byte* data, std::size_t bytes, std::shared_ptr<const void> owner) {
  Storage* storage = free_[foreign_class];
  if (storage == nullptr)
    storage = new_header();
  else
    free_[foreign_class] = storage->next_free;
  storage->data = data != nullptr ? data : no_elements;
  storage->capacity = bytes;
  storage->size_class = foreign_class;
  storage->owner = std::move(owner);
  storage->references = 1;
  return storage;
}

void Pool::recycle(Storage* storage) noexcept {
  if (storage->size_class == foreign_class) {
    storage->owner.reset();
    storage->version = nullptr;
    storage->borrowed = false;
  } else {
    ASAN_POISON_MEMORY_REGION(storage->data, storage->capacity);
  }
  storage->next_free = free_[storage->size_class];
  free_[storage->size_class] = storage;
}

Storage* Pool::new_header() { return &headers_.emplace_front(); }

// A small storage follows its header directly: they are close in memory, and the header needs no separate allocation.
Storage* Pool::carve(std::size_t size_class) {
  const std::size_t bytes = bytes_of_class(size_class);
  Storage* storage = nullptr;
  if (bytes > largest_in_slab) {
    std::byte* const memory = reserve(bytes);
    storage = new_header();
    storage->data = memory;
  } else {
    const std::size_t with_header = sizeof(Storage) + bytes;
    if (slab_left_ < with_header) {  // slabs grow with the total, so that fewer pages fault one by one
      const std::size_t next = std::max(slab_bytes, reserved_ / 8);
      slab_ = reserve(next);
      slab_left_ = next;
    }
    storage = new (slab_) Storage;  // owns nothing, so it needs no destructor
    storage->data = slab_ + sizeof(Storage);
    slab_ += with_header;
    slab_left_ -= with_header;
  }
  storage->capacity = bytes;
  storage->size_class = static_cast<std::uint32_t>(size_class);
  ASAN_POISON_MEMORY_REGION(storage->data, bytes);
  return storage;
}

std::byte* Pool::reserve(std::size_t bytes) {
  const std::size_t aligned_to = bytes < many_pages ? alignment : huge_page;
  blocks_.push_back({nullptr, aligned_to});
  auto* memory = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{aligned_to}, std::nothrow));
  if (memory == nullptr) {
    blocks_.pop_back();
    throw MemoryError("memory", fmt::format("cannot allocate {} bytes for a value", bytes));
  }
  blocks_.back().memory = memory;
  if (aligned_to == huge_page) detail::advise_huge_pages(memory, bytes);
  reserved_ += bytes;
  return memory;
}

void* Arena::allocate(std::size_t bytes) {
  bytes = (bytes + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t size = std::max(bytes, block_size);
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
    used_ = 0;
  }
  void* memory = blocks_[block_].memory.get() + used_;
  used_ += bytes;
  return memory;
}

}  // namespace wengert
