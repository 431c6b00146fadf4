// The table of live tapes. Tapes that find no free slot in their line are kept in a set behind a lock.
#include <wengert/tape/live_tapes.hpp>

#include <mutex>
#include <set>

namespace wengert::detail {

alignas(64) std::atomic<std::uintptr_t> live_tapes[live_slots];

namespace {

struct Further {
  std::mutex mutex;
  std::set<const void*> tapes;
};
Further& further() {
  static auto* const result = new Further;  // never destroyed, because tapes may outlive static objects
  return *result;
}

// Replaces `from` with `to` in the cache line of a tape; returns whether `from` was there.
bool exchange_in_line(const void* tape, std::uintptr_t from, std::uintptr_t to) noexcept {
  const std::size_t slot = live_slot(tape);
  for (std::size_t i = 0; i < live_line; ++i)
    if (std::uintptr_t expected = from;
        live_tapes[slot ^ i].compare_exchange_strong(expected, to, std::memory_order_relaxed))
      return true;
  return false;
}

}  // namespace

bool is_live_elsewhere(const void* tape) noexcept {
  if (tape == nullptr) return false;
  const std::size_t slot = live_slot(tape);
  for (std::size_t i = 0; i < live_line; ++i)
    if (live_tapes[slot ^ i].load(std::memory_order_relaxed) == ~reinterpret_cast<std::uintptr_t>(tape)) return true;
  const std::lock_guard lock(further().mutex);
  return further().tapes.contains(tape);
}

void register_tape(const void* tape) {
  if (exchange_in_line(tape, 0, ~reinterpret_cast<std::uintptr_t>(tape))) return;
  const std::lock_guard lock(further().mutex);
  further().tapes.insert(tape);
}

void unregister_tape(const void* tape) noexcept {
  if (exchange_in_line(tape, ~reinterpret_cast<std::uintptr_t>(tape), 0)) return;
  const std::lock_guard lock(further().mutex);
  further().tapes.erase(tape);
}

}  // namespace wengert::detail
