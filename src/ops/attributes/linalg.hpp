// The attributes of ops on stacks of matrices.
#pragma once

#include "ops/matrices.hpp"
#include <wengert/ops/linalg.hpp>

#include <cstddef>

namespace wengert::attributes {

/// `unpack`: the matrix or vector at a place in the last axis of x, the packed result of a factorisation.
struct Unpack {
  detail::Place place;
};

/// `pack`, the adjoint of `unpack`: x at its place among `size` zeros.
struct Pack {
  detail::Place place;
  std::size_t size = 0;
};

/// `weigh_triangles`: the elements below, on and above the main diagonal multiplied by these weights, of which 0 gives
/// 0.
struct WeighTriangles {
  double below = 0, on = 0, above = 0;
};

/// `triangular_solve` (A, B): which triangle of A is read, and whether its diagonal is taken as 1.
struct TriangularSolve {
  Triangle triangle{};
  UnitDiagonal unit{};
};

}  // namespace wengert::attributes
