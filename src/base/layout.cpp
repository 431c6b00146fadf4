// Layouts: strides of contiguous, strided and reshaped values, loop merging, and tiled copies between layouts.
#include "base/odometer.hpp"
#include <wengert/base/error.hpp>
#include <wengert/base/layout.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

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
  constexpr std::ptrdiff_t most = std::ptrdiff_t{1} << 59;  // elements of eight bytes
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
    bool joins = loops.rank > 0;  // whether the enclosing loop steps over exactly this axis, in every value
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

std::optional<Layout> reshaped_layout(const Layout& from, const Shape& shape) {
  Layout result = contiguous_layout(shape);
  if (from.contiguous) return result;
  Shape extents;
  std::array<std::ptrdiff_t, max_rank> strides{};
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    if (from.shape[axis] != 1) {
      strides[extents.rank()] = from.strides[axis];
      extents.push_back(from.shape[axis]);
    }
  // In the smallest groups of neighbouring old and new axes with equal numbers of elements, the old axes must merge.
  for (std::size_t old_axis = 0, new_axis = 0; old_axis < extents.rank();) {
    std::size_t old_count = extents[old_axis], new_count = shape[new_axis];
    std::size_t old_end = old_axis + 1, new_end = new_axis + 1;
    while (old_count != new_count)
      if (new_count < old_count)
        new_count *= shape[new_end++];
      else
        old_count *= extents[old_end++];
    for (std::size_t axis = old_axis; axis + 1 < old_end; ++axis)
      if (strides[axis] != strides[axis + 1] * static_cast<std::ptrdiff_t>(extents[axis + 1])) return {};
    std::ptrdiff_t stride = strides[old_end - 1];
    for (std::size_t axis = new_end; axis-- > new_axis; stride *= static_cast<std::ptrdiff_t>(shape[axis]))
      result.strides[axis] = stride;
    old_axis = old_end;
    new_axis = new_end;
  }
  return strided_layout(shape, result.strides);
}

