// Tile loops: merges axes into nested loops, computes strides in them, and classifies trailing sums.
#include "program/tiles.hpp"

#include <algorithm>

namespace wengert::program {

std::size_t TileLoops::planes() const {
  std::size_t count = 1;
  for (std::size_t loop = 0; loop + 2 < extents.size(); ++loop) count *= extents[loop];
  return count;
}

TileLoops tile_loops(const Shape& shape, const std::vector<const Layout*>& layouts) {
  TileLoops loops;
  std::size_t last = max_rank;  // the last axis of the innermost loop so far
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const bool joins =
        last != max_rank && std::all_of(layouts.begin(), layouts.end(), [&](const Layout* layout) {
          return layout->strides[last] == layout->strides[axis] * static_cast<std::ptrdiff_t>(shape[axis]);
        });
    if (joins)
      loops.extents.back() *= shape[axis];
    else
      loops.extents.push_back(shape[axis]);
    last = axis;
  }
  while (loops.extents.size() < 2) loops.extents.insert(loops.extents.begin(), 1);
  return loops;
}

std::vector<std::ptrdiff_t> strides_in(const TileLoops& loops, const Layout& layout) {
  std::vector<std::ptrdiff_t> strides(loops.extents.size(), 0);
  // Axes are taken from the innermost outwards; a loop has the stride of its last axis.
  std::size_t axis = layout.rank();
  for (std::size_t loop = loops.extents.size(); loop-- > 0;) {
    std::size_t left = loops.extents[loop];
    bool first = true;
    while (left > 1 && axis > 0) {
      --axis;
      const std::size_t extent = layout.shape[axis];
      if (extent == 1) continue;
      if (first) strides[loop] = layout.strides[axis];
      first = false;
      left /= extent;
    }
  }
  return strides;
}

bool cut_rows(TileLoops& loops, std::size_t columns) {
  if (loops.columns() == columns) return true;
  if (loops.extents.size() != 2 || loops.rows() != 1 || columns == 0 || loops.columns() % columns != 0) return false;
  loops.extents = {loops.columns() / columns, columns};
  return true;
}

TrailingSum trailing_sum(const Summed& summed, TileLoops& loops) {
  const std::size_t kept = summed.outer * summed.inner;
  if (summed.count == 0 || kept == 0) return TrailingSum::unfused;
  if (kept == 1) return TrailingSum::total;
  if (loops.planes() != 1 || summed.count == 1) return TrailingSum::unfused;  // a sum of one element each is a copy
  if (summed.outer == 1 && cut_rows(loops, summed.inner)) return TrailingSum::columns;
  if (summed.inner == 1 && cut_rows(loops, summed.count)) return TrailingSum::rows;
  return TrailingSum::unfused;
}

template <class T>
TileLoops loops_of(const Graph<T>& graph, const FusionGroup& group) {
  std::vector<const Layout*> layouts;
  const Entry<T>& first = graph.entries[group.entries.front()];
  for (const std::uint32_t k : group.entries)
    if (is_elementwise(graph.entries[k]))
      for (const std::uint32_t input : graph.inputs_of(k))
        if (const Layout& layout = graph.entries[input].layout; !layout.contiguous) layouts.push_back(&layout);
  TileLoops loops = tile_loops(first.layout.shape, layouts);
  for (const std::uint32_t k : group.entries)
    if (const Entry<T>& entry = graph.entries[k]; !is_elementwise(entry))
      trailing_sum(entry.op->summed(entry.attributes, first.layout.shape), loops);
  return loops;
}

template TileLoops loops_of(const Graph<float>&, const FusionGroup&);
template TileLoops loops_of(const Graph<double>&, const FusionGroup&);

}  // namespace wengert::program
