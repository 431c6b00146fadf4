// ONNX's pooling.
#include "onnx/limits.hpp"
#include "onnx/operand.hpp"
#include "onnx/windows.hpp"
#include <wengert/ops/conv.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/pooling.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace wengert::onnx::detail {
namespace {

template <class T>
Windows pooling_windows(const Call<T>& c) {
  return windows_of(c, c.integers("kernel_shape"));
}

// Whether the library pools these windows without padding the input first.
bool pooled_directly(const Windows& w) {
  if (!w.symmetric()) return false;
  for (std::size_t i = 0; i < w.axes(); ++i)
    if (2 * w.before[i] > w.kernel[i]) return false;
  return true;
}

template <class T>
void require_windows(const Call<T>& c, const Windows& w, bool ceil_mode) {
  for (std::size_t i = 0; i < w.axes(); ++i)
    if (w.count(i, ceil_mode) < 1)
      c.fail("a window that spans " + std::to_string(w.span(i)) + " positions of an axis of " +
             std::to_string(w.input[i]) + ": expected it to fit into the padded input");
}

// ---- max pooling

template <class T, std::size_t n>
MaxPooled<T> max_pool(Var<T> x, const PerAxis<n>& kernel, const MaxPoolOptions<n>& options, bool with_indices,
                      const Location& where) {
  const auto pooled = [&] {
    if constexpr (n == 1) return max_pool1d_with_indices(x, kernel, options, where);
    if constexpr (n == 2) return max_pool2d_with_indices(x, kernel, options, where);
    if constexpr (n == 3) return max_pool3d_with_indices(x, kernel, options, where);
  };
  if (with_indices) return pooled();
  if constexpr (n == 1) return {max_pool1d(x, kernel, options, where), {}};
  if constexpr (n == 2) return {max_pool2d(x, kernel, options, where), {}};
  if constexpr (n == 3) return {max_pool3d(x, kernel, options, where), {}};
}

// ONNX counts positions in the whole input without its padding; the library, in the plane of one channel, which here
// has the extents `plane` and begins `before` positions ahead of the input.
template <class T>
Var<T> positions_in_input(const Call<T>& c, Var<T> in_plane, const std::vector<std::ptrdiff_t>& plane,
                          const std::vector<std::ptrdiff_t>& before) {
  const Shape x = c.shape(0);
  if (static_cast<double>(x.elements()) > static_cast<double>(std::int64_t{1} << std::numeric_limits<T>::digits))
    c.fail("the indices of an input of shape " + to_string(x) +
           ": its positions are too large for the scalar type; load the model in double precision");
  const bool column_major = c.integer("storage_order", 0) != 0;
  const std::size_t axes = plane.size();
  Shape planes{x[0], x[1]};
  double plane_size = 1;
  for (std::size_t i = 0; i < axes; ++i) {
    planes.push_back(1);
    plane_size *= static_cast<double>(x[i + 2]);
  }
  Tensor<T> first = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(planes));
  for (std::size_t k = 0; k < first.size(); ++k) first.data()[k] = static_cast<T>(static_cast<double>(k) * plane_size);
  Var<T> result = c.tape.constant(std::move(first), c.where);
  double below = 1;  // the number of positions of the plane for each position of the axis
  for (std::size_t k = 0; k < axes; ++k) {
    const std::size_t i = axes - 1 - k;
    double factor = 1;
    for (std::size_t j = 0; j < axes; ++j)
      if (column_major ? j < i : j > i) factor *= static_cast<double>(x[j + 2]);
    const Var<T> place = fmod(floor(divide(at(c, in_plane), at(c, below))), at(c, static_cast<double>(plane[i])));
    const Var<T> coordinate =
        clip(subtract(at(c, place), at(c, static_cast<double>(before[i]))), 0, static_cast<double>(x[i + 2]) - 1);
    result = at(c, result) + multiply(at(c, coordinate), at(c, factor));
    below *= static_cast<double>(plane[i]);
  }
  return result;
}

template <class T>
Outputs<T> max_pool_of(const Call<T>& c) {
  const Windows w = pooling_windows(c);
  const bool ceil_mode = c.integer("ceil_mode", 0) != 0;
  const bool with_indices = c.node.outputs.size() > 1 && !c.node.outputs[1].empty();
  require_windows(c, w, ceil_mode);
  const bool direct = pooled_directly(w);
  const Windows filled = w.filled(ceil_mode);
  const Var<T> x = direct ? c.x(0) : padded(c, c.x(0), filled, -std::numeric_limits<double>::infinity());
  const MaxPooled<T> pooled = for_axes(c, w.axes(), [&](auto axes) {
    constexpr std::size_t n = axes();
    const MaxPoolOptions<n> options{.stride = PerAxis<n>(w.stride),
                                    .padding = direct ? PerAxis<n>(w.before) : PerAxis<n>(0),
                                    .dilation = PerAxis<n>(w.dilation),
                                    .ceil_mode = direct && ceil_mode};
    return max_pool<T, n>(x, PerAxis<n>(w.kernel), options, with_indices, c.where);
  });
  if (!with_indices) return pooled.values;
  std::vector<std::ptrdiff_t> plane = w.input, before(w.axes(), 0);
  if (!direct) {
    before = filled.before;
    for (std::size_t i = 0; i < w.axes(); ++i) plane[i] += filled.before[i] + filled.after[i];
  }
  const Var<T> positions = positions_in_input(c, to_values(pooled.indices, c.where), plane, before);
  return std::vector<Value<T>>{Value<T>(pooled.values, c.type(0)), Value<T>(positions, ElementType::int64)};
}

