// Pool and Arena: alignment, reuse of blocks, foreign memory, size limits, and bulk release.
#include "testing.hpp"
#include <wengert/base/storage.hpp>

#include <set>

using namespace wengert;

TEST_CASE("the pool hands out aligned, disjoint blocks of at least the size asked for") {
  Pool pool;
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  for (const std::size_t bytes :
       wengert::testing::Sizes{1, 63, 64, 65, 512, 513, 1000, 4096, 100'000, 131'073, 5'000'000}) {
    const Storage* s = pool.allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(s->data) % 64 == 0);
    CHECK(s->capacity >= bytes);
    CHECK(s->capacity <= std::max<std::size_t>(bytes + 64, bytes + bytes / 8 + 64));
    for (const auto& [data, size] : blocks) CHECK((s->data + s->capacity <= data || data + size <= s->data));
    blocks.emplace_back(s->data, s->capacity);
  }
}

TEST_CASE("a released block is handed out again for the same size, the last released first") {
  Pool pool;
  Storage* a = pool.allocate(1000);
  Storage* b = pool.allocate(1000);
  pool.retain(a);
  pool.release(a);
  pool.release(b);
  CHECK(pool.allocate(1000) == b);
  CHECK(pool.allocate(1000) != a);  // still retained
  pool.release(a);
  const auto reserved = pool.reserved_bytes();
  CHECK(pool.allocate(1001) == a);
  CHECK(pool.reserved_bytes() == reserved);
}

TEST_CASE("foreign memory is kept alive as long as it is referred to") {
  Pool pool;
  auto owner = std::make_shared<int>(5);
  Storage* s = pool.adopt(reinterpret_cast<std::byte*>(owner.get()), sizeof(int), owner);
  CHECK(owner.use_count() == 2);
  pool.release(s);
  CHECK(owner.use_count() == 1);
}

TEST_CASE("the pool refuses absurd sizes") {
  Pool pool;
  CHECK_THROWS_AS(pool.allocate(std::size_t{1} << 60), MemoryError);
}

TEST_CASE("an arena gives memory back in bulk and reuses it") {
  Arena arena;
  void* first = arena.allocate(10);
  const auto mark = arena.mark();
  void* second = arena.allocate(1000);
  void* large = arena.allocate(1'000'000);
  CHECK(first != second);
  CHECK(large != second);
  arena.rewind(mark);
  CHECK(arena.allocate(1000) == second);
  CHECK(arena.allocate(1'000'000) == large);
}
