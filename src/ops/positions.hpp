// Indices of several axes as positions in all of them together.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/tape/index_var.hpp>

#include <cstddef>
#include <vector>

namespace wengert {

/// Indices of one axis.
template <class T>
struct IndicesOfAxis {
  IndexVar<T> indices;
  std::size_t axis;    ///< its number, for messages
  std::size_t extent;  ///< its number of elements
};

/// Row-major positions in all these axes together, from 0 on; the lists of indices broadcast against each other. The
/// indices of a single axis are returned as they are. Throws ValueError, naming the function `caller`, for an index out
/// of range, ShapeError for lists that do not broadcast.
template <class T>
IndexVar<T> row_major_positions(const char* caller, const std::vector<IndicesOfAxis<T>>& lists, const Location& where);

}  // namespace wengert