template <class T>
Outputs<T> max_unpool_of(const Call<T>& c) {
  const Windows w = pooling_windows(c);
  const Shape x = c.shape(0);
  Shape inferred{x[0], x[1]};
  for (std::size_t i = 0; i < w.axes(); ++i) {
    const std::ptrdiff_t extent = (w.input[i] - 1) * w.stride[i] - w.before[i] - w.after[i] + w.kernel[i];
    if (extent < 1) c.fail("a result of extent " + std::to_string(extent) + ": expected at least 1");
    inferred.push_back(static_cast<std::size_t>(extent));
  }
  require_elements(c, inferred);
  const Shape row{1, x.elements()};
  const IndexVar<T> positions = reshape(c.indices(1), row, c.where);
  Var<T> y = max_unpool1d(reshape(c.x(0), row, c.where), positions, inferred.elements(), c.where);
  y = reshape(y, inferred, c.where);
  if (!c.has(2)) return y;
  const std::vector<std::ptrdiff_t> shape = c.integers(2);
  std::vector<PadWidth> widths;
  for (std::size_t axis = 0; axis < inferred.rank(); ++axis) {
    if (shape.size() != inferred.rank() || shape[axis] < static_cast<std::ptrdiff_t>(inferred[axis]))
      c.fail("the output shape " + to_string(Shape(shape)) + ": expected at least " + to_string(inferred));
    widths.push_back({0, static_cast<std::size_t>(shape[axis]) - inferred[axis]});
  }
  require_elements(c, shape);
  return pad(y, widths, PadMode::constant, 0, c.where);
}

// ---- averages and norms

template <class T, std::size_t n>
Var<T> avg_pool(Var<T> x, const PerAxis<n>& kernel, const AvgPoolOptions<n>& options, const Location& where) {
  if constexpr (n == 1) return avg_pool1d(x, kernel, options, where);
  if constexpr (n == 2) return avg_pool2d(x, kernel, options, where);
  if constexpr (n == 3) return avg_pool3d(x, kernel, options, where);
}

// The means over windows without padding, zeros included. The library's average pooling has no dilation, so dilated
// windows are convolved, each channel by itself.
template <class T>
Var<T> window_means(const Call<T>& c, Var<T> x, const Windows& w) {
  return for_axes(c, w.axes(), [&](auto axes) -> Var<T> {
    constexpr std::size_t n = axes();
    if (w.dense()) return avg_pool<T, n>(x, PerAxis<n>(w.kernel), {.stride = PerAxis<n>(w.stride)}, c.where);
    Shape planes = x.shape(c.where), kernel{1, 1};
    for (const std::ptrdiff_t extent : w.kernel) kernel.push_back(static_cast<std::size_t>(extent));
    planes[0] *= planes[1];
    planes[1] = 1;
    Tensor<T> weights = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(kernel));
    weights.fill(T(1) / static_cast<T>(kernel.elements()));
    const Var<T> factors = c.tape.constant(std::move(weights), c.where);
    const ConvOptions<n> options{.stride = PerAxis<n>(w.stride), .dilation = PerAxis<n>(w.dilation)};
    Var<T> y = reshape(x, planes, c.where);
    if constexpr (n == 1) y = conv1d(y, factors, options, c.where);
    if constexpr (n == 2) y = conv2d(y, factors, options, c.where);
    if constexpr (n == 3) y = conv3d(y, factors, options, c.where);
    Shape result = y.shape(c.where);
    result[0] = c.shape(0)[0];
    result[1] = c.shape(0)[1];
    return reshape(y, result, c.where);
  });
}

double kernel_elements(const Windows& w) {
  double elements = 1;
  for (const std::ptrdiff_t extent : w.kernel) elements *= static_cast<double>(extent);
  return elements;
}

