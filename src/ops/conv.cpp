// Convolutions and transposed convolutions: three bilinear ops, each the derivative of the other two.
#include "kernel/conv.hpp"

#include "ops/attributes/windows.hpp"
#include "ops/conv_prepared.hpp"
#include "ops/windows.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/conv.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

// The base of the three ops.
struct Convolving : attributes::Convolution {
  static constexpr std::size_t arity = 2;

  kernel::Convolution convolution(std::size_t batch, std::size_t channels, std::size_t filters) const {
    return {batch, channels, filters, groups, rank, window};
  }
  Shape with_extents(std::size_t first, std::size_t second, std::size_t kernel::WindowAxis::*extent) const {
    Shape result{first, second};
    for (std::size_t axis = 3 - rank; axis < 3; ++axis) result.push_back(window.axes[axis].*extent);
    return result;
  }
  // The floating-point operations for a result (N, O, …) and its weight (O, C/groups, kernel…).
  static double products(const Shape& y, const Shape& w) {
    double count = 2.0 * static_cast<double>(y.elements());
    for (std::size_t axis = 1; axis < w.rank(); ++axis) count *= static_cast<double>(w[axis]);
    return count;
  }
};
template <class T>
Var<T> convolution(const Convolving& how, Var<T> x, Var<T> w);
template <class T>
Var<T> input_gradient(const Convolving& how, Var<T> g, Var<T> w);
template <class T>
Var<T> weight_gradient(const Convolving& how, Var<T> x, Var<T> g);

// ---- the extents of a convolution ----------------------------------------------------------------------------------

// Checked options.
struct Steps {
  detail::PerThree stride{1, 1, 1};
  detail::PerThree padding{0, 0, 0};
  detail::PerThree dilation{1, 1, 1};
  std::size_t groups = 1;
  bool same = false;
};

// Throws ShapeError unless w fits x: rank, nonempty kernel, channels, and groups that divide the channels.
void check_channels(std::string_view name, const Shape& x, const Shape& w, std::size_t groups, bool transposed,
                    std::size_t n) {
  if (w.rank() != n + 2)
    throw ShapeError(name, fmt::format("w of shape {}: must be {}", to_string(w),
                                       detail::axes_text(transposed ? "C, O/groups" : "O, C/groups", "K", n)));
  for (std::size_t axis = 2; axis < w.rank(); ++axis)
    if (w[axis] == 0)
      throw ShapeError(name, fmt::format("w of shape {}: the kernel must have extents of at least 1", to_string(w)));
  const auto divides = [&](std::size_t count, std::string_view what) {
    if (count % groups != 0)
      throw ShapeError(name, fmt::format("x of shape {} and w of shape {}: {} {} cannot be divided into {} groups",
                                         to_string(x), to_string(w), count, what, groups));
  };
  divides(x[1], "channels");
  if (!transposed) divides(w[0], "filters");
  const std::size_t expected = transposed ? w[0] : w[1] * groups;
  if (x[1] != expected)
    throw ShapeError(name,
                     fmt::format("x of shape {} and w of shape {} with groups {}: x has {} channels, w expects {}",
                                 to_string(x), to_string(w), groups, x[1], expected));
}

Convolving convolving(std::string_view name, const Shape& x, const Shape& w, const Steps& steps) {
  const std::size_t n = x.rank() - 2;
  check_channels(name, x, w, steps.groups, false, n);
  const auto inputs = detail::spatial_extents(x, n), kernels = detail::spatial_extents(w, n);
  Convolving how{{{}, steps.groups, n}};
  for (std::size_t i = 3 - n; i < 3; ++i) {
    kernel::WindowAxis& axis = how.window.axes[i];
    axis = {inputs[i], kernels[i], 1, steps.stride[i], steps.dilation[i], steps.padding[i]};
    const std::size_t beyond = kernels[i] - 1;  // kernel elements after the first
    if (steps.same) {
      axis.output = axis.input;
      if (__builtin_mul_overflow(beyond, axis.dilation, &axis.padding))
        throw ShapeError(name, fmt::format("w of shape {}: the kernel is too large", to_string(w)));
      axis.padding /= 2;
      continue;
    }
    const std::size_t padded = axis.input + 2 * axis.padding;
    if (beyond > (padded - 1) / axis.dilation)
      throw ShapeError(
          name, fmt::format("x of shape {} and w of shape {}: along {} the padded input has {} elements, "
                            "too few for a kernel of {} with dilation {}",
                            to_string(x), to_string(w), detail::axis_name(i, n), padded, kernels[i], axis.dilation));
    axis.output = (padded - 1 - beyond * axis.dilation) / axis.stride + 1;
  }
  return how;
}

