// Layer, RMS, batch, group and instance normalisation, built on one standardisation op with a fused vjp.
#include "kernel/normalise.hpp"

#include "ops/attributes/axes.hpp"
#include "ops/linear_ops.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <cmath>

#include <fmt/format.h>

namespace wengert {
namespace {

// ---- the primitives ------------------------------------------------------------------------------------------------

// Groups of elements: one for each index along the axes [first, last).
struct Grouped : attributes::Grouped {
  kernel::Groups groups(const Shape& x) const {
    kernel::Groups n{1, 1, 1, centred};
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      (axis < first ? n.outer : axis < last ? n.groups : n.inner) *= x[axis];
    return n;
  }
  // The shape of one number per group, which broadcasts against x.
  Shape one_each(Shape x) const {
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      if (axis < first || axis >= last) x[axis] = 1;
    return x;
  }
  template <class T>
  Var<T> total(Var<T> x) const {
    return sum_to(x, one_each(x.shape()));
  }
  template <class T>
  Var<T> average(Var<T> x) const {
    return total(x) / static_cast<double>(groups(x.shape()).members());
  }
  static constexpr Domain spread{-3, 3};  // wide enough that no group's variance is small
};

struct GroupVariance : Grouped {
  static constexpr std::string_view name = "group_variance";
  static constexpr std::string_view notation = "mean (x − mean x)² per group";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const { return one_each(x); }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    kernel::group_variance(x.data, y.data, groups(x.shape()));
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    const Var<T> share = g * (2 / static_cast<double>(groups(x.shape()).members()));
    return (centred ? x - average(x) : x) * share;
  }
  static std::vector<StructuralExample<GroupVariance>> examples() {
    return {{{{0, 1}}, {{3, 5}}}, {{{1, 2}}, {{3, 2, 2}}}, {{{0, 1, false}}, {{3, 5}}}, {{{0, 0}}, {{}}}};
  }
};

struct StandardiseVjp : Grouped {
  static constexpr std::string_view name = "standardise_vjp";
  static constexpr std::string_view notation = "r (g − mean g − y mean(g y)) per group";
  static constexpr std::size_t arity = 3;

  Shape shape(const Shape& g, const Shape&, const Shape&) const { return g; }
  template <class T>
  void forward(Value<const T> g, Value<const T> y, Value<const T> r, Value<T> out) const {
    kernel::standardise_vjp(g.data, y.data, r.data, out.data, groups(g.shape()));
  }
  template <class T>
  auto vjp(Var<T> w, Var<T> out, Var<T> g, Var<T> y, Var<T> r) const {
    return std::tuple([=, this] { return record(*this, Location::current(), w, y, r); },
                      [=, this] { return -r * (w * average(g * y) + g * average(w * y)); },
                      [=, this] { return total(w * out) / r; });
  }
  static std::vector<StructuralExample<StandardiseVjp>> examples() {
    return {{{{0, 1}}, {{3, 5}, {3, 5}, {3, 1}}, {0.3, 2}}, {{{1, 2, false}}, {{3, 2}, {3, 2}, {1, 2}}, {0.3, 2}}};
  }
};

constexpr auto inverse_root_op = elementwise<"inverse_root", params<1>>(
    [](auto x, auto epsilon) { return 1 / sqrt(x + epsilon); },
    derivative([](auto, auto, auto y) { return -0.5 * y * y * y; }), input_domain([] {
      return Domain{0.3, 3};
    }),
    notation<"1 / √(x + ε)">);

struct Standardise : attributes::Standardise {
  static constexpr std::string_view name = "standardise";
  static constexpr std::string_view notation = "(x − mean x) / √(variance x + ε) per group";
  static constexpr std::size_t arity = 1;

  Grouped by() const { return {group}; }
  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    kernel::standardise(x.data, y.data, by().groups(x.shape()), epsilon);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> x) const {
    const Location where = Location::current();
    const Var<T> r = inverse_root_op(record(GroupVariance{by()}, where, x), epsilon);
    return record(StandardiseVjp{by()}, where, g, y, r);
  }
  static std::vector<StructuralExample<Standardise>> examples() {
    constexpr Domain spread = Grouped::spread;
    return {{{{{0, 1}, 1e-5}}, {{3, 5}}, spread},        {{{{0, 0}, 1e-5}}, {{3, 4}}, spread},
            {{{{1, 2}, 1e-5}}, {{5, 3}}, spread},        {{{{1, 2}, 0.1}}, {{2, 3, 2, 2}}, spread},
            {{{{0, 1, false}, 1e-5}}, {{3, 5}}, spread}, {{{{0, 2}, 0.5}}, {{2, 3, 1}}, spread}};
  }
};

