// The attributes of ops on sliding windows: convolution, unfold, pooling and unpooling.
#pragma once

#include "kernel/pooling.hpp"
#include "kernel/window.hpp"
#include "ops/windows.hpp"

#include <cstddef>

namespace wengert::attributes {

/// `conv` (inputs x, w), and its adjoints `conv_input_gradient` (g, w), which is the transposed convolution, and
/// `conv_weight_gradient` (x, g). The last `rank` axes of the window are used; it holds the extents of x, w and y.
struct Convolution {
  kernel::Window window;
  std::size_t groups = 1;
  std::size_t rank = 2;
};

/// `unfold`, and `fold`, its adjoint: two spatial axes, the last ones of the window.
struct Unfolding {
  kernel::Window window;
};

/// `max_pool_positions` (x), `max_pool` (x, positions), and `max_pool_gradient` (g, positions), its adjoint. The last
/// `rank` axes of the window are used; a position is that in its plane of spatial axes, in row-major order.
struct Pooling {
  kernel::PoolWindow window;
  std::size_t rank = 2;
};

/// `avg_pool`, and `avg_pool_gradient`, its adjoint: the average includes the padding if `padding_counts`.
struct AveragePooling {
  Pooling pool;
  bool padding_counts = true;
};

/// `max_unpool` (x, positions), and `max_unpool_gradient` (g, positions), its adjoint: elements at positions in planes
/// of the last `rank` extents in `to`, zeros elsewhere; of several elements for one position, the last is used.
struct Unpooling {
  std::size_t rank = 2;
  detail::PerThree to{1, 1, 1};
};

}  // namespace wengert::attributes
