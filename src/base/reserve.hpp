// Growth of long sequences.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace wengert::detail {

/// Advises the system to use huge pages where whole ones fit into this memory. To be called before the memory is
/// touched: otherwise, its 4 KiB pages fault one by one.
void advise_huge_pages(void* memory, std::size_t bytes) noexcept;

/// Doubles the capacity of a full sequence.
template <class E>
[[gnu::noinline]] void grow(std::vector<E>& sequence) {
  std::vector<E> larger;
  larger.reserve(std::max<std::size_t>(64, 2 * sequence.capacity()));
  advise_huge_pages(larger.data(), larger.capacity() * sizeof(E));
  larger.insert(larger.end(), sequence.begin(), sequence.end());
  sequence.swap(larger);
}

}  // namespace wengert::detail
