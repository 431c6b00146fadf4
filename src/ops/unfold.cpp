// unfold and fold: the elements under sliding windows as columns, and its adjoint.
#include "kernel/window.hpp"
#include "ops/attributes/windows.hpp"
#include "ops/windows.hpp"
#include <wengert/ops/conv.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert {
namespace {

// The base of two linear maps, each the transpose of the other.
struct Windows : attributes::Unfolding {
  static constexpr std::size_t arity = 1;

  kernel::Positions all(std::size_t batch) const {
    return {batch * window.output_size(), (batch + 1) * window.output_size()};
  }
};
template <class T>
Var<T> unfolded(const Windows& how, Var<T> x);
template <class T>
Var<T> folded(const Windows& how, Var<T> columns);

Windows windows(std::string_view name, const detail::PerThree& extents, const PerAxis<2>& kernel,
                const UnfoldOptions& options) {
  if (!kernel.is_given()) throw ValueError(name, "the kernel's extents are not given");
  const auto kernels = detail::checked_numbers(name, "kernel", kernel, 1);
  const auto stride = detail::checked_numbers(name, "stride", options.stride, 1);
  const auto padding = detail::checked_numbers(name, "padding", options.padding, 0);
  const auto dilation = detail::checked_numbers(name, "dilation", options.dilation, 1);
  Windows how;
  for (std::size_t i = 1; i < 3; ++i) {
    const std::size_t padded = extents[i] + 2 * padding[i];
    const std::size_t beyond = (kernels[i] - 1) * dilation[i];
    if (beyond >= padded)
      throw ShapeError(
          name, fmt::format(
                    "extent {} along {}: with padding it has {} elements, too few for a kernel of {} with dilation {}",
                    extents[i], detail::axis_name(i, 2), padded, kernels[i], dilation[i]));
    how.window.axes[i] = {extents[i], kernels[i],  (padded - 1 - beyond) / stride[i] + 1,
                          stride[i],  dilation[i], padding[i]};
  }
  return how;
}

struct Unfold : Windows {
  static constexpr std::string_view name = "unfold";
  static constexpr std::string_view notation = "the elements of each window, as columns";

  Shape shape(const Shape& x) const {
    std::size_t rows = 0;
    if (__builtin_mul_overflow(x[1], window.kernel_size(), &rows))
      throw ShapeError(name, fmt::format("x of shape {} with a kernel of {} elements: the result is too large",
                                         to_string(x), window.kernel_size()));
    return {x[0], rows, window.output_size()};
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const std::size_t channels = x.shape()[1], image = channels * window.input_size();
    const std::size_t columns = channels * window.kernel_size() * window.output_size();
    for (std::size_t i = 0; i < x.shape()[0]; ++i)
      kernel::gather_columns<T>(window, channels, image, x.data, all(i), y.data + i * columns);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return folded(*this, g);
  }
  static std::vector<StructuralExample<Unfold>> examples() {
    return {{{windows(name, {1, 3, 4}, {2, 3}, {})}, {{2, 2, 3, 4}}},
            {{windows(name, {1, 4, 3}, 2, {.stride = {1, 2}, .padding = 1, .dilation = {2, 1}})}, {{1, 1, 4, 3}}}};
  }
};

struct Fold : Windows {
  static constexpr std::string_view name = "fold";
  static constexpr std::string_view notation = "columns added at their windows";

  Shape shape(const Shape& columns) const {
    return {columns[0], columns[1] / window.kernel_size(), window.axes[1].input, window.axes[2].input};
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const std::size_t channels = y.shape()[1], image = channels * window.input_size();
    const std::size_t columns = channels * window.kernel_size() * window.output_size();
    std::fill_n(y.data, y.size(), T(0));
    for (std::size_t i = 0; i < y.shape()[0]; ++i)
      kernel::scatter_columns<T>(window, channels, image, x.data + i * columns, all(i), y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return unfolded(*this, g);
  }
  static std::vector<StructuralExample<Fold>> examples() {
    return {{{windows(name, {1, 3, 4}, {2, 3}, {})}, {{2, 6, 4}}},
            {{windows(name, {1, 4, 3}, 2, {.stride = {1, 2}, .padding = 1, .dilation = {2, 1}})}, {{1, 4, 8}}}};
  }
};

template <class T>
Var<T> unfolded(const Windows& how, Var<T> x) {
  return record(Unfold{how}, Location::current(), x);
}
template <class T>
Var<T> folded(const Windows& how, Var<T> columns) {
  return record(Fold{how}, Location::current(), columns);
}

}  // namespace

template <class T>
Var<T> unfold(Var<T> x, const PerAxis<2>& kernel, const UnfoldOptions& options, Location where) {
  return detail::on_batch(Unfold::name, 2, x, where, [&](Var<T> batch) {
    return record(Unfold{windows(Unfold::name, detail::spatial_extents(batch.shape(), 2), kernel, options)}, where,
                  batch);
  });
}

template <class T>
Var<T> fold(Var<T> columns, const PerAxis<2>& size, const PerAxis<2>& kernel, const UnfoldOptions& options,
            Location where) {
  return atomically(tape_of(columns, Fold::name, where), where, [&] {
    if (!size.is_given()) throw ValueError(Fold::name, "the size of the result is not given");
    const Fold op{windows(Fold::name, detail::checked_numbers(Fold::name, "size", size, 1), kernel, options)};
    const Shape given = columns.shape();
    const std::size_t elements = op.window.kernel_size(), positions = op.window.output_size();
    const bool single = given.rank() == 2;
    if ((given.rank() != 3 && !single) || given.back() != positions || given[given.rank() - 2] % elements != 0)
      throw ShapeError(Fold::name,
                       fmt::format("columns of shape {}: the windows have {} positions and {} elements: expected (N, "
                                   "C·{}, {}) or (C·{}, {})",
                                   to_string(given), positions, elements, elements, positions, elements, positions));
    if (!single) return record(op, where, columns);
    const Var<T> y = record(op, where, reshape(columns, {1, given[0], given[1]}, where));
    const Shape result = y.shape();
    return reshape(y, {result[1], result[2], result[3]}, where);
  });
}

#define WENGERT_INSTANTIATE(T)                                                       \
  template Var<T> unfold(Var<T>, const PerAxis<2>&, const UnfoldOptions&, Location); \
  template Var<T> fold(Var<T>, const PerAxis<2>&, const PerAxis<2>&, const UnfoldOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
