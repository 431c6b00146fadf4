// Reads and writes rows of any length lane by lane; the last lane may be partial.
#pragma once

#include <wengert/simd/lane.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

namespace wengert::kernel {

/// A lane of one element, for remainders.
template <class T>
struct Single {
  static constexpr std::size_t width = 1;
  T v;

  explicit Single(T c) : v(c) {}
  static WENGERT_INLINE Single load(const T* p) { return Single(*p); }
  WENGERT_INLINE void store(T* p) const { *p = v; }
  friend WENGERT_INLINE Single operator+(const Single& a, const Single& b) { return Single(a.v + b.v); }
  friend WENGERT_INLINE Single operator-(const Single& a, const Single& b) { return Single(a.v - b.v); }
  friend WENGERT_INLINE Single operator*(const Single& a, const Single& b) { return Single(a.v * b.v); }
};

/// Reduces a lane to one number by repeated halving.
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
/// The larger of two; may lose a NaN.
inline constexpr auto larger = []<class X>(const X& a, const X& b) __attribute__((always_inline)) {
  if constexpr (std::is_floating_point_v<X>)
    return a > b ? a : b;
  else
    return where(a > b, a, b);
};

/// One row of `count` elements: whole lanes, then a partial one of `rest` elements. If enough elements follow, of rows
/// that are written later, the partial lane is read and written as a whole one.
template <class L>
struct Row {
  using T = typename L::Scalar;
  std::size_t whole, rest;
  bool goes_beyond;

  WENGERT_INLINE Row(std::size_t count, std::size_t following)
      : whole(count - count % L::width), rest(count % L::width), goes_beyond(rest + following >= L::width) {}

  /// The partial lane, filled up with `padding`.
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

/// As many short rows as a lane is wide, transposed, so that each lane holds one column of them: lanes that each hold
/// one short row would be mostly empty.
template <class L>
struct TransposedRows {
  using T = typename L::Scalar;
  static constexpr std::size_t longest = 32;
  alignas(L) T columns[longest][L::width];

  WENGERT_INLINE TransposedRows(const T* x, std::size_t rows, std::size_t count) {
    for (std::size_t k = 0; k < count; ++k) {
      if (rows < L::width) L(T(0)).store(columns[k]);
      for (std::size_t r = 0; r < rows; ++r) columns[k][r] = x[r * count + k];
    }
  }
  WENGERT_INLINE L operator[](std::size_t k) const { return L::load(columns[k]); }
  WENGERT_INLINE void set(std::size_t k, const L& column) { column.store(columns[k]); }
  WENGERT_INLINE void write(T* y, std::size_t rows, std::size_t count) const {
    for (std::size_t r = 0; r < rows; ++r, y += count)
      for (std::size_t k = 0; k < count; ++k) y[k] = columns[k][r];
  }
};

/// Calls visit(first row, number of rows) for blocks of as many rows as a lane is wide.
template <class L, class Visit>
WENGERT_INLINE void for_each_row_block(std::size_t rows, const Visit& visit) {
  for (std::size_t first = 0; first < rows; first += L::width) visit(first, std::min(L::width, rows - first));
}

}  // namespace wengert::kernel
