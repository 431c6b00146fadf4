// ONNX's convolutions.
#include "onnx/limits.hpp"
#include "onnx/windows.hpp"
#include <wengert/ops/conv.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <string>

namespace wengert::onnx::detail {
namespace {

// The extents of the kernels of the weights, input 1. Throws if the attribute kernel_shape has others.
template <class T>
std::vector<std::ptrdiff_t> kernel_of_weights(const Call<T>& c) {
  const Shape w = c.shape(1);
  if (w.rank() != spatial_axes_of(c) + 2)
    c.fail("weights of shape " + to_string(w) + " for an input of shape " + to_string(c.shape(0)) +
           ": expected equal ranks");
  const std::vector<std::ptrdiff_t> kernel(w.begin() + 2, w.end());
  if (const auto declared = c.integers("kernel_shape"); !declared.empty() && declared != kernel)
    c.fail("attribute kernel_shape = " + to_string(Shape(declared)) + " for weights of shape " + to_string(w) +
           ": expected their last extents");
  return kernel;
}

template <class T, std::size_t n>
Var<T> convolution(Var<T> x, Var<T> w, Var<T> bias, const ConvOptions<n>& options, const Location& where) {
  const auto with = [&](auto... operands) {
    if constexpr (n == 1) return conv1d(operands..., options, where);
    if constexpr (n == 2) return conv2d(operands..., options, where);
    if constexpr (n == 3) return conv3d(operands..., options, where);
  };
  return bias.empty() ? with(x, w) : with(x, w, bias);
}

template <class T>
Outputs<T> conv_of(const Call<T>& c) {
  Windows windows = windows_of(c, kernel_of_weights(c));
  Var<T> x = c.x(0);
  if (!windows.symmetric()) {
    x = padded(c, x, windows, 0);
    std::fill(windows.before.begin(), windows.before.end(), 0);
  }
  const Var<T> bias = c.has(2) ? c.x(2) : Var<T>();
  return for_axes(c, windows.axes(), [&](auto axes) -> Var<T> {
    constexpr std::size_t n = axes();
    const ConvOptions<n> options{.stride = PerAxis<n>(windows.stride),
                                 .padding = PerAxis<n>(windows.before),
                                 .dilation = PerAxis<n>(windows.dilation),
                                 .groups = static_cast<std::ptrdiff_t>(c.integer("group", 1))};
    return convolution<T, n>(x, c.x(1), bias, options, c.where);
  });
}

template <class T, std::size_t n>
Var<T> transposed_convolution(Var<T> x, Var<T> w, const ConvTransposeOptions<n>& options, const Location& where) {
  if constexpr (n == 1) return conv_transpose1d(x, w, options, where);
  if constexpr (n == 2) return conv_transpose2d(x, w, options, where);
  if constexpr (n == 3) return conv_transpose3d(x, w, options, where);
}

// The part of the full transposed convolution that is the result: `extent` elements from `first` along each axis.
struct TransposedExtents {
  std::vector<std::ptrdiff_t> first, extent, full;
};

template <class T>
TransposedExtents transposed_extents(const Call<T>& c, const Windows& w) {
  const std::string automatic = c.text("auto_pad", "NOTSET");
  const std::vector<std::ptrdiff_t> extra = per_axis_of(c, "output_padding", w.axes(), 0);
  std::vector<std::ptrdiff_t> shape = c.integers("output_shape");
  if (shape.size() == w.axes() + 2) shape.erase(shape.begin(), shape.begin() + 2);
  if (!shape.empty() && shape.size() != w.axes())
    c.fail("attribute output_shape with " + std::to_string(shape.size()) + " numbers: expected " +
           std::to_string(w.axes()) + ", one for each spatial axis");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  for (const std::ptrdiff_t number : extra)
    if (number < 0 || number > largest_number)
      c.fail("attribute output_padding with the number " + std::to_string(number) + ": expected 0 to " +
             std::to_string(largest_number));
  for (const std::ptrdiff_t extent : shape)
    if (extent < 1 || extent > largest_number)
      c.fail("attribute output_shape with the number " + std::to_string(extent) + ": expected 1 to " +
             std::to_string(largest_number));
  TransposedExtents result;
  for (std::size_t i = 0; i < w.axes(); ++i) {
    const std::ptrdiff_t full = (w.input[i] - 1) * w.stride[i] + w.span(i);
    std::ptrdiff_t first = w.before[i], extent = full + extra[i] - w.before[i] - w.after[i];
    if (same || !shape.empty()) {
      extent = shape.empty() ? w.input[i] * w.stride[i] : shape[i];
      const std::ptrdiff_t total = std::max<std::ptrdiff_t>(0, full + extra[i] - extent);
      first = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    if (extent < 1) c.fail("a result of extent " + std::to_string(extent) + ": expected at least 1; reduce the pads");
    result.first.push_back(first);
    result.extent.push_back(extent);
    result.full.push_back(full);
  }
  return result;
}

// Elements first … first + extent − 1 along each spatial axis, with zeros beyond the end of y.
template <class T>
Var<T> window_of_full(const Call<T>& c, Var<T> y, const TransposedExtents& extents) {
  std::vector<std::size_t> result{y.shape(c.where)[0], y.shape(c.where)[1]};
  for (const std::ptrdiff_t extent : extents.extent) result.push_back(static_cast<std::size_t>(extent));
  require_elements(c, result);
  std::vector<PadWidth> widths;
  for (std::size_t i = 0; i < extents.first.size(); ++i) {
    const std::ptrdiff_t end = extents.first[i] + extents.extent[i];
    y = slice(y, static_cast<std::ptrdiff_t>(i + 2), Slice(extents.first[i], std::min(end, extents.full[i])), c.where);
    const std::ptrdiff_t missing = extents.extent[i] - static_cast<std::ptrdiff_t>(y.shape(c.where)[i + 2]);
    widths.push_back({0, static_cast<std::size_t>(missing)});
  }
  return pad(y, widths, PadMode::constant, 0, c.where);
}

template <class T>
Outputs<T> conv_transpose_of(const Call<T>& c) {
  const Windows w = windows_of(c, kernel_of_weights(c));
  const TransposedExtents extents = transposed_extents(c, w);
  std::vector<std::ptrdiff_t> added, result{static_cast<std::ptrdiff_t>(c.shape(0)[0])};
  for (std::size_t i = 0; i < w.axes(); ++i) result.push_back(std::max(extents.full[i], extents.extent[i]));
  require_elements(c, result);
  bool direct = true;
  for (std::size_t i = 0; i < w.axes(); ++i) {
    added.push_back(extents.extent[i] - (extents.full[i] - 2 * extents.first[i]));
    direct = direct && added[i] >= 0 && added[i] < std::max(w.stride[i], w.dilation[i]);
  }
  const Var<T> y = for_axes(c, w.axes(), [&](auto axes) -> Var<T> {
    constexpr std::size_t n = axes();
    ConvTransposeOptions<n> options{.stride = PerAxis<n>(w.stride),
                                    .dilation = PerAxis<n>(w.dilation),
                                    .groups = static_cast<std::ptrdiff_t>(c.integer("group", 1))};
    if (!direct) return window_of_full(c, transposed_convolution<T, n>(c.x(0), c.x(1), options, c.where), extents);
    options.padding = PerAxis<n>(extents.first);
    options.output_padding = PerAxis<n>(added);
    return transposed_convolution<T, n>(c.x(0), c.x(1), options, c.where);
  });
  if (!c.has(2)) return y;
  Shape channels{c.shape(2).elements()};
  for (std::size_t i = 0; i < w.axes(); ++i) channels.push_back(1);
  return y + reshape(c.x(2), channels, c.where);
}

}  // namespace

template <class T>
std::span<const Entry<T>> network_entries() {
  static constexpr Entry<T> entries[] = {
      {"Conv", conv_of<T>},
      {"ConvTranspose", conv_transpose_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> network_entries<float>();
template std::span<const Entry<double>> network_entries<double>();

}  // namespace wengert::onnx::detail
