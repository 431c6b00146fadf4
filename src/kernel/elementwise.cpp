#include "kernel/elementwise.hpp"

#include <algorithm>
#include <array>

namespace wengert::kernel {

bool reads_directly(const Layout& layout) {
  if (layout.contiguous) return true;
  for (std::size_t axis = layout.rank(); axis-- > 0;)
    if (layout.shape[axis] != 1) return layout.strides[axis] == 0 || layout.strides[axis] == 1;
  return true;
}

template <class T>
void run_elementwise(const Op<T>& op, const double* parameters, std::span<const Value<const T>> inputs, Value<T> out) {
  const auto kernel = op.kernels[static_cast<std::size_t>(active_isa())];
  std::array<Plane<T>, Loops::max_values> planes;
  if (std::all_of(inputs.begin(), inputs.end(), [](const auto& v) { return v.layout->contiguous; })) {
    for (std::size_t i = 0; i < inputs.size(); ++i) planes[i] = {inputs[i].data, 0, true};
    kernel(planes.data(), out.data, 1, out.size(), parameters);
    return;
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

  std::array<std::size_t, max_rank> position{};
  T* to = out.data;
  for (const T* end = out.data + out.size(); to != end; to += rows * columns) {
    kernel(planes.data(), to, rows, columns, parameters);
    for (std::size_t loop = loops.rank > 2 ? loops.rank - 2 : 0; loop-- > 0;) {  // the outer loops, like an odometer
      for (std::size_t i = 0; i < inputs.size(); ++i) planes[i].data += loops.strides[i][loop];
      if (++position[loop] < loops.extents[loop]) break;
      position[loop] = 0;
      for (std::size_t i = 0; i < inputs.size(); ++i)
        planes[i].data -= loops.strides[i][loop] * static_cast<std::ptrdiff_t>(loops.extents[loop]);
    }
  }
}

template void run_elementwise<float>(const Op<float>&, const double*, std::span<const Value<const float>>,
                                     Value<float>);
template void run_elementwise<double>(const Op<double>&, const double*, std::span<const Value<const double>>,
                                      Value<double>);

}  // namespace wengert::kernel
