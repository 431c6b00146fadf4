// Max and average pooling, windowed and adaptive; max pooling gathers the elements at recorded positions.
#include "kernel/pooling.hpp"

#include "ops/attributes/windows.hpp"
#include "ops/pooling_ops.hpp"
#include "ops/windows.hpp"
#include <wengert/ops/pooling.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert {
namespace {

constexpr std::string_view pool_convention =
    "NaN if an element is; the gradient goes to the first of equal elements (PyTorch)";
constexpr std::string_view padding_rule =
    "the padding counts unless count_include_pad is false; elements beyond it never count (PyTorch)";

struct Pooling : attributes::Pooling {
  Shape with_extents(const Shape& x, std::size_t kernel::PoolAxis::*extent) const {
    Shape result = x;
    for (std::size_t i = 0; i < rank; ++i) result[x.rank() - 1 - i] = window.axes[2 - i].*extent;
    return result;
  }
  std::size_t planes(const Shape& x) const { return Shape(std::span(x.begin(), x.rank() - rank)).elements(); }
};

// ---- the extents of a pooling --------------------------------------------------------------------------------------

struct PoolSteps {
  detail::PerThree kernel{1, 1, 1};
  detail::PerThree stride{1, 1, 1};
  detail::PerThree padding{0, 0, 0};
  detail::PerThree dilation{1, 1, 1};
  bool ceil_mode = false;
};

// The number of windows along an axis: 0 if none fits.
std::size_t count_windows(const kernel::PoolAxis& axis, bool ceil_mode) {
  const auto number = [](std::size_t v) { return static_cast<std::ptrdiff_t>(v); };
  const std::ptrdiff_t room = number(axis.input + 2 * axis.padding) - number((axis.kernel - 1) * axis.dilation + 1) +
                              (ceil_mode ? number(axis.stride) - 1 : 0);
  if (room < 0) return 0;
  const std::size_t count = static_cast<std::size_t>(room) / axis.stride + 1;
  return ceil_mode && (count - 1) * axis.stride >= axis.input + axis.padding ? count - 1 : count;
}

// Whether a dilated window that begins in the padding skips the whole input.
bool has_empty_window(const kernel::PoolAxis& axis) {
  if (axis.dilation <= axis.input) return false;
  for (std::size_t o = 0; o < axis.output && o * axis.stride < axis.padding; ++o)
    if (const auto inputs = axis.inputs_of(o); inputs.first >= inputs.last) return true;
  return false;
}

Pooling pooling(std::string_view name, const Shape& x, std::size_t rank, const PoolSteps& steps) {
  Pooling how{{{}, rank}};
  const auto inputs = detail::spatial_extents(x, how.rank);
  for (std::size_t i = 3 - how.rank; i < 3; ++i) {
    kernel::PoolAxis& axis = how.window.axes[i];
    axis = {inputs[i], 0, steps.kernel[i], steps.stride[i], steps.dilation[i], steps.padding[i], false};
    if (axis.padding > axis.kernel / 2)
      throw ValueError(name, fmt::format("padding {} with a kernel of {} along {}: must be at most half the kernel",
                                         axis.padding, axis.kernel, detail::axis_name(i, how.rank)));
    axis.output = count_windows(axis, steps.ceil_mode);
    if (axis.output == 0)
      throw ShapeError(name, fmt::format("x of shape {}: along {} the padded input has {} elements, too few for a "
                                         "kernel of {} with dilation {}",
                                         to_string(x), detail::axis_name(i, how.rank), axis.input + 2 * axis.padding,
                                         axis.kernel, axis.dilation));
    if (has_empty_window(axis))
      throw ShapeError(
          name,
          fmt::format("x of shape {}: along {} a kernel of {} with dilation {} and padding {} covers only padding",
                      to_string(x), detail::axis_name(i, how.rank), axis.kernel, axis.dilation, axis.padding));
  }
  return how;
}

Pooling adaptive(const Shape& x, std::size_t rank, const detail::PerThree& size) {
  Pooling how{{{}, rank}};
  const auto inputs = detail::spatial_extents(x, how.rank);
  for (std::size_t i = 3 - how.rank; i < 3; ++i) how.window.axes[i] = {inputs[i], size[i], 1, 1, 1, 0, true};
  return how;
}

// ---- max pooling: positions of the largest elements, gathering and its adjoint -------------------------------------

struct MaxPoolPositions : Pooling {
  static constexpr std::string_view name = "max_pool_positions";
  static constexpr std::string_view notation = "the position in its plane of each window's largest element";
  static constexpr std::string_view convention = "the first of equal elements; the last NaN, if there is one (PyTorch)";
  static constexpr std::size_t arity = 1;
  static constexpr bool index_output = true;