constexpr auto scale_and_shift_op =
    elementwise<"scale_and_shift">([](auto x, auto w, auto b) { return x * w + b; }, notation<"x w + b">);

template <class T>
bool enter_scale_and_shift() {
  LinearOps<T>::scale_and_shift = &ElementwiseTable<T, std::remove_const_t<decltype(scale_and_shift_op)>>::table;
  return true;
}
[[maybe_unused]] const bool scale_and_shift_entered = enter_scale_and_shift<float>() && enter_scale_and_shift<double>();

// ---- helpers of the functions --------------------------------------------------------------------------------------

template <class T>
Var<T> scaled(Var<T> y, Var<T> weight, Var<T> bias, const Shape& beside, const Location& where) {
  const auto placed = [&](Var<T> v) { return Operand<T>(v.shape() == beside ? v : reshape(v, beside, where), where); };
  const Operand<T> x(y, where);
  if (!weight.empty() && !bias.empty()) return scale_and_shift_op(x, placed(weight), placed(bias));
  if (!weight.empty()) return multiply(x, placed(weight));
  return bias.empty() ? y : add(x, placed(bias));
}

// Calls `normalise` after the checks that all normalisations need. If it throws, nothing is left on the tape.
template <class T, class F>
Var<T> checked(std::string_view name, Var<T> x, double epsilon, const Location& where, const F& normalise) {
  Tape<T>& tape = tape_of(x, name, where);
  if (!(epsilon >= 0 && std::isfinite(epsilon)))
    throw ValueError(name, fmt::format("epsilon is {}: must be at least 0", epsilon), where);
  return atomically(tape, where, normalise);
}

template <class T>
void check_learned(std::string_view name, std::string_view role, Var<T> v, const Shape& expected, const Tape<T>& tape) {
  if (v.empty()) return;
  check_operand(tape, v, name, {}, "the {}", role);
  if (tape.node(v, name).layout->shape != expected)
    throw ShapeError(
        name, fmt::format("{} of shape {}: must have the shape {}", role, to_string(v.shape()), to_string(expected)));
}

// Normalises over the trailing axes.
template <class T>
Var<T> over_rows(std::string_view name, Var<T> x, const Shape& normalised, Var<T> weight, Var<T> bias, bool centred,
                 double epsilon, const Location& where) {
  return checked(name, x, epsilon, where, [&] {
    const Shape shape = x.shape();
    const std::size_t rank = normalised.rank();
    bool fits = rank > 0 && rank <= shape.rank();
    for (std::size_t axis = 0; axis < rank && fits; ++axis)
      fits = shape[shape.rank() - rank + axis] == normalised[axis];
    if (!fits)
      throw ShapeError(name, fmt::format("shape {}: must end with the normalised extents {}{}", to_string(shape),
                                         to_string(normalised), rank == 0 ? ", which must not be empty" : ""));
    check_learned(name, "weight", weight, normalised, x.tape());
    check_learned(name, "bias", bias, normalised, x.tape());
    const Standardise op{{{0, static_cast<std::uint8_t>(shape.rank() - rank), centred}, epsilon}};
    return scaled(record(op, where, x), weight, bias, normalised, where);
  });
}

// The number of channels of (N, C, …), after checks; and the shape in which a vector over them broadcasts against it.
template <class T>
std::size_t channels(std::string_view name, Var<T> x, std::size_t least_rank, Var<T> weight, Var<T> bias) {
  if (x.rank() < least_rank)
    throw ShapeError(name, fmt::format("shape {}: must be {}", to_string(x.shape()),
                                       least_rank > 2 ? "(samples, channels, …)" : "(samples, channels) or more axes"));
  const std::size_t count = x.shape()[1];
  check_learned(name, "weight", weight, Shape{count}, x.tape());
  check_learned(name, "bias", bias, Shape{count}, x.tape());
  return count;
}
template <class T>
Shape beside_channels(Var<T> x) {
  Shape shape{x.shape()[1]};
  for (std::size_t axis = 2; axis < x.rank(); ++axis) shape.push_back(1);
  return shape;
}

