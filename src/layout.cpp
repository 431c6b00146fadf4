#include <wengert/error.hpp>
#include <wengert/layout.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert {

Layout contiguous_layout(const Shape& shape) {
  Layout layout;
  layout.shape = shape;
  bool overflow = false;
  std::ptrdiff_t step = 1;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    layout.strides[axis] = step;
    overflow |= __builtin_mul_overflow(step, static_cast<std::ptrdiff_t>(std::max<std::size_t>(shape[axis], 1)), &step);
  }
  constexpr std::ptrdiff_t most = std::ptrdiff_t{1} << 59;  // of eight bytes each
  if (overflow || step > most)
    throw ShapeError("shape", fmt::format("{}: more elements than memory can hold", to_string(shape)));
  layout.size = shape.elements();
  return layout;
}

Layout strided_layout(const Shape& shape, std::span<const std::ptrdiff_t> strides) {
  Layout layout = contiguous_layout(shape);
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != 1 && strides[axis] != layout.strides[axis] && layout.size != 0) layout.contiguous = false;
  }
  std::copy_n(strides.begin(), shape.rank(), layout.strides.begin());
  return layout;
}

Loops merge_loops(std::span<const Layout* const> layouts) {
  Loops loops;
  const Shape& shape = layouts.front()->shape;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const auto extent = static_cast<std::ptrdiff_t>(shape[axis]);
    bool joins = loops.rank > 0;  // with the loop around it: that one steps over exactly this axis, in every value
    for (std::size_t v = 0; v < layouts.size() && joins; ++v)
      joins = loops.strides[v][loops.rank - 1] == layouts[v]->strides[axis] * extent;
    if (!joins) loops.extents[loops.rank++] = 1;
    loops.extents[loops.rank - 1] *= shape[axis];
    for (std::size_t v = 0; v < layouts.size(); ++v) loops.strides[v][loops.rank - 1] = layouts[v]->strides[axis];
  }
  if (loops.rank == 0) {
    loops.rank = 1;
    loops.extents[0] = 1;
    for (std::size_t v = 0; v < layouts.size(); ++v) loops.strides[v][0] = 1;
  }
  return loops;
}

namespace {

// Rows are walked in small tiles, so that a transposing copy touches few cache lines at a time.
template <class T>
void copy_plane(const T* from, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                std::size_t columns, T* to) {
  if (column_stride == 1) {
    for (std::size_t r = 0; r < rows; ++r, from += row_stride) to = std::copy_n(from, columns, to);
    return;
  }
  constexpr std::size_t tile = 16;
  for (std::size_t r0 = 0; r0 < rows; r0 += tile) {
    const std::size_t r1 = std::min(rows, r0 + tile);
    for (std::size_t c0 = 0; c0 < columns; c0 += tile) {
      const std::size_t c1 = std::min(columns, c0 + tile);
      for (std::size_t r = r0; r < r1; ++r) {
        const T* source = from + static_cast<std::ptrdiff_t>(r) * row_stride;
        for (std::size_t c = c0; c < c1; ++c)
          to[r * columns + c] = source[static_cast<std::ptrdiff_t>(c) * column_stride];
      }
    }
  }
}

}  // namespace

template <class T>
void copy_elements(Value<const T> from, T* to) {
  if (from.size() == 0) return;
  if (from.layout->contiguous) {
    std::copy_n(from.data, from.size(), to);
    return;
  }
  const Layout* layouts[] = {from.layout};
  const Loops loops = merge_loops(layouts);
  const auto& strides = loops.strides[0];
  const std::size_t columns = loops.extents[loops.rank - 1];
  const std::size_t rows = loops.rank > 1 ? loops.extents[loops.rank - 2] : 1;
  const std::ptrdiff_t row_stride = loops.rank > 1 ? strides[loops.rank - 2] : 0;
  std::array<std::size_t, max_rank> position{};
  const T* plane = from.data;
  while (true) {
    copy_plane(plane, row_stride, strides[loops.rank - 1], rows, columns, to);
    to += rows * columns;
    std::size_t loop = loops.rank > 2 ? loops.rank - 2 : 0;
    while (loop > 0) {  // the outer loops, counted like an odometer
      --loop;
      plane += strides[loop];
      if (++position[loop] < loops.extents[loop]) break;
      plane -= strides[loop] * static_cast<std::ptrdiff_t>(loops.extents[loop]);
      position[loop] = 0;
      if (loop == 0) return;
    }
    if (loops.rank <= 2) return;
  }
}

template void copy_elements<float>(Value<const float>, float*);
template void copy_elements<double>(Value<const double>, double*);
template void copy_elements<std::int64_t>(Value<const std::int64_t>, std::int64_t*);

}  // namespace wengert
