// Tensors as lines along one axis.
#pragma once

#include <wengert/ops/shape.hpp>

#include <string_view>

#include <fmt/format.h>

namespace wengert {

/// A tensor as (outer, count, inner): `count` elements along an axis, `inner` elements apart. A scalar is a line of one
/// element.
struct Lines {
  std::size_t outer = 1, count = 1, inner = 1;
  Lines(const Shape& shape, std::size_t axis) : count(shape.empty() ? 1 : shape[axis]) {
    for (std::size_t i = 0; i < shape.rank(); ++i)
      if (i != axis) (i < axis ? outer : inner) *= shape[i];
  }
  /// Calls row(position, k) for each row of `inner` elements; k counts from the beginning of the axis, or from its end.
  template <class F>
  void each_row(bool reversed, const F& row) const {
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t k = 0; k < count; ++k) row((o * count + (reversed ? count - 1 - k : k)) * inner, k);
  }
};

/// Throws ShapeError if a result would have more than `max_rank` axes.
inline void require_rank(std::string_view name, std::size_t rank) {
  if (rank > max_rank)
    throw ShapeError(name, fmt::format("a result of {} axes: a tensor on a tape has at most {}", rank, max_rank));
}

/// `shape` with an extent of 1 for the axes in `bits`.
inline Shape with_ones(Shape shape, std::uint32_t bits) {
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    if ((bits >> axis & 1) != 0) shape[axis] = 1;
  return shape;
}

/// x with the axes in `bits` merged into one, the last.
template <class T>
Var<T> merged_last(Var<T> x, std::uint32_t bits, const Location& where) {
  const Shape shape = x.shape();
  Shape result;
  std::size_t merged = 1;
  std::ptrdiff_t moved = 0;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    if ((bits >> axis & 1) != 0) {
      x = moveaxis(x, static_cast<std::ptrdiff_t>(axis) - moved++, -1, where);
      merged *= shape[axis];
    } else {
      result.push_back(shape[axis]);
    }
  result.push_back(merged);
  return reshape(x, result, where);
}

}  // namespace wengert