  Shape shape(const Shape& x) const { return with_extents(x, &kernel::PoolAxis::output); }
  template <class T>
  void forward(Value<const T> x, Value<std::int64_t> positions) const {
    kernel::largest_positions<T>(window, planes(x.shape()), x.data, positions.data);
  }
  static std::vector<StructuralExample<MaxPoolPositions>> examples() { return {}; }
};

template <class T>
Var<T> put_back(const Pooling& how, Var<T> g, IndexVar<T> positions);

struct MaxPool : Pooling {
  static constexpr std::string_view name = "max_pool";
  static constexpr std::string_view notation = "the largest element of each window";
  static constexpr std::string_view convention = pool_convention;
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape&, const Shape& positions) const { return positions; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> positions, Value<T> y) const {
    const std::size_t in = window.input_size(), out = window.output_size();
    for (std::size_t plane = 0; plane < planes(x.shape()); ++plane)
      for (std::size_t i = plane * out; i < (plane + 1) * out; ++i)
        y.data[i] = x.data[plane * in + static_cast<std::size_t>(positions.data[i])];
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> positions) const {
    return std::tuple([=, this] { return put_back(*this, g, positions); }, no_gradient);
  }
  static std::vector<StructuralExample<MaxPool>> examples() {
    return {{{pooling(name, {2, 1, 2, 3}, 2, {{1, 2, 2}})}, {{2, 1, 2, 3}}, {}, {{{{{4, 4}}}, {{{0, 2}}}}}}};
  }
};

struct MaxPoolGradient : Pooling {
  static constexpr std::string_view name = "max_pool_gradient";
  static constexpr std::string_view notation = "cotangents added where the largest elements were";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape& g, const Shape&) const { return with_extents(g, &kernel::PoolAxis::input); }
  template <class T>
  void forward(Value<const T> g, Value<const std::int64_t> positions, Value<T> x) const {
    const std::size_t in = window.input_size(), out = window.output_size();
    std::fill_n(x.data, x.size(), T(0));
    for (std::size_t plane = 0; plane < planes(g.shape()); ++plane)
      for (std::size_t i = plane * out; i < (plane + 1) * out; ++i)
        x.data[plane * in + static_cast<std::size_t>(positions.data[i])] += g.data[i];
  }
  template <class T>
  auto vjp(Var<T> gx, Var<T>, Var<T>, IndexVar<T> positions) const {
    return std::tuple([=, this] { return record(MaxPool{*this}, Location::current(), gx, positions); }, no_gradient);
  }
  static std::vector<StructuralExample<MaxPoolGradient>> examples() {
    return {{{pooling(name, {2, 1, 2, 3}, 2, {{1, 2, 2}})}, {{2, 1, 1, 2}}, {}, {{{{{4, 4}}}, {{{0, 2}}}}}}};
  }
};

template <class T>
Var<T> put_back(const Pooling& how, Var<T> g, IndexVar<T> positions) {
  return record(MaxPoolGradient{how}, Location::current(), g, positions);
}

