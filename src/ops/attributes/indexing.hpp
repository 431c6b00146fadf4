// The attributes of ops with integer inputs, and of losses by label.
#pragma once

#include "ops/indexing.hpp"

#include <cstddef>
#include <cstdint>

namespace wengert::attributes {

/// `take` (x, k), `gather_last` (x, k), `scatter` (x, k, source): the axis that the indices refer to.
struct Indexed {
  IndexedAxis along;
};

/// `gather` (x, k), and the adjoints of `take` and `gather`, `put_slabs` and `put_along_axis` (elements, k), which add
/// elements to zeros: the axis that the indices refer to, and the shape of the result.
struct IndexedTo {
  IndexedAxis along;
  Shape to;
};

/// `join_indices`: i · second_extent + j, for indices i of the first axis and j of the second, counted from the front.
struct JoinIndices {
  IndexedAxis first, second;
  std::size_t first_extent = 0, second_extent = 0;
};

/// `one_hot`: the extent of the new last axis.
struct OneHot {
  std::size_t classes = 0;
};

/// `sequence_mask`: the extent of the new last axis, with the name of the calling function for messages.
struct SequenceMask {
  const char* caller;
  std::size_t steps = 0;
};

/// `last_positions`: i · steps + max(nᵢ, 1) − 1.
struct LastPositions {
  std::size_t steps = 0;
};

/// `pick_by_label` (x, labels), `cross_entropy_of_label` (logits, labels), `cross_entropy_of_label_vjp` (g, logits,
/// labels): classes along axis 1 of (N, C, …), or the only axis. Labels equal to `ignored` give 0 if `ignores`. If
/// `shared`, x is one vector over the classes for all labels. `is_nll` names the calling function for messages.
struct ByLabel {
  bool shared = false;
  bool ignores = false;
  bool is_nll = false;
  std::int64_t ignored = 0;
};

/// `put_by_label` (elements, labels), the adjoint of `pick_by_label`: elements added to zeros of shape `to`.
struct PutByLabel {
  ByLabel how;
  Shape to;
};

/// `ctc_loss`, `ctc_posterior` (a, labels, input lengths, target lengths), `ctc_curvature` (a, direction, labels, input
/// lengths, target lengths): the class of the blank; infinite losses are 0 if `zero_infinity`; losses are divided by
/// their target's length if `by_length`.
struct Ctc {
  std::int64_t blank = 0;
  bool zero_infinity = false;
  bool by_length = false;
};

}  // namespace wengert::attributes
