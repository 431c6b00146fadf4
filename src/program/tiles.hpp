// How the elements of a unit's entries are walked: nested loops, of which the two innermost form planes of rows ×
// columns that are cut into tiles.
#pragma once

#include "program/passes.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace wengert::program {

/// Nested loops over one shape, outermost first, at least two; in a row (the innermost loop), every operand steps by
/// one element or stands still.
struct TileLoops {
  std::vector<std::size_t> extents;
  std::size_t rows() const { return extents[extents.size() - 2]; }
  std::size_t columns() const { return extents.back(); }
  std::size_t planes() const;
};

/// The fewest loops in which each of these layouts, all of one shape, has a fixed stride for each loop.
TileLoops tile_loops(const Shape& shape, const std::vector<const Layout*>& layouts);

/// The strides of a layout of `shape` in these loops.
std::vector<std::ptrdiff_t> strides_in(const TileLoops& loops, const Layout& layout);

/// The loops with rows of exactly `columns` elements, if a single row can be cut into such.
bool cut_rows(TileLoops& loops, std::size_t columns);

/// How a sum that ends a unit takes part in its tiles; `apart`: not at all.
enum class TrailingSum { apart, total, columns, rows };
/// What kind of trailing sum `summed` is over a value with these loops; the loops are cut into rows if it needs that.
TrailingSum trailing_sum(const Summed& summed, TileLoops& loops);

/// The entries of a unit whose values elementwise kernels give, and which layouts they read from outside.
template <class T>
bool is_elementwise(const Entry<T>& entry) {
  return entry.source == Source::computed && entry.op->kernels[0] != nullptr;
}

/// The loops of a unit of elementwise entries, trailing sums included.
template <class T>
TileLoops loops_of(const Graph<T>& graph, const Unit& unit);

}  // namespace wengert::program
