// Contractions of operands with labelled axes, for einsum, tensordot and dot.
#pragma once

#include <wengert/base/layout.hpp>
#include <wengert/tape/op.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::detail {

/// A set of labels, one bit each: upper- and lower-case letters, and the axes of an ellipsis.
using LabelSet = std::uint64_t;
inline constexpr std::size_t label_count = 64;
using LabelExtents = std::array<std::size_t, label_count>;

constexpr LabelSet set_of(std::uint8_t label) { return LabelSet{1} << label; }
LabelSet set_of(std::span<const std::uint8_t> labels);

/// A value with a distinct label for each axis.
template <class T>
struct Labelled {
  Var<T> value;
  std::vector<std::uint8_t> labels;
};

/// A view of x, whose axes are `labels`, with the axes `wanted`. Axes that share a label become their diagonal; an axis
/// whose label is not wanted has extent 1 and is dropped; a label that x does not have becomes an axis of extent 1.
template <class T>
Var<T> with_labels(Var<T> x, std::span<const std::uint8_t> labels, std::span<const std::uint8_t> wanted,
                   const Location& where);

/// The axis of the result that each axis of x maps to; axes with the same target form a diagonal.
struct AxisMap {
  static constexpr std::uint8_t dropped = 0xff;
  std::array<std::uint8_t, max_rank> to{};
  std::uint8_t rank = 0;

  Layout apply(const Layout& x) const {
    Shape shape;
    for (std::size_t axis = 0; axis < rank; ++axis) shape.push_back(1);
    std::array<std::ptrdiff_t, max_rank> strides{};
    for (std::size_t axis = 0; axis < x.rank(); ++axis) {
      if (to[axis] == dropped) continue;
      shape[to[axis]] = x.shape[axis];
      strides[to[axis]] += x.strides[axis];
    }
    return strided_layout(shape, strides);
  }
  bool takes_diagonals(std::size_t rank_of_x) const {
    unsigned seen = 0;
    for (std::size_t axis = 0; axis < rank_of_x; ++axis) {
      if (to[axis] == dropped) continue;
      if ((seen >> to[axis] & 1U) != 0) return true;
      seen |= 1U << to[axis];
    }
    return false;
  }
};

/// The product of a and b, summed over their common labels that are not in `kept`. Its labels are the other common
/// ones, in a's order, then those of a alone, then those of b alone.
template <class T>
Labelled<T> join(const Labelled<T>& a, const Labelled<T>& b, LabelSet kept, const Location& where);

/// The order in which to join operands: each step joins two of the values so far, operands first, and appends the
/// result. For up to six operands, the order with the fewest multiplications; for more, the cheaper of two greedy
/// orders. No value has more than 8 axes; empty if no such order is found.
std::vector<std::pair<std::size_t, std::size_t>> contraction_order(std::span<const LabelSet> operands, LabelSet result,
                                                                   const LabelExtents& extents);

}  // namespace wengert::detail