// Replaces max_pool(x, max_pool_positions(x)) in Programs.
template <class T>
void pool_values(const void* attributes, std::span<const Value<const T>> x, Value<T> y) {
  const Pooling& how = *static_cast<const MaxPool*>(attributes);
  kernel::largest_values<T>(how.window, how.planes(x[0].shape()), x[0].data, y.data);
}
template <class T>
constexpr Op<T> max_pool_values{
    .name = "max_pool_values", .forward = pool_values<T>, .attribute_bytes = sizeof(MaxPool)};
template <class T>
bool enter_max_pool() {
  return PoolingOps<T>::enter(&StructuralTable<T, MaxPool>::table, &StructuralTable<T, MaxPoolPositions>::table,
                              &max_pool_values<T>);
}
[[maybe_unused]] const bool max_pool_entered = enter_max_pool<float>() && enter_max_pool<double>();

// Pools x, a batch or a single sample; `how(shape of x)` returns the extents.
template <class T, class F>
MaxPooled<T> max_pooled(std::string_view name, std::size_t n, Var<T> x, const Location& where, const F& how) {
  return atomically(tape_of(x, name, where), where, [&] {
    const Shape shape = x.shape();
    detail::check_spatial(name, shape, n);
    const Pooling pooled = how(shape);
    const IndexVar<T> positions = record(MaxPoolPositions{pooled}, where, x);
    return MaxPooled<T>{record(MaxPool{pooled}, where, x, positions), positions};
  });
}

// ---- averages: two linear maps, each the transpose of the other ----------------------------------------------------

struct Averaging : attributes::AveragePooling {
  static constexpr std::size_t arity = 1;
  Pooling windows() const { return {pool}; }
};
template <class T>
Var<T> average(const Averaging& how, Var<T> x);
template <class T>
Var<T> spread(const Averaging& how, Var<T> g);

struct AvgPool : Averaging {
  static constexpr std::string_view name = "avg_pool";
  static constexpr std::string_view notation = "the average of each window";
  static constexpr std::string_view convention = padding_rule;

  Shape shape(const Shape& x) const { return windows().with_extents(x, &kernel::PoolAxis::output); }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    kernel::average_windows<T>(pool.window, padding_counts, windows().planes(x.shape()), x.data, y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return spread(*this, g);
  }
  static std::vector<StructuralExample<AvgPool>> examples() {
    const PoolSteps steps{{1, 3, 2}, {1, 2, 1}, {0, 1, 1}, {1, 1, 1}, true};
    const Pooling how = pooling(name, {1, 2, 4, 3}, 2, steps);
    return {{{{how, true}}, {{1, 2, 4, 3}}}, {{{how, false}}, {{1, 2, 4, 3}}}};
  }
};

struct AvgPoolGradient : Averaging {
  static constexpr std::string_view name = "avg_pool_gradient";
  static constexpr std::string_view notation = "cotangents spread evenly over their windows";
  static constexpr std::string_view convention = padding_rule;

  Shape shape(const Shape& g) const { return windows().with_extents(g, &kernel::PoolAxis::input); }
  template <class T>
  void forward(Value<const T> g, Value<T> x) const {
    kernel::spread_windows<T>(pool.window, padding_counts, windows().planes(g.shape()), g.data, x.data);
  }
  template <class T>
  auto vjp(Var<T> gx, Var<T>, Var<T>) const {
    return average(*this, gx);
  }
  static std::vector<StructuralExample<AvgPoolGradient>> examples() {
    return {{{{pooling(name, {1, 2, 4, 3}, 2, {{1, 2, 2}}), true}}, {{1, 2, 3, 2}}}};
  }
};

template <class T>
Var<T> average(const Averaging& how, Var<T> x) {
  return record(AvgPool{how}, Location::current(), x);
}
template <class T>
Var<T> spread(const Averaging& how, Var<T> g) {
  return record(AvgPoolGradient{how}, Location::current(), g);
}

// ---- helpers of the public functions -------------------------------------------------------------------------------

template <std::size_t n>
detail::PerThree given(std::string_view name, std::string_view what, const PerAxis<n>& numbers) {
  if (!numbers.is_given()) throw ValueError(name, fmt::format("the {} is not given", what));
  return detail::checked_numbers(name, what, numbers, 1);
}