// The convolution whose transpose maps x to the result.
Convolving transposed_convolving(std::string_view name, const Shape& x, const Shape& w, const Steps& steps,
                                 const detail::PerThree& output_padding) {
  const std::size_t n = x.rank() - 2;
  check_channels(name, x, w, steps.groups, true, n);
  const auto outputs = detail::spatial_extents(x, n), kernels = detail::spatial_extents(w, n);
  Convolving how{{{}, steps.groups, n}};
  for (std::size_t i = 3 - n; i < 3; ++i) {
    if (output_padding[i] >= std::max(steps.stride[i], steps.dilation[i]))
      throw ValueError(name,
                       fmt::format("output_padding {} along {}: must be below the stride, {}, or the dilation, {}",
                                   output_padding[i], detail::axis_name(i, n), steps.stride[i], steps.dilation[i]));
    std::size_t reach = 0, span = 0, total = 0;
    if (__builtin_mul_overflow(outputs[i] - 1, steps.stride[i], &reach) ||
        __builtin_mul_overflow(kernels[i] - 1, steps.dilation[i], &span) ||
        __builtin_add_overflow(reach, span + output_padding[i] + 1, &total))
      throw ShapeError(
          name, fmt::format("x of shape {} with stride {}: the result is too large", to_string(x), steps.stride[i]));
    if (total <= 2 * steps.padding[i])
      throw ShapeError(
          name, fmt::format("x of shape {} and w of shape {}: along {} the padding of {} removes all {} elements",
                            to_string(x), to_string(w), detail::axis_name(i, n), steps.padding[i], total));
    how.window.axes[i] = {
        total - 2 * steps.padding[i], kernels[i], outputs[i], steps.stride[i], steps.dilation[i], steps.padding[i]};
  }
  return how;
}

// ---- the three ops -------------------------------------------------------------------------------------------------

struct Conv : Convolving {
  static constexpr std::string_view name = "conv";
  static constexpr std::string_view notation = "x ∗ w";

  Shape shape(const Shape& x, const Shape& w) const { return with_extents(x[0], w[0], &kernel::WindowAxis::output); }
  double flops(const Shape& x, const Shape& w) const { return products(shape(x, w), w); }
  template <class T>
  void forward(Value<const T> x, Value<const T> w, Value<T> y) const {
    kernel::convolve<T>(convolution(x.shape()[0], x.shape()[1], w.shape()[0]), x.data, w.data, y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, Var<T> w) const {
    return std::tuple([=, this] { return input_gradient(*this, g, w); },
                      [=, this] { return weight_gradient(*this, x, g); });
  }
  static std::vector<StructuralExample<Conv>> examples() {
    const auto example = [](Shape x, Shape w, const Steps& steps = {}) -> StructuralExample<Conv> {
      return {{convolving(name, x, w, steps)}, {x, w}};
    };
    return {example({2, 2, 4, 5}, {3, 2, 3, 2}),
            example({1, 2, 5, 4}, {2, 1, 2, 2}, {{1, 2, 1}, {0, 1, 0}, {1, 2, 1}, 2}),
            example({2, 1, 6}, {2, 1, 3}, {{1, 1, 2}, {0, 0, 2}, {1, 1, 2}}),
            example({1, 1, 2, 3, 3}, {1, 1, 2, 2, 2}, {{1, 1, 1}, {1, 0, 0}, {1, 1, 1}})};
  }
};

struct ConvInputGradient : Convolving {
  static constexpr std::string_view name = "conv_input_gradient";
  static constexpr std::string_view notation = "∂/∂x Σ g·(x ∗ w)";

