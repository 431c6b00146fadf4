// Adds one value to another, both of any strides, row by row.
#include "kernel/add_elements.hpp"

#include "base/odometer.hpp"

namespace wengert::kernel {

template <class T>
void add_elements(Value<const T> from, Value<T> to) {
  if (from.layout->contiguous && to.layout->contiguous) {
    for (std::size_t i = 0; i < from.size(); ++i) to.data[i] += from.data[i];
    return;
  }
  if (from.size() == 0) return;
  const Layout* layouts[] = {from.layout, to.layout};
  const Loops loops = merge_loops(layouts);
  const auto &from_strides = loops.strides[0], &to_strides = loops.strides[1];
  const std::size_t inner = loops.rank - 1;
  const auto columns = static_cast<std::ptrdiff_t>(loops.extents[inner]);
  const std::ptrdiff_t from_step = from_strides[inner], to_step = to_strides[inner];
  const T* source = from.data;
  T* target = to.data;
  const auto move = [&](std::size_t loop, std::ptrdiff_t steps) {
    source += steps * from_strides[loop];
    target += steps * to_strides[loop];
  };
  for (Odometer rows(loops.outer(1)); !rows.done(); rows.next(move))
    if (from_step == 1 && to_step == 1)
      for (std::ptrdiff_t i = 0; i < columns; ++i) target[i] += source[i];
    else
      for (std::ptrdiff_t i = 0; i < columns; ++i) target[i * to_step] += source[i * from_step];
}

template void add_elements<float>(Value<const float>, Value<float>);
template void add_elements<double>(Value<const double>, Value<double>);

}  // namespace wengert::kernel
