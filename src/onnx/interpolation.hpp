// Interpolation along one axis: where the elements of a resized axis lie, and what they are computed from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wengert::onnx::detail {

/// How Resize maps an axis of extent `input` to one of extent `output`, by ONNX's names.
struct ResizedAxis {
  std::size_t input = 1, output = 1;
  double width = 1;           ///< the exact extent of the result, input · scale, before it is rounded down
  double start = 0, end = 1;  ///< the region of interest
  float scale = 0;            ///< the scale as the file holds it; 0 if the extents are given
};

/// How elements are interpolated, by ONNX's names.
struct Interpolation {
  std::string mode;             ///< nearest, linear or cubic
  std::string nearest_mode;     ///< round_prefer_floor, round_prefer_ceil, floor, ceil, or simple (opsets below 11)
  std::string coordinate_mode;  ///< half_pixel …
  double cubic_a = -0.75;
  bool exclude_outside = false;
};

/// Each element of a resized axis as a sum over taps: element i is Σ weights[k][i] · x[positions[k][i]].
struct Taps {
  std::vector<std::vector<std::int64_t>> positions;
  std::vector<std::vector<double>> weights;
  std::vector<bool> outside;  ///< whether element i lies outside the input and is extrapolated

  /// Whether the result is the input.
  bool identity(std::size_t extent) const;
};

/// The taps of an axis. The modes must be valid.
Taps taps_of(const ResizedAxis& axis, const Interpolation& interpolation);

/// The weights of cubic convolution for the elements −1, 0, 1, 2 around a point at `t` in [0, 1] (Keys 1981).
std::vector<double> cubic_weights(double t, double a);

}  // namespace wengert::onnx::detail
