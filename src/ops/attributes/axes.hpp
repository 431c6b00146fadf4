// The attributes of ops on axes and shapes: reductions, scans, sorting, joining, reshaping, normalisation, resizing.
#pragma once

#include "kernel/resize.hpp"
#include <wengert/ops/index.hpp>
#include <wengert/ops/reduce.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace wengert::attributes {

/// `sum`, `amax`: over the adjacent axes [first, last), which stay with extent 1 if `keep` is yes.
struct Reduction {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
  KeepDims keep{};
};

/// `argmax`, `argmin`: along an axis, which stays with extent 1 if `keep` is yes; if `among_all`, regardless of the
/// axis, the position among all elements in row-major order, and `keep` keeps all axes.
struct PositionOfExtreme {
  std::size_t axis = 0;
  KeepDims keep{};
  bool among_all = false;
};

/// `cumsum`, `logcumsumexp`, `linear_recurrence` (inputs a, b; y = b + a · the preceding y): along an axis, from its
/// end if `reversed`; the reversed recurrence takes a of the preceding element. A scalar has axis 0.
struct AlongAxis {
  std::size_t axis = 0;
  bool reversed = false;
};

/// `cumulative_share`: exp x divided by the sum of exp x so far along an axis, from its end if `reversed`; 1 minus that
/// if `of_those_before`.
struct CumulativeShare {
  std::size_t axis = 0;
  bool reversed = false;
  bool of_those_before = false;
};

/// `argsort`: the first `count` positions along an axis, sorted, equal elements in their order. A scalar has axis 0.
struct Argsort {
  std::size_t axis = 0, count = 0;
  SortOrder order{};
};

/// `concatenate`: the inputs joined along an axis.
struct Concatenate {
  std::size_t axis = 0;
};

/// `reshape`, `reshape_indices`, `broadcast_to`: the shape of the result.
struct Target {
  Shape to;
};

/// `transpose`: axis i of the result is axis order[i] of x.
struct Transpose {
  std::array<std::uint8_t, max_rank> order{};
};

/// `flip`: the reversed axes, one bit each.
struct Flip {
  std::uint32_t axes = 0;
};

/// `tril`, `triu`: the last diagonal that is kept, or the first, counted upwards from the main one.
struct Triangular {
  std::ptrdiff_t offset = 0;
};

/// `group_variance`, `standardise_vjp` (inputs g, y and r, the reciprocal standard deviation per group): a group is all
/// elements with the same index along the axes [first, last). Unless `centred`, means are taken as 0.
struct Grouped {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
  bool centred = true;
};

/// `standardise`: (x − mean) / √(variance + epsilon) by group.
struct Standardise {
  Grouped group;
  double epsilon = 0;
};

/// `resize_axis`, and `resize_axis_gradient`, its adjoint: interpolation of an axis of extent `small` to extent
/// `large`, which may be the smaller one.
struct Resize {
  std::size_t axis = 0;
  std::size_t small = 1;
  std::size_t large = 1;
  kernel::Interpolation interpolation{};
};

}  // namespace wengert::attributes