namespace {

struct Plane {
  std::size_t rows, columns;
  std::ptrdiff_t from_row, from_column, to_row, to_column;  // strides
};

// Squares with sides of 16 bytes, transposed in registers. Rows are copied by memcpy, because clang drops an alignment
// that is part of a typedef if the type is deduced.
template <class Word, class T>
auto read_row(const T* from) {
  typedef Word Row __attribute__((vector_size(16)));
  Row row;
  std::memcpy(&row, from, sizeof row);
  return row;
}
template <class T, class Row>
void write_row(T* to, const Row& row) {
  std::memcpy(to, &row, sizeof row);
}

template <std::size_t element_bytes>
struct Square;
template <>
struct Square<4> {
  static constexpr std::size_t side = 4;
  template <class T>
  static void copy(const T* from, std::ptrdiff_t column, T* to, std::ptrdiff_t row) {
    const auto a = read_row<std::uint32_t>(from), b = read_row<std::uint32_t>(from + column),
               c = read_row<std::uint32_t>(from + 2 * column), d = read_row<std::uint32_t>(from + 3 * column);
    const auto ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const auto cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    write_row(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
    write_row(to + row, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
    write_row(to + 2 * row, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    write_row(to + 3 * row, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
  }
};
template <>
struct Square<8> {
  static constexpr std::size_t side = 2;
  template <class T>
  static void copy(const T* from, std::ptrdiff_t column, T* to, std::ptrdiff_t row) {
    const auto a = read_row<std::uint64_t>(from), b = read_row<std::uint64_t>(from + column);
    write_row(to, __builtin_shufflevector(a, b, 0, 2));
    write_row(to + row, __builtin_shufflevector(a, b, 1, 3));
  }
};

// Copies a column-major plane to a row-major one. Tiles limit the number of cache lines in use.
template <class T>
void copy_transposing(const T* from, T* to, std::size_t rows, std::size_t columns, std::ptrdiff_t from_column,
                      std::ptrdiff_t to_row) {
  using Of = Square<sizeof(T)>;
  constexpr std::size_t tile_rows = 8, tile_columns = 16;
  const auto source = [&](std::size_t r, std::size_t c) {
    return from + static_cast<std::ptrdiff_t>(r) + static_cast<std::ptrdiff_t>(c) * from_column;
  };
  const auto target = [&](std::size_t r, std::size_t c) {
    return to + static_cast<std::ptrdiff_t>(r) * to_row + static_cast<std::ptrdiff_t>(c);
  };
  const auto one_by_one = [&](std::size_t r0, std::size_t r1, std::size_t c0) {
    for (std::size_t r = r0; r < r1; ++r)
      for (std::size_t c = c0; c < columns; ++c) *target(r, c) = *source(r, c);
  };
  std::size_t r = 0;
  for (; r + tile_rows <= rows; r += tile_rows) {
    std::size_t c = 0;
    for (; c + tile_columns <= columns; c += tile_columns)
      for (std::size_t j = 0; j < tile_columns; j += Of::side)
        for (std::size_t i = 0; i < tile_rows; i += Of::side)
          Of::copy(source(r + i, c + j), from_column, target(r + i, c + j), to_row);
    for (; c + Of::side <= columns; c += Of::side)
      for (std::size_t i = 0; i < tile_rows; i += Of::side)
        Of::copy(source(r + i, c), from_column, target(r + i, c), to_row);
    one_by_one(r, r + tile_rows, c);
  }
  one_by_one(r, rows, 0);
}

template <class T>
void copy_plane(const T* from, T* to, const Plane& plane) {
  if (plane.from_column == 1 && plane.to_column == 1) {
    for (std::size_t r = 0; r < plane.rows; ++r, from += plane.from_row, to += plane.to_row)
      std::copy_n(from, plane.columns, to);
    return;
  }
  if (plane.from_row == 1 && plane.to_column == 1)
    return copy_transposing(from, to, plane.rows, plane.columns, plane.from_column, plane.to_row);
  if (plane.from_column == 1 && plane.to_row == 1)
    return copy_transposing(from, to, plane.columns, plane.rows, plane.from_row, plane.to_column);
  constexpr std::size_t tile = 16;
  for (std::size_t r0 = 0; r0 < plane.rows; r0 += tile) {
    const std::size_t r1 = std::min(plane.rows, r0 + tile);
    for (std::size_t c0 = 0; c0 < plane.columns; c0 += tile) {
      const std::size_t c1 = std::min(plane.columns, c0 + tile);
      for (std::size_t r = r0; r < r1; ++r) {
        const T* source = from + static_cast<std::ptrdiff_t>(r) * plane.from_row;
        T* target = to + static_cast<std::ptrdiff_t>(r) * plane.to_row;
        for (auto c = static_cast<std::ptrdiff_t>(c0); c < static_cast<std::ptrdiff_t>(c1); ++c)
          target[c * plane.to_column] = source[c * plane.from_column];
      }
    }
  }
}

}  // namespace

template <class T>
void copy_elements(Value<const T> from, Value<T> to) {
  if (from.size() == 0) return;
  const Layout* layouts[] = {from.layout, to.layout};
  const Loops loops = merge_loops(layouts);
  const auto& from_strides = loops.strides[0];
  const auto& to_strides = loops.strides[1];
  const std::size_t inner = loops.rank - 1, middle = loops.rank - 2;  // `middle` is valid from rank 2 on
  Plane plane{1, loops.extents[inner], 0, from_strides[inner], 0, to_strides[inner]};
  if (loops.rank > 1) {
    plane.rows = loops.extents[middle];
    plane.from_row = from_strides[middle];
    plane.to_row = to_strides[middle];
  }
  const T* source = from.data;
  T* target = to.data;
  const auto move = [&](std::size_t loop, std::ptrdiff_t steps) {
    source += steps * from_strides[loop];
    target += steps * to_strides[loop];
  };
  for (Odometer outer(loops.outer(2)); !outer.done(); outer.next(move)) copy_plane(source, target, plane);
}

template <class T>
void copy_elements(Value<const T> from, T* to) {
  if (from.layout->contiguous && from.size() > 0) {
    std::copy_n(from.data, from.size(), to);
    return;
  }
  const Layout layout = contiguous_layout(from.shape());
  copy_elements(from, {to, &layout});
}

#define WENGERT_INSTANTIATE(T)                        \
  template void copy_elements<T>(Value<const T>, T*); \
  template void copy_elements<T>(Value<const T>, Value<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
WENGERT_INSTANTIATE(std::int64_t)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