// Queues the updates of the running mean and variance.
template <class T>
void queue_updates(Var<T> x, const BatchNormState<T>& state, std::size_t members, const Location& where) {
  Tape<T>& tape = x.tape();
  const Shape vector{x.shape()[1]};
  const Grouped by_channel{1, 2};
  const auto queue = [&](const Parameter<T>& running, Var<T> of_batch) {
    const Var<T> old = tape.updated(running, where);
    tape.update(running, old * (1 - state.momentum) + reshape(of_batch, vector, where) * state.momentum, where);
  };
  const auto n = static_cast<double>(members);
  queue(state.running_mean, by_channel.average(x));
  queue(state.running_variance, record(GroupVariance{by_channel}, where, x) * (n / (n - 1)));
}

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

template <class T>
Var<T> layer_norm(Var<T> x, const std::type_identity_t<Shape>& normalised, std::type_identity_t<Var<T>> weight,
                  std::type_identity_t<Var<T>> bias, double epsilon, Location where) {
  return over_rows("layer_norm", x, normalised, weight, bias, true, epsilon, where);
}

template <class T>
Var<T> rms_norm(Var<T> x, const std::type_identity_t<Shape>& normalised, std::type_identity_t<Var<T>> weight,
                double epsilon, Location where) {
  return over_rows("rms_norm", x, normalised, weight, Var<T>(), false, epsilon, where);
}

template <class T>
BatchNormState<T>::BatchNormState(std::size_t count, double momentum_of_batch)
    : running_mean(Tensor<T>(xt::zeros<T>({count})), "running_mean", false),
      running_variance(Tensor<T>(xt::ones<T>({count})), "running_variance", false),
      momentum(momentum_of_batch) {}

template <class T>
Var<T> batch_norm(Var<T> x, const BatchNormState<T>& state, Training training, std::type_identity_t<Var<T>> weight,
                  std::type_identity_t<Var<T>> bias, double epsilon, Location where) {
  constexpr std::string_view name = "batch_norm";
  return checked(name, x, epsilon, where, [&] {
    const std::size_t count = channels(name, x, 2, weight, bias);
    const Shape beside = beside_channels(x);
    if (state.running_mean.shape() != Shape{count} || state.running_variance.shape() != Shape{count})
      throw ShapeError(name, fmt::format("{} channels in shape {}: the running statistics have shapes {} and {}", count,
                                         to_string(x.shape()), to_string(state.running_mean.shape()),
                                         to_string(state.running_variance.shape())));
    if (training == Training::no) {
      const auto at = [&](const Var<T>& v) { return Operand<T>(v, where); };
      const Var<T> mean = x.tape().updated(state.running_mean, where);
      const Var<T> r = inverse_root_op(at(x.tape().updated(state.running_variance, where)), epsilon);
      const Var<T> scale = weight.empty() ? r : multiply(at(weight), at(r));
      const Var<T> shift = negate(at(multiply(at(mean), at(scale))));
      return scaled(x, scale, bias.empty() ? shift : add(at(bias), at(shift)), beside, where);
    }
    const std::size_t members = x.size() / std::max<std::size_t>(count, 1);
    if (members < 2)
      throw ShapeError(name,
                       fmt::format("shape {} has {} element per channel: training needs at least 2 for the variance; "
                                   "drop a last batch of one sample (drop_last), choose another batch size, or use "
                                   "evaluation mode",
                                   to_string(x.shape()), members));
    const Var<T> y = record(Standardise{{{1, 2}, epsilon}}, where, x);
    const Var<T> result = scaled(y, weight, bias, beside, where);
    queue_updates(x, state, members, where);
    return result;
  });
}

template <class T>
Var<T> group_norm(Var<T> x, std::size_t groups, std::type_identity_t<Var<T>> weight, std::type_identity_t<Var<T>> bias,
                  double epsilon, Location where) {
  constexpr std::string_view name = "group_norm";
  return checked(name, x, epsilon, where, [&] {
    const std::size_t count = channels(name, x, 2, weight, bias);
    if (groups == 0 || count % groups != 0)
      throw ShapeError(name, fmt::format("{} groups for {} channels (shape {}): must divide the channels evenly",
                                         groups, count, to_string(x.shape())));
    const Shape shape = x.shape();
    std::size_t members = count / groups;
    for (std::size_t axis = 2; axis < shape.rank(); ++axis) members *= shape[axis];
    const Var<T> y = record(Standardise{{{0, 2}, epsilon}}, where, reshape(x, {shape[0], groups, members}, where));
    return scaled(reshape(y, shape, where), weight, bias, beside_channels(x), where);
  });
}

