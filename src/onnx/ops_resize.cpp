// ONNX's Resize and Upsample: interpolation along one axis after the other.
#include "onnx/interpolation.hpp"
#include "onnx/limits.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::onnx::detail {
namespace {

template <class T>
std::string one_of(const Call<T>& c, std::string_view attribute, std::string_view otherwise,
                   std::initializer_list<std::string_view> allowed) {
  std::string given = c.text(attribute, otherwise);
  if (std::find(allowed.begin(), allowed.end(), given) != allowed.end()) return given;
  std::string list;
  for (const std::string_view name : allowed) list += (list.empty() ? "" : ", ") + std::string(name);
  c.fail("attribute " + std::string(attribute) + " = '" + given + "': expected one of " + list);
}

// Numbers as a constant that broadcasts along `axis` of a tensor of this rank.
template <class T, class Numbers>
Var<T> along(const Call<T>& c, const Numbers& numbers, std::size_t axis, std::size_t rank) {
  Shape shape;
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(i == axis ? numbers.size() : 1);
  Tensor<T> tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  std::transform(numbers.begin(), numbers.end(), tensor.begin(), [](auto number) { return static_cast<T>(number); });
  return c.tape.constant(std::move(tensor), c.where);
}

template <class T>
Var<T> interpolated(const Call<T>& c, Var<T> x, std::size_t axis, const Taps& taps, double extrapolation) {
  const std::size_t rank = x.rank(c.where);
  if (taps.identity(x.shape(c.where)[axis])) return x;
  Var<T> y;
  for (std::size_t k = 0; k < taps.positions.size(); ++k) {
    Var<T> term = take(x, taps.positions[k], static_cast<std::ptrdiff_t>(axis), c.where);
    const std::vector<double>& weights = taps.weights[k];
    if (std::any_of(weights.begin(), weights.end(), [](double w) { return w != 1; }))
      term = at(c, term) * along(c, weights, axis, rank);
    y = y.empty() ? term : at(c, y) + term;
  }
  if (std::find(taps.outside.begin(), taps.outside.end(), true) == taps.outside.end()) return y;
  return wengert::where(at(c, along(c, taps.outside, axis, rank)), extrapolation, y);
}

template <class T>
Var<T> resized(const Call<T>& c, const std::vector<ResizedAxis>& axes, const Interpolation& interpolation,
               double extrapolation) {
  Var<T> x = c.x(0);
  std::vector<std::size_t> extents;
  for (const ResizedAxis& axis : axes) {
    require_elements(c, {axis.output}, most_known_elements);
    extents.push_back(std::max(axis.input, axis.output));
  }
  require_elements(c, extents);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis].input == 0 && axes[axis].output == 0) continue;
    if (axes[axis].input == 0 || axes[axis].output == 0)
      c.fail("an axis of extent " + std::to_string(axes[axis].input) + " resized to " +
             std::to_string(axes[axis].output) + ": expected at least 1");
    x = interpolated(c, x, axis, taps_of(axes[axis], interpolation), extrapolation);
  }
  return x;
}

// ---- extents

constexpr double largest_extent = 1e9;

// The extent of an axis of this width, rounded down.
template <class T>
std::size_t extent_of(const Call<T>& c, double width) {
  if (!(width <= largest_extent))
    c.fail("an axis resized to " + std::to_string(width) + " elements: expected at most 1000000000");
  return static_cast<std::size_t>(std::max(0.0, std::floor(width)));
}

// An axis for a scale of which the file holds the nearest float: where that is a rounded fraction of the extents, the
// fraction is meant.
template <class T>
void set_scale(const Call<T>& c, ResizedAxis& axis, double scale) {
  axis.scale = static_cast<float>(scale);
  axis.width = static_cast<double>(axis.input) * (axis.end - axis.start) * scale;
  const double rounded = std::round(axis.width);
  if (std::fabs(axis.width - rounded) <= rounded * 0x1p-22) axis.width = rounded;
  axis.output = extent_of(c, axis.width);
}

void set_extent(ResizedAxis& axis, std::ptrdiff_t extent) {
  axis.output = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, extent));
  axis.width = static_cast<double>(axis.output);
}

template <class T>
std::vector<ResizedAxis> unchanged(const Call<T>& c) {
  std::vector<ResizedAxis> axes;
  for (const std::size_t extent : c.shape(0)) axes.push_back({extent, extent, static_cast<double>(extent)});
  return axes;
}

template <class T>
void require_count(const Call<T>& c, std::string_view what, std::size_t given, std::size_t expected) {
  if (given != expected)
    c.fail(std::string(what) + " with " + std::to_string(given) + " numbers: expected " + std::to_string(expected));
}

template <class T>
void require_scale(const Call<T>& c, double scale) {
  if (!(scale > 0 && scale < 1e6))
    c.fail("the scale " + std::to_string(scale) + ": expected a number above 0 and below 1000000");
}

