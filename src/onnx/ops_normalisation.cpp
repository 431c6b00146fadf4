// ONNX's normalisations.
#include "onnx/limits.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/pooling.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace wengert::onnx::detail {
namespace {

// The attribute epsilon, whose default is the float nearest to 1e-5.
template <class T>
double epsilon_of(const Call<T>& c) {
  return c.number("epsilon", static_cast<double>(1e-5F));
}

// Whether an output beyond the first has a name.
template <class T>
bool has_further_outputs(const Call<T>& c) {
  const std::vector<std::string>& names = c.node.outputs;
  return names.size() > 1 &&
         std::any_of(names.begin() + 1, names.end(), [](const auto& name) { return !name.empty(); });
}

// ---- batch normalisation

// A number for each channel, which broadcasts against input 0. A vector has one channel.
template <class T>
Var<T> per_channel(const Call<T>& c, Var<T> numbers) {
  const std::size_t rank = c.rank(0);
  if (rank < 2) return numbers;
  Shape shape{1, numbers.size(c.where)};
  for (std::size_t axis = 2; axis < rank; ++axis) shape.push_back(1);
  return reshape(numbers, shape, c.where);
}

template <class T>
Axes all_axes_but_channels(const Call<T>& c) {
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t axis = 0; axis < c.rank(0); ++axis)
    if (axis != 1) axes.push_back(static_cast<std::ptrdiff_t>(axis));
  return Axes(axes, c.where);
}

template <class T>
Outputs<T> batch_normalization_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const std::size_t channels = shape.rank() < 2 ? 1 : shape[1];
  if (shape.empty()) c.fail("an input without axes: expected a batch and channels");
  if (c.integer("spatial", 1) == 0) c.fail("attribute spatial = 0: expected 1, statistics of each channel");
  for (std::size_t i = 1; i < 5; ++i)
    if (c.shape(i) != Shape{channels})
      c.fail("input " + std::to_string(i) + " of shape " + to_string(c.shape(i)) + ": expected " +
             to_string(Shape{channels}) + ", one number for each channel");
  const Var<T> x = c.x(0);
  // Before opset 14, further outputs select the training mode, and before opset 7, an attribute.
  const bool training = c.opset() < 7    ? c.integer("is_test", 0) == 0
                        : c.opset() < 14 ? has_further_outputs(c)
                                         : c.integer("training_mode", 0) != 0;
  if (!training && x.rank() > 1 && c.value(3).template holds<Parameter<T>>() &&
      c.value(4).template holds<Parameter<T>>()) {  // a form that a Program folds into the weights before it
    BatchNormState<T> state(channels);
    state.running_mean = c.value(3).template get<Parameter<T>>();
    state.running_variance = c.value(4).template get<Parameter<T>>();
    return batch_norm(x, state, Training::no, c.x(1), c.x(2), epsilon_of(c), c.where);
  }
  Var<T> mean_of_channel = c.x(3), variance = c.x(4);
  if (training) {
    const Axes axes = all_axes_but_channels(c);
    mean_of_channel = reshape(mean(x, axes, KeepDims::no, c.where), Shape{channels}, c.where);
    variance = reshape(var(x, axes, KeepDims::no, 0, c.where), Shape{channels}, c.where);
  }
  const Var<T> deviation = sqrt(add(at(c, variance), at(c, epsilon_of(c))));
  const Var<T> factor = divide(operand(c, 1), at(c, deviation));
  const Var<T> centred = at(c, x) - per_channel(c, mean_of_channel);
  const Var<T> y = multiply(at(c, centred), at(c, per_channel(c, factor))) + per_channel(c, c.x(2));
  if (!training) return y;
  const double momentum = c.number("momentum", static_cast<double>(0.9F));
  const auto running = [&](std::size_t input, Var<T> batch) {
    const Var<T> kept = multiply(operand(c, input), at(c, momentum));
    return Value<T>(at(c, kept) + multiply(at(c, batch), at(c, 1 - momentum)), c.type(input));
  };
  return std::vector<Value<T>>{Value<T>(y, c.type(0)), running(3, mean_of_channel), running(4, variance),
                               Value<T>(mean_of_channel, c.type(3)), Value<T>(variance, c.type(4))};
}

// ---- normalisations of a sample

template <class T>
Outputs<T> instance_normalization_of(const Call<T>& c) {
  return instance_norm(c.x(0), c.x(1), c.x(2), epsilon_of(c), c.where);
}

// Scale and bias have a number for each group before opset 21, for each channel from then on.
template <class T>
Outputs<T> group_normalization_of(const Call<T>& c) {
  const Var<T> x = c.x(0);
  const std::int64_t groups = c.integer("num_groups", 0);
  if (groups < 1) c.fail("attribute num_groups = " + std::to_string(groups) + ": expected at least 1");
  const auto count = static_cast<std::size_t>(groups);
  if (c.rank(0) < 2 || c.shape(0)[1] % count != 0)
    c.fail("attribute num_groups = " + std::to_string(groups) + " for an input of shape " + to_string(c.shape(0)) +
           ": expected a divisor of the number of channels");
  const auto of_channels = [&](std::size_t input) {
    return c.opset() < 21 ? repeat(c.x(input), c.shape(0)[1] / count, 0, c.where) : c.x(input);
  };
  return group_norm(x, count, of_channels(1), of_channels(2), epsilon_of(c), c.where);
}