  Shape shape(const Shape& g, const Shape& w) const {
    return with_extents(g[0], w[1] * groups, &kernel::WindowAxis::input);
  }
  double flops(const Shape& g, const Shape& w) const { return products(g, w); }
  template <class T>
  void forward(Value<const T> g, Value<const T> w, Value<T> x) const {
    kernel::convolve_input_gradient<T>(convolution(g.shape()[0], x.shape()[1], g.shape()[1]), g.data, w.data, x.data);
  }
  template <class T>
  auto vjp(Var<T> gx, Var<T>, Var<T> g, Var<T> w) const {
    return std::tuple([=, this] { return wengert::convolution(*this, gx, w); },
                      [=, this] { return weight_gradient(*this, gx, g); });
  }
  static std::vector<StructuralExample<ConvInputGradient>> examples() {
    const Steps steps{{1, 2, 1}, {0, 1, 0}, {1, 1, 2}, 2};
    return {{{convolving(name, {1, 4, 4, 5}, {2, 2, 3, 2}, steps)}, {{1, 2, 2, 3}, {2, 2, 3, 2}}}};
  }
};

struct ConvWeightGradient : Convolving {
  static constexpr std::string_view name = "conv_weight_gradient";
  static constexpr std::string_view notation = "∂/∂w Σ g·(x ∗ w)";