template <std::size_t n, class Options>
PoolSteps steps_of(std::string_view name, const PerAxis<n>& kernel, const Options& options) {
  PoolSteps steps;
  steps.kernel = given(name, "kernel", kernel);
  steps.stride = options.stride.is_given() ? given(name, "stride", options.stride) : steps.kernel;
  steps.padding = detail::checked_numbers(name, "padding", options.padding, 0);
  if constexpr (requires { options.dilation; }) steps.dilation = given(name, "dilation", options.dilation);
  steps.ceil_mode = options.ceil_mode;
  return steps;
}

template <std::size_t n, class T>
MaxPooled<T> max_pool(std::string_view name, Var<T> x, const PerAxis<n>& kernel, const MaxPoolOptions<n>& options,
                      const Location& where) {
  return max_pooled(name, n, x, where,
                    [&](const Shape& shape) { return pooling(name, shape, n, steps_of(name, kernel, options)); });
}

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

#define WENGERT_POOLING(n)                                                                                          \
  template <class T>                                                                                                \
  Var<T> max_pool##n##d(Var<T> x, const PerAxis<n>& kernel, const MaxPool##n##dOptions& options, Location where) {  \
    return max_pool("max_pool" #n "d", x, kernel, options, where).values;                                           \
  }                                                                                                                 \
  template <class T>                                                                                                \
  MaxPooled<T> max_pool##n##d_with_indices(Var<T> x, const PerAxis<n>& kernel, const MaxPool##n##dOptions& options, \
                                           Location where) {                                                        \
    return max_pool("max_pool" #n "d_with_indices", x, kernel, options, where);                                     \
  }                                                                                                                 \
  template <class T>                                                                                                \
  Var<T> avg_pool##n##d(Var<T> x, const PerAxis<n>& kernel, const AvgPool##n##dOptions& options, Location where) {  \
    constexpr std::string_view name = "avg_pool" #n "d";                                                            \
    return detail::on_batch(name, n, x, where, [&](Var<T> batch) {                                                  \
      const Pooling how = pooling(name, batch.shape(), n, steps_of(name, kernel, options));                         \
      return record(AvgPool{{how, options.count_include_pad}}, where, batch);                                       \
    });                                                                                                             \
  }                                                                                                                 \
  template <class T>                                                                                                \
  Var<T> adaptive_max_pool##n##d(Var<T> x, const PerAxis<n>& size, Location where) {                                \
    constexpr std::string_view name = "adaptive_max_pool" #n "d";                                                   \
    return max_pooled(name, n, x, where,                                                                            \
                      [&](const Shape& shape) { return adaptive(shape, n, given(name, "size", size)); })            \
        .values;                                                                                                    \
  }                                                                                                                 \
  template <class T>                                                                                                \
  Var<T> adaptive_avg_pool##n##d(Var<T> x, const PerAxis<n>& size, Location where) {                                \
    constexpr std::string_view name = "adaptive_avg_pool" #n "d";                                                   \
    return detail::on_batch(name, n, x, where, [&](Var<T> batch) {                                                  \
      return record(AvgPool{{adaptive(batch.shape(), n, given(name, "size", size)), false}}, where, batch);         \
    });                                                                                                             \
  }                                                                                                                 \
  WENGERT_INSTANTIATE(n, float)                                                                                     \
  WENGERT_INSTANTIATE(n, double)
#define WENGERT_INSTANTIATE(n, T)                                                                                      \
  template Var<T> max_pool##n##d(Var<T>, const PerAxis<n>&, const MaxPool##n##dOptions&, Location);                    \
  template MaxPooled<T> max_pool##n##d_with_indices(Var<T>, const PerAxis<n>&, const MaxPool##n##dOptions&, Location); \
  template Var<T> avg_pool##n##d(Var<T>, const PerAxis<n>&, const AvgPool##n##dOptions&, Location);                    \
  template Var<T> adaptive_max_pool##n##d(Var<T>, const PerAxis<n>&, Location);                                        \
  template Var<T> adaptive_avg_pool##n##d(Var<T>, const PerAxis<n>&, Location);