// Whether a value is known and every element is 1, as a scale that changes nothing.
template <class T>
bool is_all_ones(const Value<T>& value) {
  if (!value.constant()) return false;
  const Tensor<double> numbers = value.numbers();
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return x == 1; });
}

template <class T>
Outputs<T> layer_normalization_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const std::size_t first = c.axis(static_cast<std::ptrdiff_t>(c.integer("axis", -1)), shape.rank());
  Shape normalised;
  std::vector<std::ptrdiff_t> over;
  for (std::size_t axis = first; axis < shape.rank(); ++axis) {
    normalised.push_back(shape[axis]);
    over.push_back(static_cast<std::ptrdiff_t>(axis));
  }
  const auto whole_operand = [&](std::size_t input) {
    if (!c.has(input) || (input == 1 && is_all_ones(c.value(input)))) return Var<T>();
    return c.shape(input) == normalised ? c.x(input) : broadcast_to(c.x(input), normalised, c.where);
  };
  const Var<T> x = c.x(0);
  const Var<T> y = layer_norm(x, normalised, whole_operand(1), whole_operand(2), epsilon_of(c), c.where);
  if (!has_further_outputs(c)) return y;
  const Axes axes(over, c.where);
  const Var<T> variance = var(x, axes, KeepDims::yes, 0, c.where);
  const Var<T> inverse_deviation = rsqrt(add(at(c, variance), at(c, epsilon_of(c))));
  return std::vector<Value<T>>{Value<T>(y, c.type(0)), Value<T>(mean(x, axes, KeepDims::yes, c.where), c.type(0)),
                               Value<T>(inverse_deviation, c.type(0))};
}

// ---- others

template <class T>
Outputs<T> local_response_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const std::int64_t size = c.integer("size", 0);
  if (size < 1) c.fail("attribute size = " + std::to_string(size) + ": expected at least 1");
  if (shape.rank() < 2) c.fail("an input of shape " + to_string(shape) + ": expected a batch and channels");
  const auto before = static_cast<std::size_t>((size - 1) / 2), after = static_cast<std::size_t>(size / 2);
  // Means over neighbouring channels are those over windows of the first axis of the planes (channels, positions).
  const Shape planes{shape[0], shape[1], Shape(std::span(shape.begin() + 2, shape.end())).elements()};
  require_elements(c,
                   std::array{static_cast<double>(shape[0]), static_cast<double>(shape[1]) + static_cast<double>(size),
                              static_cast<double>(planes[2])});
  const Var<T> squares = reshape(square(operand(c, 0)), planes, c.where);
  const Var<T> surrounded = pad(squares, {PadWidth{before, after}, PadWidth{}}, PadMode::constant, 0, c.where);
  const Var<T> means = avg_pool2d(surrounded, {size, 1}, {.stride = 1}, c.where);
  const Var<T> scaled = multiply(at(c, reshape(means, shape, c.where)), at(c, c.number("alpha", 1e-4F)));
  const Var<T> base = add(at(c, scaled), at(c, c.number("bias", 1)));
  return divide(operand(c, 0), at(c, pow(at(c, base), at(c, c.number("beta", 0.75)))));
}

template <class T>
Outputs<T> mean_variance_normalization_of(const Call<T>& c) {
  std::vector<std::ptrdiff_t> named = c.integers("axes");
  if (named.empty()) named = {0, 2, 3};
  const Axes axes(named, c.where);
  const Var<T> x = c.x(0);
  const Var<T> deviation = stddev(x, axes, KeepDims::yes, 0, c.where);
  const Var<T> centred = at(c, x) - mean(x, axes, KeepDims::yes, c.where);
  return at(c, centred) / add(at(c, deviation), at(c, 1e-9));
}

// A vector of zeros remains one.
template <class T>
Outputs<T> lp_normalization_of(const Call<T>& c) {
  const std::int64_t p = c.integer("p", 2);
  if (p != 1 && p != 2) c.fail("attribute p = " + std::to_string(p) + ": expected 1 or 2");
  const auto axis = static_cast<std::ptrdiff_t>(c.integer("axis", -1));
  const Var<T> x = c.x(0), length = norm(x, static_cast<double>(p), axis, KeepDims::yes, c.where);
  return at(c, x) / wengert::where(equal(at(c, length), 0), 1, length);
}

}  // namespace

template <class T>
std::span<const Entry<T>> normalisation_entries() {
  static constexpr Entry<T> entries[] = {
      {"BatchNormalization", batch_normalization_of<T>},
      {"GroupNormalization", group_normalization_of<T>},
      {"InstanceNormalization", instance_normalization_of<T>},
      {"LRN", local_response_of<T>},
      {"LayerNormalization", layer_normalization_of<T>},
      {"LpNormalization", lp_normalization_of<T>},
      {"MeanVarianceNormalization", mean_variance_normalization_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> normalisation_entries<float>();
template std::span<const Entry<double>> normalisation_entries<double>();

}  // namespace wengert::onnx::detail
