// Conv1d, Conv2d and ConvTranspose2d: initialisation, input checks and forward pass.
#include "nn/construction.hpp"
#include <wengert/nn/conv.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/tape/op.hpp>

#include <array>

namespace wengert::nn {
namespace {

// The channels of a layer, in the order of the first two axes of its weight.
struct Channels {
  std::size_t first, second;
};

// Makes a layer with a weight of shape (first, second / groups, kernel…) and a bias of `out` elements.
template <class Layer, class T, std::size_t n, class Options>
Layer made(std::string_view module, std::size_t in, std::size_t out, Channels channels, const PerAxis<n>& kernel,
           Generator generator, const Options& options, const Location& where) {
  const Construction construction{module, where};
  require_positive(construction, "input channels", in);
  require_positive(construction, "output channels", out);
  const std::ptrdiff_t groups = options.groups;
  if (groups < 1 || in % static_cast<std::size_t>(groups) != 0 || out % static_cast<std::size_t>(groups) != 0)
    throw ValueError(
        module,
        fmt::format("{} groups for {} input and {} output channels: expected a divisor of both", groups, in, out),
        where);
  Shape shape{channels.first, channels.second / static_cast<std::size_t>(groups)};
  for (std::size_t axis = 0; axis < n; ++axis) {
    if (kernel[axis] < 1)
      throw ValueError(module, fmt::format("a kernel of extent {}: expected at least 1", kernel[axis]), where);
    shape.push_back(static_cast<std::size_t>(kernel[axis]));
  }
  const double bound = 1 / std::sqrt(fan_of(shape).in);
  Layer layer{drawn<T>(construction, shape, bound, generator, "weight"), {}, options};
  if (options.bias) layer.bias = drawn<T>(construction, {out}, bound, generator, "bias");
  return layer;
}

// The tape of x. Throws ShapeError unless x has this number of channels.
template <class T>
Tape<T>& checked_tape(std::string_view module, Var<T> x, std::size_t channels, std::size_t spatial,
                      const Location& where) {
  Tape<T>& tape = tape_of(x, module, where);
  const Shape shape = x.shape();
  const bool is_sample = shape.rank() == spatial + 1;
  if ((!is_sample && shape.rank() != spatial + 2) || shape[is_sample ? 0 : 1] != channels) {
    const std::string_view axes = spatial == 1 ? "L" : "H, W";
    throw ShapeError(module,
                     fmt::format("an input of shape {}: this layer expects {} channels, (N, {}, {}) or ({}, {})",
                                 to_string(shape), channels, channels, axes, channels, axes),
                     where);
  }
  return tape;
}

template <std::size_t n>
ConvOptions<n> of_op(const ConvLayerOptions<n>& o) {
  return {.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups};
}
template <std::size_t n>
ConvTransposeOptions<n> of_op(const ConvTransposeLayerOptions<n>& o) {
  return {.stride = o.stride,
          .padding = o.padding,
          .output_padding = o.output_padding,
          .dilation = o.dilation,
          .groups = o.groups};
}

}  // namespace

template <class T>
Conv1d<T> Conv1d<T>::make(std::size_t in, std::size_t out, const PerAxis<1>& kernel, Generator generator,
                          const ConvLayerOptions<1>& options, Location where) {
  return made<Conv1d, T>("Conv1d", in, out, {out, in}, kernel, generator, options, where);
}
template <class T>
Var<T> Conv1d<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  const std::size_t channels = weight.shape()[1] * static_cast<std::size_t>(options.groups);
  Tape<T>& tape = checked_tape("Conv1d", x, channels, 1, where);
  return atomically(tape, where, [&] {
    const Var<T> w = tape.variable(weight, where);
    return bias ? conv1d(x, w, tape.variable(*bias, where), of_op(options), where)
                : conv1d(x, w, of_op(options), where);
  });
}

template <class T>
Conv2d<T> Conv2d<T>::make(std::size_t in, std::size_t out, const PerAxis<2>& kernel, Generator generator,
                          const ConvLayerOptions<2>& options, Location where) {
  return made<Conv2d, T>("Conv2d", in, out, {out, in}, kernel, generator, options, where);
}
template <class T>
Var<T> Conv2d<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  const std::size_t channels = weight.shape()[1] * static_cast<std::size_t>(options.groups);
  Tape<T>& tape = checked_tape("Conv2d", x, channels, 2, where);
  return atomically(tape, where, [&] {
    const Var<T> w = tape.variable(weight, where);
    return bias ? conv2d(x, w, tape.variable(*bias, where), of_op(options), where)
                : conv2d(x, w, of_op(options), where);
  });
}

template <class T>
ConvTranspose2d<T> ConvTranspose2d<T>::make(std::size_t in, std::size_t out, const PerAxis<2>& kernel,
                                            Generator generator, const ConvTransposeLayerOptions<2>& options,
                                            Location where) {
  return made<ConvTranspose2d, T>("ConvTranspose2d", in, out, {in, out}, kernel, generator, options, where);
}
template <class T>
Var<T> ConvTranspose2d<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  Tape<T>& tape = checked_tape("ConvTranspose2d", x, weight.shape()[0], 2, where);
  return atomically(tape, where, [&] {
    const Var<T> w = tape.variable(weight, where);
    return bias ? conv_transpose2d(x, w, tape.variable(*bias, where), of_op(options), where)
                : conv_transpose2d(x, w, of_op(options), where);
  });
}

#define WENGERT_INSTANTIATE(T) \
  template struct Conv1d<T>;   \
  template struct Conv2d<T>;   \
  template struct ConvTranspose2d<T>;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