WENGERT_POOLING(1)
WENGERT_POOLING(2)
WENGERT_POOLING(3)
#undef WENGERT_POOLING
#undef WENGERT_INSTANTIATE

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

using Vars = std::span<const Var<double>>;
template <class F>
std::vector<OpExample> one_example(const char* label, const Shape& x, const F& apply) {
  return {detail::example_of(label, {x}, apply)};
}
const bool pooling_registered[] = {
    register_op({.name = "max_pool1d",
                 .notation = "max over windows",
                 .convention = pool_convention,
                 .own_examples =
                     [] {
                       return one_example("max_pool1d", {2, 7}, [](Vars v) { return max_pool1d(v[0], 2); });
                     }}),
    register_op(
        {.name = "max_pool2d",
         .notation = "max over windows",
         .convention = pool_convention,
         .own_examples =
             [] {
               return one_example("max_pool2d", {1, 2, 4, 5}, [](Vars v) {
                 return max_pool2d(v[0], {3, 2}, {.stride = 2, .padding = 1, .dilation = {1, 2}, .ceil_mode = true});
               });
             }}),
    register_op({.name = "max_pool3d",
                 .notation = "max over windows",
                 .convention = pool_convention,
                 .own_examples =
                     [] {
                       return one_example("max_pool3d", {1, 1, 3, 3, 3},
                                          [](Vars v) { return max_pool3d(v[0], 2, {.stride = 1}); });
                     }}),
    register_op(
        {.name = "avg_pool1d",
         .notation = "mean over windows",
         .convention = padding_rule,
         .own_examples =
             [] {
               return one_example("avg_pool1d", {2, 7}, [](Vars v) { return avg_pool1d(v[0], 3, {.padding = 1}); });
             }}),
    register_op({.name = "avg_pool2d",
                 .notation = "mean over windows",
                 .convention = padding_rule,
                 .own_examples =
                     [] {
                       return one_example("avg_pool2d", {1, 2, 4, 5}, [](Vars v) {
                         return avg_pool2d(v[0], {3, 2}, {.stride = 2, .padding = 1, .count_include_pad = false});
                       });
                     }}),
    register_op({.name = "avg_pool3d",
                 .notation = "mean over windows",
                 .convention = padding_rule,
                 .own_examples =
                     [] {
                       return one_example("avg_pool3d", {1, 1, 3, 3, 3},
                                          [](Vars v) { return avg_pool3d(v[0], 2, {.stride = 1}); });
                     }}),
#define WENGERT_ADAPTIVE(n, text, rule, size, ...)                                          \
  register_op({.name = #n, .notation = text, .convention = rule, .own_examples = [] {       \
                 return one_example(#n, __VA_ARGS__, [](Vars v) { return n(v[0], size); }); \
               }})
    WENGERT_ADAPTIVE(adaptive_max_pool1d, "max over even windows", pool_convention, 3, {2, 7}),
    WENGERT_ADAPTIVE(adaptive_max_pool2d, "max over even windows", pool_convention, 3, {1, 2, 4, 5}),
    WENGERT_ADAPTIVE(adaptive_max_pool3d, "max over even windows", pool_convention, 2, {1, 1, 3, 3, 3}),
    WENGERT_ADAPTIVE(adaptive_avg_pool1d, "mean over even windows", {}, 3, {2, 7}),
    WENGERT_ADAPTIVE(adaptive_avg_pool2d, "mean over even windows", {}, 3, {1, 2, 4, 5}),
    WENGERT_ADAPTIVE(adaptive_avg_pool3d, "mean over even windows", {}, 2, {1, 1, 3, 3, 3})};
#undef WENGERT_ADAPTIVE

}  // namespace
}  // namespace wengert
