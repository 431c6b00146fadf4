// ONNX's activation functions, except the softmaxes.
#include "onnx/call.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>

#include <string>

namespace wengert::onnx::detail {
namespace {

template <class T>
Outputs<T> gelu_of(const Call<T>& c) {
  const std::string approximate = c.text("approximate", "none");
  if (approximate == "none") return gelu(operand(c, 0));
  if (approximate == "tanh") return gelu_tanh(operand(c, 0));
  c.fail("attribute 'approximate' is '" + approximate + "': expected 'none' or 'tanh'");
}

// Whether an attribute, which is a float, is the number that an op of wengert has in T.
template <class T>
bool is_same_in(double attribute, double number) {
  return static_cast<T>(attribute) == static_cast<T>(number);
}

template <class T>
Outputs<T> hard_sigmoid_of(const Call<T>& c) {
  if (is_same_in<T>(c.number("alpha", 0.2), 1.0 / 6) && c.number("beta", 0.5) == 0.5)
    return hard_sigmoid(operand(c, 0));
  const Var<T> scaled = multiply(operand(c, 0), at(c, c.number("alpha", 0.2)));
  const Var<T> line = add(at(c, scaled), at(c, c.number("beta", 0.5)));
  return clip(at(c, line), 0, 1);
}

// Slopes broadcast to x from the last axis, unlike those of wengert::prelu; before opset 7, a vector of them belongs to
// the channels.
template <class T>
Outputs<T> prelu_of(const Call<T>& c) {
  const Operand<T> x = operand(c, 0);
  Var<T> slope = c.x(1);
  if (c.opset() < 7 && slope.rank() == 1 && slope.size() > 1 && c.rank(0) > 2) {
    Shape along_channels(std::vector<std::size_t>(c.rank(0) - 1, 1));
    along_channels[0] = slope.size();
    slope = reshape(slope, along_channels, c.where);
  }
  const Var<T> is_positive = greater(x, at(c, 0.0));
  return wengert::where(at(c, is_positive), x, at(c, multiply(x, at(c, slope))));
}

template <class T>
Outputs<T> selu_of(const Call<T>& c) {
  const double alpha = c.number("alpha", 1.67326319217681884765625);
  const double gamma = c.number("gamma", 1.05070102214813232421875);
  if (is_same_in<T>(alpha, 1.6732632423543772) && is_same_in<T>(gamma, 1.0507009873554805)) return selu(operand(c, 0));
  return multiply(at(c, elu(operand(c, 0), alpha)), at(c, gamma));
}

template <class T>
Outputs<T> shrink_of(const Call<T>& c) {
  const Operand<T> x = operand(c, 0), bias = at(c, c.number("bias", 0));
  const double lambda = c.number("lambd", 0.5);
  const Var<T> is_low = less(x, at(c, -lambda)), is_high = greater(x, at(c, lambda));
  const Var<T> high = wengert::where(at(c, is_high), at(c, subtract(x, bias)), at(c, 0.0));
  return wengert::where(at(c, is_low), at(c, add(x, bias)), at(c, high));
}

template <class T>
Outputs<T> thresholded_relu_of(const Call<T>& c) {
  const Operand<T> x = operand(c, 0);
  const Var<T> is_above = greater(x, at(c, c.number("alpha", 1)));
  return wengert::where(at(c, is_above), x, at(c, 0.0));
}

}  // namespace

template <class T>
std::span<const Entry<T>> activation_entries() {
  using C = const Call<T>&;
  using Y = Outputs<T>;
  static constexpr Entry<T> entries[] = {
      {"Celu", [](C c) -> Y { return celu(operand(c, 0), c.number("alpha", 1)); }},
      {"Elu", [](C c) -> Y { return elu(operand(c, 0), c.number("alpha", 1)); }},
      {"Gelu", gelu_of<T>},
      {"HardSigmoid", hard_sigmoid_of<T>},
      {"HardSwish", [](C c) -> Y { return hard_swish(operand(c, 0)); }},
      {"LeakyRelu", [](C c) -> Y { return leaky_relu(operand(c, 0), c.number("alpha", 0.01)); }},
      {"Mish", [](C c) -> Y { return mish(operand(c, 0)); }},
      {"PRelu", prelu_of<T>},
      {"Relu", [](C c) -> Y { return relu(operand(c, 0)); }},
      {"Selu", selu_of<T>},
      {"Shrink", shrink_of<T>},
      {"Sigmoid", [](C c) -> Y { return sigmoid(operand(c, 0)); }},
      {"Softplus", [](C c) -> Y { return softplus(operand(c, 0)); }},
      {"Softsign", [](C c) -> Y { return softsign(operand(c, 0)); }},
      {"ThresholdedRelu", thresholded_relu_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> activation_entries<float>();
template std::span<const Entry<double>> activation_entries<double>();

}  // namespace wengert::onnx::detail
