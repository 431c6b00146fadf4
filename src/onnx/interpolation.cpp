// Interpolation along one axis, with ONNX's conventions for coordinates and rounding.
#include "onnx/interpolation.hpp"

#include <algorithm>
#include <cmath>

namespace wengert::onnx::detail {
namespace {

// Where element i of the result lies in the input.
double source_of(const ResizedAxis& axis, const std::string& mode, std::size_t i) {
  const auto place = static_cast<double>(i), input = static_cast<double>(axis.input);
  const auto output = static_cast<double>(axis.output);
  const double last = input - 1;
  if (mode == "asymmetric") return place * input / axis.width;
  if (mode == "tf_half_pixel_for_nn") return (place + 0.5) * input / axis.width;
  if (mode == "align_corners") return axis.output == 1 ? 0 : place * last / (axis.width - 1);
  if (mode == "tf_crop_and_resize")
    return axis.output == 1 ? (axis.start + axis.end) / 2 * last
                            : axis.start * last + place * (axis.end - axis.start) * last / (axis.width - 1);
  if (mode == "pytorch_half_pixel" && axis.output == 1) return 0;
  const double half_pixel = (place + 0.5) * input / axis.width - 0.5;
  return mode == "half_pixel_symmetric" ? half_pixel + input / 2 * (1 - output / axis.width) : half_pixel;
}

// The same in the arithmetic of ONNX Runtime, for a scale that is a float. Whether a source that should lie between two
// elements is rounded up or down depends on it.
double source_as_float(const ResizedAxis& axis, const std::string& mode, std::size_t i) {
  const auto place = static_cast<float>(i);
  if (mode == "asymmetric") return place / axis.scale;
  if (mode == "tf_half_pixel_for_nn") return (place + 0.5F) / axis.scale;
  if (mode == "half_pixel" || (mode == "pytorch_half_pixel" && axis.output > 1))
    return (place + 0.5F) / axis.scale - 0.5F;
  return source_of(axis, mode, i);
}

double nearest_to(double source, const std::string& mode, bool smaller) {
  if (mode == "round_prefer_floor") return std::ceil(source - 0.5);
  if (mode == "round_prefer_ceil") return std::floor(source + 0.5);
  if (mode == "ceil" || (mode == "simple" && smaller)) return std::ceil(source);
  return std::floor(source);
}

}  // namespace

std::vector<double> cubic_weights(double t, double a) {
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

bool Taps::identity(std::size_t extent) const {
  if (positions.size() != 1 || positions[0].size() != extent) return false;
  for (std::size_t i = 0; i < extent; ++i)
    if (positions[0][i] != static_cast<std::int64_t>(i) || weights[0][i] != 1 || outside[i]) return false;
  return true;
}

Taps taps_of(const ResizedAxis& axis, const Interpolation& interpolation) {
  const std::size_t count = interpolation.mode == "nearest" ? 1 : interpolation.mode == "linear" ? 2 : 4;
  const double last = static_cast<double>(axis.input) - 1;
  Taps taps{std::vector(count, std::vector<std::int64_t>(axis.output)),
            std::vector(count, std::vector<double>(axis.output)), std::vector<bool>(axis.output)};
  std::vector<bool> used(count, false);
  for (std::size_t i = 0; i < axis.output; ++i) {
    const double source = count == 1 && axis.scale != 0 ? source_as_float(axis, interpolation.coordinate_mode, i)
                                                        : source_of(axis, interpolation.coordinate_mode, i);
    taps.outside[i] = interpolation.coordinate_mode == "tf_crop_and_resize" && !(source >= 0 && source <= last);
    double first = std::floor(source);
    const double t = source - first;
    std::vector<double> weights{1};
    if (count == 1) first = nearest_to(source, interpolation.nearest_mode, axis.output < axis.input);
    if (count == 2) weights = {1 - t, t};
    if (count == 4) {
      weights = cubic_weights(t, interpolation.cubic_a);
      first -= 1;
    }
    double total = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double position = first + static_cast<double>(k);
      if (interpolation.exclude_outside && count > 1 && (position < 0 || position > last)) weights[k] = 0;
      total += weights[k];
      taps.positions[k][i] = static_cast<std::int64_t>(std::clamp(position, 0.0, last));
    }
    for (std::size_t k = 0; k < count; ++k) {
      taps.weights[k][i] = interpolation.exclude_outside && total != 0 ? weights[k] / total : weights[k];
      used[k] = used[k] || taps.weights[k][i] != 0;
    }
  }
  for (std::size_t k = count; k-- > 1;)
    if (!used[k]) {
      taps.positions.erase(taps.positions.begin() + static_cast<std::ptrdiff_t>(k));
      taps.weights.erase(taps.weights.begin() + static_cast<std::ptrdiff_t>(k));
    }
  return taps;
}

}  // namespace wengert::onnx::detail
