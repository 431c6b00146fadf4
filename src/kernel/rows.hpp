// Rows of any length read and written by lanes, of which the last may be partial.
#pragma once

#include <wengert/kernel/lane.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

namespace wengert::kernel {

/// All elements of a lane joined to one number, half by half.
template <class T, std::size_t Bytes, class Join>
WENGERT_INLINE T across(const Lane<T, Bytes>& lane, const Join& join) {
  if constexpr (Bytes > 16) {
    constexpr std::size_t half = Bytes / sizeof(T) / 2;
    return [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
      Lane<T, Bytes / 2> low, high;
      low.v = __builtin_shufflevector(lane.v, lane.v, static_cast<int>(I)...);
      high.v = __builtin_shufflevector(lane.v, lane.v, static_cast<int>(I + half)...);
      const Lane<T, Bytes / 2> both = join(low, high);
      return across(both, join);
    }
    (std::make_index_sequence<half>{});
  } else if constexpr (sizeof(T) == 4) {
    return join(join(lane.v[0], lane.v[1]), join(lane.v[2], lane.v[3]));
  } else {
    return join(lane.v[0], lane.v[1]);
  }
}

inline constexpr auto plus = [](const auto& a, const auto& b) __attribute__((always_inline)) { return a + b; };
/// The larger; a NaN may get lost.
inline constexpr auto larger = []<class X>(const X& a, const X& b) __attribute__((always_inline)) {
  if constexpr (std::is_floating_point_v<X>)
    return a > b ? a : b;
  else
    return where(a > b, a, b);
};

/// One row of `count` elements: whole lanes, then `rest` elements more. Where a lane may go beyond the row's end, as
/// other rows follow, which are written later, the partial lane is read and written as a whole one.
template <class L>
struct Row {
  using T = typename L::Scalar;
  std::size_t whole, rest;
  bool goes_beyond;

  WENGERT_INLINE Row(std::size_t count, std::size_t following)
      : whole(count - count % L::width), rest(count % L::width), goes_beyond(rest + following >= L::width) {}

  /// The partial lane, with `padding` behind it.
  WENGERT_INLINE L last(const T* row, T padding) const {
    if (goes_beyond) {
      const L position = L::load(positions.data()), beyond(padding), e = L::load(row + whole);
      return where(position < L(static_cast<T>(rest)), e, beyond);
    }
    alignas(L) T elements[L::width];
    L(padding).store(elements);
    std::memcpy(elements, row + whole, rest * sizeof(T));
    return L::load(elements);
  }
  WENGERT_INLINE void store_last(const L& lane, T* row) const {
    if (goes_beyond) return lane.store(row + whole);
    alignas(L) T elements[L::width];
    lane.store(elements);
    std::memcpy(row + whole, elements, rest * sizeof(T));
  }

 private:
  static constexpr auto positions = [] {
    std::array<T, L::width> all{};
    for (std::size_t i = 0; i < L::width; ++i) all[i] = static_cast<T>(i);
    return all;
  }();
};

}  // namespace wengert::kernel
