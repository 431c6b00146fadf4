// The table of live tapes. Handles are checked against it, so that freed memory is never read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wengert::detail {

/// The bitwise complements of the addresses of live tapes, each in a slot of the cache line that the address hashes to.
/// 0 marks a free slot; because of the complement, the null address of an empty handle does not match it.
inline constexpr std::size_t live_slots = 1024, live_line = 8;
alignas(64) extern std::atomic<std::uintptr_t> live_tapes[live_slots];

inline std::size_t live_slot(const void* tape) noexcept {
  return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(tape) * 0x9e3779b97f4a7c15U >> 54);
}
/// Whether a tape that is not in the slot of its hash is live.
bool is_live_elsewhere(const void* tape) noexcept;
/// Whether a live tape is at this address: usually one load and one comparison.
inline bool is_live(const void* tape) noexcept {
  const std::uintptr_t stored = live_tapes[live_slot(tape)].load(std::memory_order_relaxed);
  return stored == ~reinterpret_cast<std::uintptr_t>(tape) || is_live_elsewhere(tape);
}
/// Add a tape to the table, or remove it.
///@{
void register_tape(const void* tape);
void unregister_tape(const void* tape) noexcept;
///@}

}  // namespace wengert::detail
