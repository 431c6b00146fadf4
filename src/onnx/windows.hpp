// The windows of convolutions and pooling, from ONNX's attributes.
#pragma once

#include "onnx/call.hpp"

#include <cstddef>
#include <type_traits>
#include <vector>

namespace wengert::onnx::detail {

/// The largest extent, stride or padding: products of two of these do not overflow.
inline constexpr std::ptrdiff_t largest_number = 1'000'000'000;

/// The windows along the spatial axes, which follow the batch and the channels.
struct Windows {
  std::vector<std::ptrdiff_t> input, kernel, stride, dilation, before, after;  // before, after: the padding

  std::size_t axes() const { return kernel.size(); }
  /// The number of positions that a window spans.
  std::ptrdiff_t span(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
  /// Whether both sides of each axis have the same padding.
  bool symmetric() const { return before == after; }
  /// Whether neighbouring elements of a window are neighbours in the input.
  bool dense() const;
  /// The number of windows. In ceil mode, the last one may extend beyond the padding, but not begin in the padding
  /// after the input (the rule of PyTorch and of ONNX from opset 19).
  std::ptrdiff_t count(std::size_t axis, bool ceil_mode) const;
  /// The same windows, with the padding after the input that makes them fill the padded input.
  Windows filled(bool ceil_mode) const;
};

/// The windows of input 0 for the attributes `strides`, `dilations`, `pads` and `auto_pad`.
template <class T>
Windows windows_of(const Call<T>& c, std::vector<std::ptrdiff_t> kernel);

/// An attribute with a number for each spatial axis.
template <class T>
std::vector<std::ptrdiff_t> per_axis_of(const Call<T>& c, std::string_view attribute, std::size_t axes,
                                        std::ptrdiff_t otherwise);
/// The attribute `pads`: those before, then those after the elements of each axis.
template <class T>
std::vector<std::ptrdiff_t> pads_of(const Call<T>& c, std::size_t axes);
/// The number of spatial axes of input 0, at least 1.
template <class T>
std::size_t spatial_axes_of(const Call<T>& c);

/// x with the padding of the windows.
template <class T>
Var<T> padded(const Call<T>& c, Var<T> x, const Windows& windows, double value);

/// The result of f for the number of spatial axes, as a constant.
template <class T, class F>
auto for_axes(const Call<T>& c, std::size_t axes, const F& f) {
  if (axes == 1) return f(std::integral_constant<std::size_t, 1>());
  if (axes == 2) return f(std::integral_constant<std::size_t, 2>());
  if (axes == 3) return f(std::integral_constant<std::size_t, 3>());
  c.fail("an input with " + std::to_string(axes) + " spatial axes: expected 1 to 3");
}

}  // namespace wengert::onnx::detail