// The number of a window's elements along an axis that lie at positions `first` to `last` − 1 of the padded input.
std::ptrdiff_t elements_within(const Windows& w, std::size_t axis, std::ptrdiff_t window, std::ptrdiff_t first,
                               std::ptrdiff_t last) {
  const std::ptrdiff_t start = window * w.stride[axis], step = w.dilation[axis];
  // The number of elements of the kernel that lie before a position.
  const auto before = [&](std::ptrdiff_t position) {
    return position <= start ? 0 : std::min(w.kernel[axis], (position - start + step - 1) / step);
  };
  return std::max<std::ptrdiff_t>(0, before(last) - before(first));
}

// For each window, the number of elements of the kernel divided by the number of those that the average includes.
template <class T>
Var<T> shares_of_windows(const Call<T>& c, const Windows& w, bool ceil_mode, bool count_padding) {
  Shape shape;
  for (std::size_t i = 0; i < w.axes(); ++i) shape.push_back(static_cast<std::size_t>(w.count(i, ceil_mode)));
  Tensor<T> shares = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (std::size_t k = 0; k < shape.elements(); ++k) {
    const Shape window = unravel(k, shape);
    double included = 1;
    for (std::size_t i = 0; i < w.axes(); ++i) {
      const std::ptrdiff_t first = count_padding ? 0 : w.before[i];
      const std::ptrdiff_t last = w.before[i] + w.input[i] + (count_padding ? w.after[i] : 0);
      included *= static_cast<double>(elements_within(w, i, static_cast<std::ptrdiff_t>(window[i]), first, last));
    }
    shares.data()[k] = static_cast<T>(kernel_elements(w) / std::max(included, 1.0));
  }
  return c.tape.constant(std::move(shares), c.where);
}

template <class T>
Outputs<T> average_pool_of(const Call<T>& c) {
  const Windows w = pooling_windows(c);
  const bool ceil_mode = c.integer("ceil_mode", 0) != 0, count_padding = c.integer("count_include_pad", 0) != 0;
  require_windows(c, w, ceil_mode);
  if (pooled_directly(w) && w.dense())
    return for_axes(c, w.axes(), [&](auto axes) -> Var<T> {
      constexpr std::size_t n = axes();
      const AvgPoolOptions<n> options{.stride = PerAxis<n>(w.stride),
                                      .padding = PerAxis<n>(w.before),
                                      .ceil_mode = ceil_mode,
                                      .count_include_pad = count_padding};
      return avg_pool<T, n>(c.x(0), PerAxis<n>(w.kernel), options, c.where);
    });
  const Var<T> means = window_means(c, padded(c, c.x(0), w.filled(ceil_mode), 0), w);
  return at(c, means) * shares_of_windows(c, w, ceil_mode, count_padding);
}

template <class T>
Outputs<T> lp_pool_of(const Call<T>& c) {
  const Windows w = pooling_windows(c);
  const bool ceil_mode = c.integer("ceil_mode", 0) != 0;
  const double p = static_cast<double>(c.integer("p", 2));
  require_windows(c, w, ceil_mode);
  const Var<T> powers = pow(abs(operand(c, 0)), at(c, p));
  const Var<T> means = window_means(c, padded(c, powers, w.filled(ceil_mode), 0), w);
  const Var<T> sums = multiply(at(c, means), at(c, kernel_elements(w)));
  // The root has no finite gradient at 0, so zeros take part in it as ones.
  const Var<T> zero = equal(at(c, sums), 0);
  const Var<T> roots = pow(at(c, wengert::where(zero, 1, sums)), at(c, 1 / p));
  return wengert::where(at(c, zero), 0, roots);
}

// ---- over all positions

template <class T>
Axes spatial_axes(const Call<T>& c) {
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t i = 0; i < spatial_axes_of(c); ++i) axes.push_back(static_cast<std::ptrdiff_t>(i + 2));
  return Axes(axes, c.where);
}

template <class T>
Outputs<T> global_average_pool_of(const Call<T>& c) {
  return mean(c.x(0), spatial_axes(c), KeepDims::yes, c.where);
}

template <class T>
Outputs<T> global_max_pool_of(const Call<T>& c) {
  return amax(c.x(0), spatial_axes(c), KeepDims::yes, c.where);
}

template <class T>
Outputs<T> global_lp_pool_of(const Call<T>& c) {
  return norm(c.x(0), static_cast<double>(c.integer("p", 2)), spatial_axes(c), KeepDims::yes, c.where);
}

}  // namespace

template <class T>
std::span<const Entry<T>> pooling_entries() {
  static constexpr Entry<T> entries[] = {
      {"AveragePool", average_pool_of<T>},
      {"GlobalAveragePool", global_average_pool_of<T>},
      {"GlobalLpPool", global_lp_pool_of<T>},
      {"GlobalMaxPool", global_max_pool_of<T>},
      {"LpPool", lp_pool_of<T>},
      {"MaxPool", max_pool_of<T>},
      {"MaxUnpool", max_unpool_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> pooling_entries<float>();
template std::span<const Entry<double>> pooling_entries<double>();

}  // namespace wengert::onnx::detail
