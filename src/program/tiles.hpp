// The nested loops over the elements of a fusion group: the two innermost form planes, which are cut into tiles.
#pragma once

#include "program/passes.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace wengert::program {

/// Nested loops over one shape, outermost first, at least two. Along a row (the innermost loop), every operand steps by
/// one element or is constant.
struct TileLoops {
  std::vector<std::size_t> extents;
  std::size_t rows() const { return extents[extents.size() - 2]; }
  std::size_t columns() const { return extents.back(); }
  std::size_t planes() const;
};

/// The fewest loops in which each of these layouts, all of one shape, has one stride per loop.
TileLoops tile_loops(const Shape& shape, const std::vector<const Layout*>& layouts);

/// The strides of a layout of `shape` in these loops.
std::vector<std::ptrdiff_t> strides_in(const TileLoops& loops, const Layout& layout);

/// Cuts a single row into rows of `columns` elements, if possible. Returns whether the rows have that length.
bool cut_rows(TileLoops& loops, std::size_t columns);

/// What a sum at the end of a fusion group sums: all elements, columns or rows; `unfused`: it cannot join the group.
enum class TrailingSum { unfused, total, columns, rows };
/// The kind of the sum `summed` over a value with these loops. Cuts the loops into rows if necessary.
TrailingSum trailing_sum(const Summed& summed, TileLoops& loops);

/// Whether an elementwise kernel computes the entry.
template <class T>
bool is_elementwise(const Entry<T>& entry) {
  return entry.source == Source::computed && entry.op->kernels[0] != nullptr;
}

/// The loops of a fusion group of elementwise entries, including its trailing sums.
template <class T>
TileLoops loops_of(const Graph<T>& graph, const FusionGroup& group);

}  // namespace wengert::program
