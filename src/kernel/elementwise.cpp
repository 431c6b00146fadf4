// Elementwise dispatch: merges axes into planes, joins short rows into long ones, and divides work among threads.
#include "kernel/elementwise.hpp"

#include "base/odometer.hpp"
#include "base/parallel.hpp"

#include <algorithm>
#include <array>

namespace wengert::kernel {

bool reads_directly(const Layout& layout) {
  if (layout.contiguous) return true;
  for (std::size_t axis = layout.rank(); axis-- > 0;)
    if (layout.shape[axis] != 1) return layout.strides[axis] == 0 || layout.strides[axis] == 1;
  return true;
}

namespace {

constexpr std::size_t joined = 256;  // elements

// Rows of a few elements would leave most of each lane empty, so rows are joined into long ones of up to `joined`
// elements. Operands whose rows are not adjacent in memory are copied for this.
template <class T>
void run_joined(Elementwise<T>* kernel, const double* parameters, std::span<const Plane<T>> operands, T* out,
                std::size_t rows, std::size_t columns) {
  T copies[Loops::max_values][joined];
  std::array<Plane<T>, Loops::max_values> planes;
  const std::size_t most = joined / columns;
  const auto fill = [&](std::size_t i, std::size_t first, std::size_t count) {
    const Plane<T>& from = operands[i];
    for (std::size_t r = 0; r < count; ++r) {
      const T* row = from.data + static_cast<std::ptrdiff_t>(first + r) * from.row_stride;
      T* to = copies[i] + r * columns;
      for (std::size_t c = 0; c < columns; ++c) to[c] = row[from.column_steps ? c : 0];
    }
  };
  for (std::size_t first = 0; first < rows; first += most) {
    const std::size_t count = std::min(most, rows - first);
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const Plane<T>& from = operands[i];
      if (from.row_stride == 0 && !from.column_steps) {
        planes[i] = from;
      } else if (from.column_steps && from.row_stride == static_cast<std::ptrdiff_t>(columns)) {
        planes[i] = {from.data + first * columns, 0, true};
      } else {
        if (first == 0 || from.row_stride != 0) fill(i, first, count);
        planes[i] = {copies[i], 0, true};
      }
    }
    kernel(planes.data(), out + first * columns, 1, count * columns, parameters);
  }
}

}  // namespace

template <class T>
void run_rows(Elementwise<T>* kernel, const double* parameters, std::span<const Plane<T>> operands, T* out,
              std::size_t rows, std::size_t columns) {
  constexpr std::size_t lane = 64 / sizeof(T);
  if (rows > 1 && columns <= 2 * lane && columns % lane != 0)
    run_joined(kernel, parameters, operands, out, rows, columns);
  else
    kernel(operands.data(), out, rows, columns, parameters);
}

template <class T>
void run_plane(const ElementwiseKernels<T>& kernels, const double* parameters, std::span<const Plane<T>> operands,
               T* out, std::size_t rows, std::size_t columns) {
  const auto kernel = kernels[static_cast<std::size_t>(active_isa())];
  const std::size_t elements = rows * columns;
  if (elements < large_work) return run_rows(kernel, parameters, operands, out, rows, columns);
  const auto part = [&](std::size_t row, std::size_t column, std::size_t part_rows, std::size_t part_columns) {
    std::array<Plane<T>, Loops::max_values> planes;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      planes[i] = operands[i];
      planes[i].data += static_cast<std::ptrdiff_t>(row) * planes[i].row_stride;
      if (planes[i].column_steps) planes[i].data += column;
    }
    run_rows<T>(kernel, parameters, {planes.data(), operands.size()}, out + row * columns + column, part_rows,
                part_columns);
  };
  if (rows == 1)
    parallel_for(columns, whole_lanes, elements, [&](auto first, auto last) { part(0, first, 1, last - first); });
  else
    parallel_for(rows, 1, elements, [&](auto first, auto last) { part(first, 0, last - first, columns); });
}

template <class T>
void run_elementwise(const ElementwiseKernels<T>& kernels, const double* parameters,
                     std::span<const Value<const T>> inputs, Value<T> out) {
  std::array<Plane<T>, Loops::max_values> planes;
  const std::span<const Plane<T>> operands(planes.data(), inputs.size());
  if (std::all_of(inputs.begin(), inputs.end(), [](const auto& v) { return v.layout->contiguous; })) {
    for (std::size_t i = 0; i < inputs.size(); ++i) planes[i] = {inputs[i].data, 0, true};
    return run_plane(kernels, parameters, operands, out.data, 1, out.size());
  }
  std::array<const Layout*, Loops::max_values> layouts{};
  for (std::size_t i = 0; i < inputs.size(); ++i) layouts[i] = inputs[i].layout;
  const Loops loops = merge_loops({layouts.data(), inputs.size()});
  const std::size_t inner = loops.rank - 1;
  const std::size_t columns = loops.extents[inner];
  const std::size_t rows = loops.rank > 1 ? loops.extents[inner - 1] : 1;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    planes[i] = {inputs[i].data, loops.rank > 1 ? loops.strides[i][inner - 1] : 0, loops.strides[i][inner] != 0};
  if (out.size() == 0) return;

  T* to = out.data;
  const auto move = [&](std::size_t loop, std::ptrdiff_t steps) {
    for (std::size_t i = 0; i < inputs.size(); ++i) planes[i].data += steps * loops.strides[i][loop];
  };
  for (Odometer outer(loops.outer(2)); !outer.done(); outer.next(move), to += rows * columns)
    run_plane(kernels, parameters, operands, to, rows, columns);
}

#define WENGERT_INSTANTIATE(T)                                                                                        \
  template void run_rows<T>(Elementwise<T>*, const double*, std::span<const Plane<T>>, T*, std::size_t, std::size_t); \
  template void run_plane<T>(const ElementwiseKernels<T>&, const double*, std::span<const Plane<T>>, T*, std::size_t, \
                             std::size_t);                                                                            \
  template void run_elementwise<T>(const ElementwiseKernels<T>&, const double*, std::span<const Value<const T>>,      \
                                   Value<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