  Shape shape(const Shape& x, const Shape& g) const {
    return with_extents(g[1], x[1] / groups, &kernel::WindowAxis::kernel);
  }
  double flops(const Shape& x, const Shape& g) const { return products(g, shape(x, g)); }
  template <class T>
  void forward(Value<const T> x, Value<const T> g, Value<T> w) const {
    kernel::convolve_weight_gradient<T>(convolution(x.shape()[0], x.shape()[1], g.shape()[1]), x.data, g.data, w.data);
  }
  template <class T>
  auto vjp(Var<T> gw, Var<T>, Var<T> x, Var<T> g) const {
    return std::tuple([=, this] { return input_gradient(*this, g, gw); },
                      [=, this] { return wengert::convolution(*this, x, gw); });
  }
  static std::vector<StructuralExample<ConvWeightGradient>> examples() {
    const Steps steps{{1, 2, 1}, {0, 1, 0}, {1, 1, 2}, 2};
    return {{{convolving(name, {1, 4, 4, 5}, {2, 2, 3, 2}, steps)}, {{1, 4, 4, 5}, {1, 2, 2, 3}}}};
  }
};

template <class T>
Var<T> convolution(const Convolving& how, Var<T> x, Var<T> w) {
  return record(Conv{how}, Location::current(), x, w);
}
template <class T>
Var<T> input_gradient(const Convolving& how, Var<T> g, Var<T> w) {
  return record(ConvInputGradient{how}, Location::current(), g, w);
}
template <class T>
Var<T> weight_gradient(const Convolving& how, Var<T> x, Var<T> g) {
  return record(ConvWeightGradient{how}, Location::current(), x, g);
}

// The weight of a transposed convolution has the filters of one group; the extents of groups > 1 do not fit.
template <class T>
bool enter_convolutions() {
  return LinearOps<T>::enter({&StructuralTable<T, Conv>::table, 0, 1, prepare_convolution<T>}) &&
         LinearOps<T>::enter({&StructuralTable<T, ConvInputGradient>::table, 1, 1, prepare_transposed_convolution<T>});
}
[[maybe_unused]] const bool convolutions_entered = enter_convolutions<float>() && enter_convolutions<double>();

// ---- helpers of the public functions -------------------------------------------------------------------------------

std::size_t checked_groups(std::string_view name, std::ptrdiff_t groups) {
  return detail::checked_numbers(name, "groups", PerAxis<1>(groups), 1)[2];
}

template <class T>
Shape shape_of(Var<T> w, std::string_view name, const Location& where) {
  if (w.empty()) detail::throw_empty_handle(name, "the weight", where);
  return tape_of(w, name, where).node(w, name).layout->shape;
}

template <class T>
Var<T> plus_bias(std::string_view name, Var<T> y, const Var<T>* bias, const Location& where) {
  if (bias == nullptr) return y;
  check_operand(y.tape(), *bias, name, where, "the bias");
  const Shape got = bias->shape();
  const std::size_t filters = y.shape()[1];
  if (got != Shape{filters})
    throw ShapeError(name, fmt::format("bias of shape {}: must be {}, one for each filter", to_string(got),
                                       to_string(Shape{filters})));
  Shape column{filters};
  while (column.rank() + 1 < y.rank()) column.push_back(1);
  return add(Operand<T>(y, where), Operand<T>(reshape(*bias, column, where), where));
}

template <std::size_t n, class T>
Var<T> conv(std::string_view name, Var<T> x, Var<T> w, const Var<T>* bias, const ConvOptions<n>& options,
            const Location& where) {
  return detail::on_batch(name, n, x, where, [&](Var<T> batch) {
    const Steps steps{detail::checked_numbers(name, "stride", options.stride, 1),
                      detail::checked_numbers<n>(name, "padding", options.padding, 0),
                      detail::checked_numbers(name, "dilation", options.dilation, 1),
                      checked_groups(name, options.groups), options.padding.is_same()};
    if (steps.same && steps.stride != detail::PerThree{1, 1, 1})
      throw ValueError(name, "same_padding with a stride other than 1: specify the padding as numbers");
    const Conv op{convolving(name, batch.shape(), shape_of(w, name, where), steps)};
    return plus_bias(name, record(op, where, batch, w), bias, where);
  });
}

template <std::size_t n, class T>
Var<T> conv_transpose(std::string_view name, Var<T> x, Var<T> w, const Var<T>* bias,
                      const ConvTransposeOptions<n>& options, const Location& where) {
  return detail::on_batch(name, n, x, where, [&](Var<T> batch) {
    const Steps steps{detail::checked_numbers(name, "stride", options.stride, 1),
                      detail::checked_numbers(name, "padding", options.padding, 0),
                      detail::checked_numbers(name, "dilation", options.dilation, 1),
                      checked_groups(name, options.groups)};
    const auto output_padding = detail::checked_numbers(name, "output_padding", options.output_padding, 0);
    const ConvInputGradient op{
        transposed_convolving(name, batch.shape(), shape_of(w, name, where), steps, output_padding)};
    return plus_bias(name, record(op, where, batch, w), bias, where);
  });
}

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

#define WENGERT_CONV(n)                                                                                        \
  template <class T>                                                                                           \
  Var<T> conv##n##d(Var<T> x, Var<T> w, const Conv##n##dOptions& options, Location where) {                    \
    return conv<n, T>("conv" #n "d", x, w, nullptr, options, where);                                           \
  }                                                                                                            \
  template <class T>                                                                                           \
  Var<T> conv##n##d(Var<T> x, Var<T> w, Var<T> bias, const Conv##n##dOptions& options, Location where) {       \
    return conv<n, T>("conv" #n "d", x, w, &bias, options, where);                                             \
  }                                                                                                            \
  template <class T>                                                                                           \
  Var<T> conv_transpose##n##d(Var<T> x, Var<T> w, const ConvTranspose##n##dOptions& options, Location where) { \
    return conv_transpose<n, T>("conv_transpose" #n "d", x, w, nullptr, options, where);                       \
  }                                                                                                            \
  template <class T>                                                                                           \
  Var<T> conv_transpose##n##d(Var<T> x, Var<T> w, Var<T> bias, const ConvTranspose##n##dOptions& options,      \
                              Location where) {                                                                \
    return conv_transpose<n, T>("conv_transpose" #n "d", x, w, &bias, options, where);                         \
  }                                                                                                            \
  WENGERT_INSTANTIATE(n, float)                                                                                \
  WENGERT_INSTANTIATE(n, double)
#define WENGERT_INSTANTIATE(n, T)                                                                    \
  template Var<T> conv##n##d(Var<T>, Var<T>, const Conv##n##dOptions&, Location);                    \
  template Var<T> conv##n##d(Var<T>, Var<T>, Var<T>, const Conv##n##dOptions&, Location);            \
  template Var<T> conv_transpose##n##d(Var<T>, Var<T>, const ConvTranspose##n##dOptions&, Location); \
  template Var<T> conv_transpose##n##d(Var<T>, Var<T>, Var<T>, const ConvTranspose##n##dOptions&, Location);
WENGERT_CONV(1)
WENGERT_CONV(2)
WENGERT_CONV(3)
#undef WENGERT_CONV
#undef WENGERT_INSTANTIATE

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view shared_convention = "the kernel is not flipped (cross-correlation), as in PyTorch";
constexpr std::string_view transpose_convention =
    "w is (channels, filters / groups, kernel…), the weight of the convolution that it transposes, as in PyTorch";

using Vars = std::span<const Var<double>>;
const bool conv_registered[] = {
    register_op({.name = "conv1d",
                 .notation = "x ∗ w + b",
                 .convention = shared_convention,
                 .own_examples =
                     [] {
                       return std::vector{
                           detail::example_of("conv1d", {{2, 5}, {3, 2, 2}}, [](Vars v) { return conv1d(v[0], v[1]); }),
                           detail::example_of("conv1d, stride 2, groups 2", {{2, 2, 5}, {2, 1, 3}, {2}}, [](Vars v) {
                             return conv1d(v[0], v[1], v[2], {.stride = 2, .padding = 1, .groups = 2});
                           })};
                     }}),
    register_op({.name = "conv2d",
                 .notation = "x ∗ w + b",
                 .convention = shared_convention,
                 .own_examples =
                     [] {
                       return std::vector{
                           detail::example_of("conv2d, bias", {{1, 2, 3, 4}, {2, 2, 2, 3}, {2}},
                                              [](Vars v) { return conv2d(v[0], v[1], v[2]); }),
                           detail::example_of("conv2d, same padding", {{1, 3, 3}, {1, 1, 2, 3}},
                                              [](Vars v) { return conv2d(v[0], v[1], {.padding = same_padding}); })};
                     }}),
    register_op({.name = "conv3d",
                 .notation = "x ∗ w + b",
                 .convention = shared_convention,
                 .own_examples =
                     [] {
                       return std::vector{
                           detail::example_of("conv3d", {{1, 1, 2, 3, 3}, {1, 1, 2, 2, 3}, {1}}, [](Vars v) {
                             return conv3d(v[0], v[1], v[2], {.stride = {1, 2, 1}, .padding = {0, 1, 1}});
                           })};
                     }}),
    register_op({.name = "conv_transpose1d",
                 .notation = "x ∗ᵀ w + b",
                 .convention = transpose_convention,
                 .own_examples =
                     [] {
                       return std::vector{
                           detail::example_of("conv_transpose1d", {{1, 2, 3}, {2, 1, 3}, {2}}, [](Vars v) {
                             return conv_transpose1d(v[0], v[1], v[2],
                                                     {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2});
                           })};
                     }}),
    register_op(
        {.name = "conv_transpose2d",
         .notation = "x ∗ᵀ w + b",
         .convention = transpose_convention,
         .own_examples =
             [] {
               return std::vector{detail::example_of(
                   "conv_transpose2d, output padding above the stride", {{2, 3, 2}, {2, 1, 2, 2}, {1}},
                   [](Vars v) { return conv_transpose2d(v[0], v[1], v[2], {.output_padding = 1, .dilation = 2}); })};
             }}),
    register_op(
        {.name = "conv_transpose3d", .notation = "x ∗ᵀ w + b", .convention = transpose_convention, .own_examples = [] {
           return std::vector{detail::example_of("conv_transpose3d", {{1, 1, 2, 2, 2}, {1, 1, 2, 1, 2}}, [](Vars v) {
             return conv_transpose3d(v[0], v[1], {.stride = {1, 2, 1}});
           })};
         }})};

}  // namespace
}  // namespace wengert
