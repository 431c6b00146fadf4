// ONNX's GridSample and RoiAlign: interpolation at given points of images.
#include "onnx/interpolation.hpp"
#include "onnx/limits.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace wengert::onnx::detail {
namespace {

// ---- GridSample

struct GridOptions {
  std::string mode, padding;
  bool align_corners = false;
};

// For each point, the elements along one axis that it is interpolated from: their positions and their weights.
template <class T>
struct GridTap {
  Var<T> position, weight;  // an empty weight stands for 1
};

template <class T>
Var<T> affine(const Call<T>& c, Var<T> x, double factor, double summand) {
  return add(at(c, multiply(at(c, x), at(c, factor))), at(c, summand));
}

// Positions mirrored at the ends of the axis until they lie within: a triangular wave.
template <class T>
Var<T> reflected(const Call<T>& c, Var<T> position, double extent, bool align_corners) {
  const double low = align_corners ? 0 : -0.5, length = align_corners ? extent - 1 : extent;
  if (length == 0) return multiply(at(c, position), at(c, 0.0));
  const Var<T> distance = abs(at(c, affine(c, position, 1, -low)));
  const Var<T> phase = fmod(at(c, distance), at(c, 2 * length));
  const Var<T> wave = affine(c, abs(at(c, affine(c, phase, 1, -length))), -1, length + low);
  return clip(at(c, wave), 0, extent - 1);
}

// A tap at `position`, which may lie outside of the axis.
template <class T>
GridTap<T> grid_tap(const Call<T>& c, Var<T> position, Var<T> weight, double extent, const GridOptions& options) {
  if (options.padding == "reflection") position = reflected(c, position, extent, options.align_corners);
  const Var<T> within = clip(at(c, position), 0, extent - 1);
  if (options.padding != "zeros") return {within, weight};
  const Var<T> inside = equal(at(c, within), at(c, position));
  return {within, weight.empty() ? inside : at(c, weight) * inside};
}

// The taps along an axis for coordinates from −1 to 1.
template <class T>
std::vector<GridTap<T>> grid_taps(const Call<T>& c, Var<T> coordinate, double extent, const GridOptions& options) {
  const double half = (options.align_corners ? extent - 1 : extent) / 2;
  Var<T> source = affine(c, coordinate, half, (extent - 1) / 2);
  const auto tap = [&](Var<T> position, Var<T> weight) { return grid_tap(c, position, weight, extent, options); };
  if (options.mode != "bicubic") {
    if (options.padding == "border") source = clip(at(c, source), 0, extent - 1);
    if (options.padding == "reflection") source = reflected(c, source, extent, options.align_corners);
  }
  if (options.mode == "nearest") return {tap(round(at(c, source)), Var<T>())};
  const Var<T> first = floor(at(c, source)), t = at(c, source) - first;
  if (options.mode == "bilinear") return {tap(first, affine(c, t, -1, 1)), tap(affine(c, first, 1, 1), t)};
  // The weights of cubic convolution: polynomials of the distance between point and element.
  constexpr double a = -0.75;
  const auto near = [&](Var<T> d) {
    return affine(c, multiply(at(c, affine(c, d, a + 2, -(a + 3))), at(c, square(at(c, d)))), 1, 1);
  };
  const auto far = [&](Var<T> d) {
    const Var<T> inner = affine(c, multiply(at(c, affine(c, d, a, -5 * a)), at(c, d)), 1, 8 * a);
    return affine(c, multiply(at(c, inner), at(c, d)), 1, -4 * a);
  };
  return {tap(affine(c, first, 1, -1), far(affine(c, t, 1, 1))), tap(first, near(t)),
          tap(affine(c, first, 1, 1), near(affine(c, t, -1, 1))),
          tap(affine(c, first, 1, 2), far(affine(c, t, -1, 2)))};
}

template <class T>
GridOptions grid_options_of(const Call<T>& c) {
  GridOptions options{c.text("mode", "bilinear"), c.text("padding_mode", "zeros"), c.integer("align_corners", 0) != 0};
  // Opset 20 has new names for two modes.
  if (options.mode == "linear") options.mode = "bilinear";
  if (options.mode == "cubic") options.mode = "bicubic";
  if (options.mode != "bilinear" && options.mode != "nearest" && options.mode != "bicubic")
    c.fail("attribute mode = '" + options.mode + "': expected bilinear, nearest or bicubic");
  if (options.padding != "zeros" && options.padding != "border" && options.padding != "reflection")
    c.fail("attribute padding_mode = '" + options.padding + "': expected zeros, border or reflection");
  return options;
}

template <class T>
Outputs<T> grid_sample_of(const Call<T>& c) {
  const Shape shape = c.shape(0), grid = c.shape(1);
  if (shape.rank() != 4 || grid.rank() != 4 || grid[3] != 2 || grid[0] != shape[0])
    c.fail("an input of shape " + to_string(shape) + " and a grid of shape " + to_string(grid) +
           ": expected (N, C, H, W) and (N, H', W', 2)");
  if (shape[2] == 0 || shape[3] == 0) c.fail("an input of shape " + to_string(shape) + ": expected images");
  const GridOptions options = grid_options_of(c);
  const std::size_t points = grid[1] * grid[2];
  const Var<T> coordinates = reshape(c.x(1), Shape{grid[0], 1, points, 2}, c.where);
  const auto taps_along = [&](std::ptrdiff_t column, std::size_t extent) {
    return grid_taps(c, slice(coordinates, 3, column, c.where), static_cast<double>(extent), options);
  };
  const std::vector<GridTap<T>> columns = taps_along(0, shape[3]), rows = taps_along(1, shape[2]);
  const Var<T> pixels = reshape(c.x(0), Shape{shape[0], shape[1], shape[2] * shape[3]}, c.where);
  Var<T> y;
  for (const GridTap<T>& row : rows)
    for (const GridTap<T>& column : columns) {
      const Var<T> start = multiply(at(c, row.position), at(c, static_cast<double>(shape[3])));
      const IndexVar<T> position = to_indices(at(c, start) + column.position, c.where);
      Var<T> term = take_along_axis(pixels, position, 2, c.where);
      for (const Var<T>& weight : {row.weight, column.weight})
        if (!weight.empty()) term = at(c, term) * weight;
      y = y.empty() ? term : at(c, y) + term;
    }
  return reshape(y, Shape{shape[0], shape[1], grid[1], grid[2]}, c.where);
}

// ---- RoiAlign

struct RoiOptions {
  std::size_t height = 1, width = 1;  // of the result
  std::size_t samples = 0;            // along each axis of a bin; 0: as many as the bin has pixels
  double scale = 1, shift = 0;        // from the coordinates of a region to those of pixels
  bool largest = false;               // the largest sample of a bin, not the mean
};

// The samples along one axis of a region: rows of weights of `pixels` pixels from `first` on.
template <class T>
struct RoiAxis {
  std::size_t first = 0, pixels = 1;
  std::size_t samples = 0;  // of each bin
  Tensor<T> weights;        // (bins, pixels) for the mean of a bin, otherwise (bins · samples, pixels)
};

struct RoiSample {
  std::size_t low, high;
  double low_weight, high_weight;
};

// A sample more than one pixel outside is 0; nearer ones are those at the edge.
RoiSample roi_sample(double position, std::size_t extent) {
  const auto last = static_cast<double>(extent - 1);
  if (!(position >= -1 && position <= last + 1)) return {0, 0, 0, 0};
  const double clamped = std::clamp(position, 0.0, last), low = std::floor(clamped), t = clamped - low;
  const auto pixel = static_cast<std::size_t>(low);
  return {pixel, std::min(pixel + 1, extent - 1), 1 - t, t};
}

template <class T>
RoiAxis<T> roi_axis(const Call<T>& c, double begin, double end, std::size_t bins, std::size_t extent,
                    const RoiOptions& options) {
  const double start = begin * options.scale - options.shift;
  double length = (end - begin) * options.scale;
  if (options.shift == 0) length = std::max(length, 1.0);
  const double bin = length / static_cast<double>(bins);
  RoiAxis<T> axis;
  axis.samples = options.samples != 0 ? options.samples : static_cast<std::size_t>(std::max(0.0, std::ceil(bin)));
  require_elements(c, {bins, axis.samples, sizeof(RoiSample) / sizeof(double)}, most_known_elements);
  std::vector<RoiSample> samples;
  std::size_t lowest = extent - 1, highest = 0;
  for (std::size_t i = 0; i < bins * axis.samples; ++i) {
    const double in_bin = (static_cast<double>(i % axis.samples) + 0.5) / static_cast<double>(axis.samples);
    samples.push_back(roi_sample(start + (static_cast<double>(i / axis.samples) + in_bin) * bin, extent));
    if (samples.back().low_weight == 0 && samples.back().high_weight == 0) continue;
    lowest = std::min(lowest, samples.back().low);
    highest = std::max(highest, samples.back().high);
  }
  axis.first = std::min(lowest, highest);
  axis.pixels = highest - axis.first + 1;
  const std::size_t per_row = options.largest ? 1 : std::max<std::size_t>(1, axis.samples);
  require_elements(c, {samples.size() / per_row, axis.pixels}, most_known_elements);
  axis.weights = Tensor<T>::from_shape({samples.size() / per_row, axis.pixels});
  axis.weights.fill(T(0));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const RoiSample& sample = samples[i];
    if (sample.low_weight == 0 && sample.high_weight == 0) continue;
    const auto share = static_cast<double>(per_row);
    axis.weights(i / per_row, sample.low - axis.first) += static_cast<T>(sample.low_weight / share);
    axis.weights(i / per_row, sample.high - axis.first) += static_cast<T>(sample.high_weight / share);
  }
  return axis;
}