template <class T>
Var<T> instance_norm(Var<T> x, std::type_identity_t<Var<T>> weight, std::type_identity_t<Var<T>> bias, double epsilon,
                     Location where) {
  constexpr std::string_view name = "instance_norm";
  return checked(name, x, epsilon, where, [&] {
    channels(name, x, 3, weight, bias);
    return scaled(record(Standardise{{{0, 2}, epsilon}}, where, x), weight, bias, beside_channels(x), where);
  });
}

#define WENGERT_INSTANTIATE(T)                                                                              \
  template struct BatchNormState<T>;                                                                        \
  template Var<T> layer_norm(Var<T>, const Shape&, Var<T>, Var<T>, double, Location);                       \
  template Var<T> rms_norm(Var<T>, const Shape&, Var<T>, double, Location);                                 \
  template Var<T> batch_norm(Var<T>, const BatchNormState<T>&, Training, Var<T>, Var<T>, double, Location); \
  template Var<T> group_norm(Var<T>, std::size_t, Var<T>, Var<T>, double, Location);                        \
  template Var<T> instance_norm(Var<T>, Var<T>, Var<T>, double, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

using Inputs = std::span<const Var<double>>;

OpExample example(std::string_view name, std::vector<Shape> shapes, std::function<Var<double>(Inputs)> apply) {
  const std::vector<Domain> domains(shapes.size(), Grouped::spread);
  return {std::string(name), std::move(shapes), domains, std::move(apply)};
}

[[maybe_unused]] const bool layer_norm_registered = register_op(
    {.name = "layer_norm",
     .notation = "w (x − mean x) / √(variance x + ε) + b over trailing axes",
     .convention = "a row of one element gives b",
     .own_examples = [] {
       const auto rows = [](Inputs x) { return layer_norm(x[0], {4}, x[1], x[2]); };
       const auto planes = [](Inputs x) { return layer_norm(x[0], {2, 3}); };
       return std::vector{example("layer_norm", {{3, 4}, {4}, {4}}, rows), example("layer_norm", {{2, 2, 3}}, planes)};
     }});

[[maybe_unused]] const bool rms_norm_registered =
    register_op({.name = "rms_norm",
                 .notation = "w x / √(mean x² + ε) over trailing axes",
                 .convention = "a row of zeros gives zeros",
                 .own_examples = [] {
                   const auto rows = [](Inputs x) { return rms_norm(x[0], {4}, x[1]); };
                   return std::vector{example("rms_norm", {{3, 4}, {4}}, rows)};
                 }});

[[maybe_unused]] const bool batch_norm_registered = register_op(
    {.name = "batch_norm",
     .notation = "w (x − mean x) / √(variance x + ε) + b per channel",
     .convention =
         "channels along axis 1; the running variance is unbiased: it divides by one less than the number of elements",
     .own_examples = [] {
       const auto in = [](Training training) {
         return [training](Inputs x) {
           return batch_norm(x[0], BatchNormState<double>(x[0].shape()[1]), training, x[1], x[2]);
         };
       };
       return std::vector{example("batch_norm", {{4, 3}, {3}, {3}}, in(Training::yes)),
                          example("batch_norm", {{3, 2, 2, 1}, {2}, {2}}, in(Training::yes)),
                          example("batch_norm", {{3, 2, 2}, {2}, {2}}, in(Training::no))};
     }});

[[maybe_unused]] const bool group_norm_registered =
    register_op({.name = "group_norm",
                 .notation = "w (x − mean x) / √(variance x + ε) + b per group of channels",
                 .convention = "channels along axis 1",
                 .own_examples = [] {
                   const auto by_two = [](Inputs x) { return group_norm(x[0], 2, x[1], x[2]); };
                   return std::vector{example("group_norm", {{2, 4, 3}, {4}, {4}}, by_two),
                                      example("group_norm", {{2, 6}, {6}, {6}}, by_two)};
                 }});

[[maybe_unused]] const bool instance_norm_registered =
    register_op({.name = "instance_norm",
                 .notation = "w (x − mean x) / √(variance x + ε) + b per sample and channel",
                 .convention = "channels along axis 1",
                 .own_examples = [] {
                   const auto apply = [](Inputs x) { return instance_norm(x[0], x[1], x[2]); };
                   return std::vector{example("instance_norm", {{2, 3, 4}, {3}, {3}}, apply)};
                 }});

}  // namespace
}  // namespace wengert
