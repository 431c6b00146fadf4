// The attributes of ops on parts of values and on diagonals. Those of `slice`, `diagonal`, `pad` and `diag` are the op
// structs Section, Diagonal, ViewTranspose<Section> and ViewTranspose<Diagonal> themselves.
#pragma once

#include "ops/contraction.hpp"
#include "ops/view_transpose.hpp"

#include <cstdint>

namespace wengert::attributes {

/// `slice_indices`: the section of k, with the section's axes of `backwards`, one bit each, reversed, in the shape
/// `to`, which may have additional axes of extent 1.
struct SliceIndices {
  Section section;
  Shape to;
  std::uint32_t backwards = 0;
};

/// `map_axes`: a view of x with its axes in another order.
struct MapAxes {
  detail::AxisMap map;
};

/// `spread_axes`, the adjoint of `map_axes` on a value of shape `to`: x on its diagonals, zeros elsewhere.
struct SpreadAxes {
  detail::AxisMap map;
  Shape to;
};

}  // namespace wengert::attributes