// One region of x, (C, height, width). Interpolation is a matrix product along each axis.
template <class T>
Var<T> roi_of(const Call<T>& c, Var<T> x, std::ptrdiff_t image, std::span<const double> corners,
              const RoiOptions& options) {
  const Shape shape = x.shape(c.where);
  for (const double corner : corners)
    if (!(std::fabs(corner * options.scale) < 1e6))
      c.fail("a region with the coordinate " + std::to_string(corner) + ": expected pixels of the image");
  const RoiAxis<T> rows = roi_axis<T>(c, corners[1], corners[3], options.height, shape[2], options);
  const RoiAxis<T> columns = roi_axis<T>(c, corners[0], corners[2], options.width, shape[3], options);
  if (rows.samples == 0 || columns.samples == 0)
    return broadcast_to(c.constant(0), Shape{shape[1], options.height, options.width}, c.where);
  const auto range = [](const RoiAxis<T>& axis) {
    return Slice(static_cast<std::ptrdiff_t>(axis.first), static_cast<std::ptrdiff_t>(axis.first + axis.pixels));
  };
  const Var<T> pixels = slice(x, {Slice(image), Slice(xt::all()), range(rows), range(columns)}, c.where);
  const Var<T> down = c.tape.constant(rows.weights, c.where), across = c.tape.constant(columns.weights, c.where);
  const Var<T> samples = matmul(matmul(down, pixels, c.where), transpose(across, {}, c.where), c.where);
  if (!options.largest) return samples;
  const Shape bins{shape[1], options.height, rows.samples, options.width, columns.samples};
  return amax(reshape(samples, bins, c.where), {2, 4}, KeepDims::no, c.where);
}

