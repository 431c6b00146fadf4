// Initialisers: constant, uniform, normal, truncated normal, Xavier, He, LeCun and orthogonal.
#include <wengert/nn/initialisers.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

namespace wengert::nn {
namespace {

// Assigns the value that `make` records on a temporary tape.
template <class T, class Make>
void assign(Parameter<T>& parameter, const Make& make) {
  Tape<T> tape;
  parameter.assign(make(tape).value());
}

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// The inverse of the normal distribution function, by bisection to the precision of doubles. Slow but simple.
double normal_quantile(double p) {
  double low = -40, high = 40;
  for (int i = 0; i < 64; ++i) {
    const double middle = (low + high) / 2;
    (normal_distribution(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

double he_deviation(const Shape& weight, const HeOptions& options, const Location& where) {
  const Fan fan = fan_of(weight, where);
  return gain(options.nonlinearity, options.slope) / std::sqrt(options.fan == FanMode::in ? fan.in : fan.out);
}

// Draws from the uniform distribution with mean 0 and this standard deviation.
template <class T>
void uniform_of_deviation(Parameter<T>& parameter, Generator generator, double deviation, const Location& where) {
  const double bound = std::sqrt(3.0) * deviation;
  uniform(parameter, generator, -bound, bound, where);
}

}  // namespace

template <class T>
void zeros(Parameter<T> parameter) {
  constant(parameter, 0);
}

template <class T>
void constant(Parameter<T> parameter, double value) {
  Tensor<T> tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(parameter.shape()));
  std::fill(tensor.begin(), tensor.end(), static_cast<T>(value));
  parameter.assign(tensor);
}

template <class T>
void uniform(Parameter<T> parameter, Generator generator, double low, double high, Location where) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high)
    throw ValueError("uniform",
                     fmt::format("limits {} and {}: expected finite numbers, the lower one first", low, high), where);
  assign(parameter,
         [&](Tape<T>& tape) { return low + (high - low) * wengert::uniform(tape, parameter.shape(), generator); });
}

template <class T>
void normal(Parameter<T> parameter, Generator generator, double mean, double deviation, Location where) {
  if (!std::isfinite(mean) || !std::isfinite(deviation) || deviation < 0)
    throw ValueError(
        "normal",
        fmt::format("mean {} and standard deviation {}: expected finite numbers, the deviation not negative", mean,
                    deviation),
        where);
  assign(parameter,
         [&](Tape<T>& tape) { return mean + deviation * wengert::normal(tape, parameter.shape(), generator); });
}

template <class T>
void truncated_normal(Parameter<T> parameter, Generator generator, double mean, double deviation, double low,
                      double high, Location where) {
  const double from = normal_distribution((low - mean) / deviation),
               to = normal_distribution((high - mean) / deviation);
  if (!(low < high) || !(to - from > 1e-6))
    throw ValueError("truncated_normal",
                     fmt::format("limits {} and {} of a normal distribution with mean {} and standard deviation {}: "
                                 "expected an interval with at least a millionth of its probability",
                                 low, high, mean, deviation),
                     where);
  Tape<double> tape;
  Tensor<double> draws = wengert::uniform(tape, parameter.shape(), generator).value();
  for (double& draw : draws)
    draw = std::clamp(mean + deviation * normal_quantile(from + (to - from) * draw), low, high);
  parameter.assign(Tensor<T>(xt::cast<T>(draws)));
}

double gain(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::numbers::sqrt2;
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + slope * slope));
    case Nonlinearity::selu:
      return 0.75;
    default:
      return 1;
  }
}

Fan fan_of(const Shape& weight, Location where) {
  if (weight.rank() < 2)
    throw ShapeError("fan_of",
                     fmt::format("a parameter of shape {}: expected a weight (out, in, kernel…) of rank 2 or more; "
                                 "initialise a bias by zeros, constant, uniform or normal",
                                 to_string(weight)),
                     where);
  double kernel = 1;
  for (std::size_t axis = 2; axis < weight.rank(); ++axis) kernel *= static_cast<double>(weight[axis]);
  return {static_cast<double>(weight[1]) * kernel, static_cast<double>(weight[0]) * kernel};
}

template <class T>
void xavier_uniform(Parameter<T> weight, Generator generator, double gain, Location where) {
  const Fan fan = fan_of(weight.shape(), where);
  uniform_of_deviation(weight, generator, gain * std::sqrt(2 / (fan.in + fan.out)), where);
}
template <class T>
void xavier_normal(Parameter<T> weight, Generator generator, double gain, Location where) {
  const Fan fan = fan_of(weight.shape(), where);
  normal(weight, generator, 0, gain * std::sqrt(2 / (fan.in + fan.out)), where);
}

template <class T>
void he_uniform(Parameter<T> weight, Generator generator, const HeOptions& options, Location where) {
  uniform_of_deviation(weight, generator, he_deviation(weight.shape(), options, where), where);
}
template <class T>
void he_normal(Parameter<T> weight, Generator generator, const HeOptions& options, Location where) {
  normal(weight, generator, 0, he_deviation(weight.shape(), options, where), where);
}

template <class T>
void lecun_uniform(Parameter<T> weight, Generator generator, Location where) {
  uniform_of_deviation(weight, generator, 1 / std::sqrt(fan_of(weight.shape(), where).in), where);
}
template <class T>
void lecun_normal(Parameter<T> weight, Generator generator, Location where) {
  normal(weight, generator, 0, 1 / std::sqrt(fan_of(weight.shape(), where).in), where);
}

template <class T>
void orthogonal(Parameter<T> weight, Generator generator, double gain, Location where) {
  fan_of(weight.shape(), where);
  if (!std::isfinite(gain))
    throw ValueError("orthogonal", fmt::format("gain {}: expected a finite number", gain), where);
  const std::size_t rows = weight.shape()[0], columns = weight.value().size() / std::max<std::size_t>(rows, 1);
  assign(weight, [&](Tape<T>& tape) {
    // Q of a matrix of normal draws is distributed uniformly once the signs that LAPACK chooses are undone.
    const Shape tall{std::max(rows, columns), std::min(rows, columns)};
    const auto [q, r] = qr(wengert::normal(tape, tall, generator));
    const Var<T> even = gain * q * sign(diagonal(r));
    return reshape(rows < columns ? transpose(even) : even, weight.shape());
  });
}

#define WENGERT_INSTANTIATE(T)                                                                       \
  template void zeros(Parameter<T>);                                                                 \
  template void constant(Parameter<T>, double);                                                      \
  template void uniform(Parameter<T>, Generator, double, double, Location);                          \
  template void normal(Parameter<T>, Generator, double, double, Location);                           \
  template void truncated_normal(Parameter<T>, Generator, double, double, double, double, Location); \
  template void xavier_uniform(Parameter<T>, Generator, double, Location);                           \
  template void xavier_normal(Parameter<T>, Generator, double, Location);                            \
  template void he_uniform(Parameter<T>, Generator, const HeOptions&, Location);                     \
  template void he_normal(Parameter<T>, Generator, const HeOptions&, Location);                      \
  template void lecun_uniform(Parameter<T>, Generator, Location);                                    \
  template void lecun_normal(Parameter<T>, Generator, Location);                                     \
  template void orthogonal(Parameter<T>, Generator, double, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