template <class T>
std::vector<ResizedAxis> scaled_axes(const Call<T>& c, const std::vector<double>& scales) {
  std::vector<ResizedAxis> axes = unchanged(c);
  require_count(c, "scales", scales.size(), axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    require_scale(c, scales[i]);
    if (scales[i] != 1) set_scale(c, axes[i], scales[i]);
  }
  return axes;
}

// The sizes that keep the aspect ratio, by the smallest or the largest scale.
template <class T>
void set_sizes(const Call<T>& c, std::vector<ResizedAxis>& axes, const std::vector<std::size_t>& named,
               const std::vector<std::ptrdiff_t>& sizes) {
  const std::string policy = one_of(c, "keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"});
  std::vector<double> scales;
  for (std::size_t i = 0; i < named.size(); ++i)
    scales.push_back(static_cast<double>(sizes[i]) / std::max(1.0, static_cast<double>(axes[named[i]].input)));
  for (std::size_t i = 0; i < named.size(); ++i) {
    ResizedAxis& axis = axes[named[i]];
    if (policy == "stretch") {
      set_extent(axis, sizes[i]);
      continue;
    }
    const auto [smallest, largest] = std::minmax_element(scales.begin(), scales.end());
    axis.width = static_cast<double>(axis.input) * (policy == "not_larger" ? *smallest : *largest);
    axis.output = extent_of(c, axis.width + 0.5);
  }
}

// The operands of opset 11 and later: x, roi, scales, sizes, of which one of the last two has elements.
template <class T>
std::vector<ResizedAxis> resized_axes(const Call<T>& c) {
  std::vector<ResizedAxis> axes = unchanged(c);
  std::vector<std::size_t> named;
  for (const std::ptrdiff_t axis : c.integers("axes")) named.push_back(c.axis(axis, axes.size()));
  if (named.empty())
    for (std::size_t axis = 0; axis < axes.size(); ++axis) named.push_back(axis);
  if (c.text("coordinate_transformation_mode", "") == "tf_crop_and_resize") {
    const std::vector<double> roi = c.numbers(1);
    require_count(c, "roi", roi.size(), 2 * named.size());
    for (std::size_t i = 0; i < named.size(); ++i) {
      axes[named[i]].start = roi[i];
      axes[named[i]].end = roi[named.size() + i];
    }
  }
  const bool has_sizes = c.has(3) && c.shape(3).elements() != 0;
  if (has_sizes) {
    const std::vector<std::ptrdiff_t> sizes = c.integers(3);
    require_count(c, "sizes", sizes.size(), named.size());
    for (const std::ptrdiff_t size : sizes)
      if (size < 0 || size > 1'000'000'000)
        c.fail("the size " + std::to_string(size) + ": expected an extent, at most 1000000000");
    set_sizes(c, axes, named, sizes);
    return axes;
  }
  const std::vector<double> scales = c.numbers(2);
  require_count(c, "scales", scales.size(), named.size());
  for (std::size_t i = 0; i < named.size(); ++i) {
    require_scale(c, scales[i]);
    set_scale(c, axes[named[i]], scales[i]);
  }
  return axes;
}

// ---- ops

template <class T>
Interpolation early_interpolation(const Call<T>& c) {
  return {.mode = one_of(c, "mode", "nearest", {"nearest", "linear"}),
          .nearest_mode = c.node.op == "Resize" ? "simple" : "floor",
          .coordinate_mode = "asymmetric"};
}

template <class T>
Outputs<T> upsample_of(const Call<T>& c) {
  const std::vector<double> scales = c.has(1) ? c.numbers(1) : c.numbers("scales");
  return resized(c, scaled_axes(c, scales), early_interpolation(c), 0);
}

template <class T>
Outputs<T> resize_of(const Call<T>& c) {
  if (c.opset() < 11) return resized(c, scaled_axes(c, c.numbers(1)), early_interpolation(c), 0);
  if (c.integer("antialias", 0) != 0) c.fail("attribute antialias = 1: expected 0");
  const Interpolation interpolation{
      .mode = one_of(c, "mode", "nearest", {"nearest", "linear", "cubic"}),
      .nearest_mode =
          one_of(c, "nearest_mode", "round_prefer_floor", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}),
      .coordinate_mode = one_of(c, "coordinate_transformation_mode", "half_pixel",
                                {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                 "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"}),
      .cubic_a = c.number("cubic_coeff_a", -0.75),
      .exclude_outside = c.integer("exclude_outside", 0) != 0};
  return resized(c, resized_axes(c), interpolation, c.number("extrapolation_value", 0));
}

}  // namespace

template <class T>
std::span<const Entry<T>> resize_entries() {
  static constexpr Entry<T> entries[] = {
      {"Resize", resize_of<T>},
      {"Upsample", upsample_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> resize_entries<float>();
template std::span<const Entry<double>> resize_entries<double>();

}  // namespace wengert::onnx::detail