template <class T>
RoiOptions roi_options_of(const Call<T>& c) {
  const std::int64_t height = c.integer("output_height", 1), width = c.integer("output_width", 1);
  const std::int64_t samples = c.integer("sampling_ratio", 0);
  if (height < 1 || width < 1 || samples < 0)
    c.fail("attributes output_height = " + std::to_string(height) + ", output_width = " + std::to_string(width) +
           " and sampling_ratio = " + std::to_string(samples) + ": expected at least 1, 1 and 0");
  const std::string mode = c.text("mode", "avg");
  if (mode != "avg" && mode != "max") c.fail("attribute mode = '" + mode + "': expected avg or max");
  const std::string coordinates =
      c.text("coordinate_transformation_mode", c.opset() < 16 ? "output_half_pixel" : "half_pixel");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    c.fail("attribute coordinate_transformation_mode = '" + coordinates +
           "': expected half_pixel or output_half_pixel");
  return {static_cast<std::size_t>(height), static_cast<std::size_t>(width),         static_cast<std::size_t>(samples),
          c.number("spatial_scale", 1),     coordinates == "half_pixel" ? 0.5 : 0.0, mode == "max"};
}

// Regions are read while the node is recorded: the number of samples depends on them.
template <class T>
Outputs<T> roi_align_of(const Call<T>& c) {
  const RoiOptions options = roi_options_of(c);
  const Shape shape = c.shape(0), rois = c.shape(1);
  if (shape.rank() != 4 || shape[2] == 0 || shape[3] == 0 || rois.rank() != 2 || rois[1] != 4 ||
      c.shape(2) != Shape{rois[0]})
    c.fail("inputs of shapes " + to_string(shape) + ", " + to_string(rois) + " and " + to_string(c.shape(2)) +
           ": expected images (N, C, H, W), regions (R, 4) and indices (R,)");
  require_elements(c, {rois[0], shape[1], options.height, options.width}, most_elements_of(c));
  const std::vector<double> corners = c.numbers(1);
  const std::vector<std::ptrdiff_t> images = c.integers(2);
  const Var<T> x = c.x(0);
  if (images.empty()) return broadcast_to(c.constant(0), Shape{0, shape[1], options.height, options.width}, c.where);
  std::vector<Var<T>> regions;
  for (std::size_t i = 0; i < images.size(); ++i)
    regions.push_back(roi_of(c, x, images[i], std::span(corners).subspan(4 * i, 4), options));
  return stack(regions, 0, c.where);
}

}  // namespace

template <class T>
std::span<const Entry<T>> sampling_entries() {
  static constexpr Entry<T> entries[] = {
      {"GridSample", grid_sample_of<T>},
      {"RoiAlign", roi_align_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> sampling_entries<float>();
template std::span<const Entry<double>> sampling_entries<double>();

}  // namespace wengert::onnx::detail
