// ONNX's ops that give elements another shape, order or extent.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include "onnx/limits.hpp"
#include <wengert/ops/join.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

template <class T>
Outputs<T> concat_of(const Call<T>& c) {
  if (!c.has("axis")) c.fail("the attribute 'axis' is missing");
  const auto axis = static_cast<std::ptrdiff_t>(c.integer("axis", 0));
  return moved(c, c.size(), [&](const auto& parts) { return concatenate(parts, axis, c.where); });
}

// The axes given by input 1, or, in older opsets, by an attribute; none if neither is there.
template <class T>
std::vector<std::ptrdiff_t> axes_of(const Call<T>& c) {
  return c.has(1) ? c.integers(1) : c.integers("axes");
}

template <class T>
Outputs<T> squeeze_of(const Call<T>& c) {
  const auto axes = axes_of(c);
  return moved(c, 1,
               [&](const auto& x) { return squeeze(x[0], axes.empty() ? Axes() : Axes(axes, c.where), c.where); });
}
template <class T>
Outputs<T> unsqueeze_of(const Call<T>& c) {
  const auto axes = axes_of(c);
  return moved(c, 1, [&](const auto& x) { return expand_dims(x[0], Axes(axes, c.where), c.where); });
}

template <class T>
Outputs<T> reshape_of(const Call<T>& c) {
  auto extents = c.has(1) ? c.integers(1) : c.integers("shape");
  const Shape from = c.shape(0);
  if (c.integer("allowzero", 0) == 0)
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      if (extents[axis] != 0) continue;
      if (axis >= from.rank())
        c.fail(
            fmt::format("extent 0 of axis {} stands for that of the input, which has shape {}; set allowzero for an "
                        "empty axis",
                        axis, to_string(from)));
      extents[axis] = static_cast<std::ptrdiff_t>(from[axis]);
    }
  return moved(c, 1, [&](const auto& x) { return reshape(x[0], NewShape(extents, c.where), c.where); });
}

template <class T>
Outputs<T> flatten_of(const Call<T>& c) {
  const Shape from = c.shape(0);
  const auto rank = static_cast<std::int64_t>(from.rank());
  const std::int64_t given = c.integer("axis", 1);
  if (given < -rank || given > rank)
    c.fail(fmt::format("axis {} is out of range for shape {}", given, to_string(from)));
  Shape to{1, 1};
  for (std::int64_t axis = 0; axis < rank; ++axis)
    to[axis < (given < 0 ? given + rank : given) ? 0 : 1] *= from[static_cast<std::size_t>(axis)];
  return moved(c, 1, [&](const auto& x) { return reshape(x[0], to, c.where); });
}

template <class T>
Outputs<T> transpose_of(const Call<T>& c) {
  const Axes order = c.has("perm") ? Axes(c.integers("perm"), c.where) : Axes();
  return moved(c, 1, [&](const auto& x) { return transpose(x[0], order, c.where); });
}

// The four extents of pictures, whose depth or area a block divides.
template <class T>
Shape pictures_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  if (shape.rank() != 4) c.fail(fmt::format("shape {}: expected four axes, N×C×H×W", to_string(shape)));
  return shape;
}

// The extent of a block, whose area fits in 32 bits.
template <class T>
std::size_t block_of(const Call<T>& c) {
  constexpr std::int64_t most = 32768;
  if (!c.has("blocksize")) c.fail("the attribute 'blocksize' is missing");
  const std::int64_t block = c.integer("blocksize", 0);
  if (block < 1 || block > most) c.fail(fmt::format("blocksize {}: expected 1 to {}", block, most));
  return static_cast<std::size_t>(block);
}

template <class T>
Outputs<T> depth_to_space_of(const Call<T>& c) {
  const auto [n, depth, h, w] = [&] {
    const Shape s = pictures_of(c);
    return std::array{s[0], s[1], s[2], s[3]};
  }();
  const std::size_t b = block_of(c);
  const std::string mode = c.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") c.fail(fmt::format("mode '{}': expected 'DCR' or 'CRD'", mode));
  if (depth % (b * b) != 0) c.fail(fmt::format("{} channels are not divisible by the block's area {}", depth, b * b));
  const std::size_t channels = depth / (b * b);
  const Var<T> parts =
      mode == "DCR" ? transpose(reshape(c.x(0), {n, b, b, channels, h, w}, c.where), {0, 3, 4, 1, 5, 2}, c.where)
                    : transpose(reshape(c.x(0), {n, channels, b, b, h, w}, c.where), {0, 1, 4, 2, 5, 3}, c.where);
  return reshape(parts, {n, channels, h * b, w * b}, c.where);
}

template <class T>
Outputs<T> space_to_depth_of(const Call<T>& c) {
  const Shape s = pictures_of(c);
  const std::size_t b = block_of(c);
  if (s[2] % b != 0 || s[3] % b != 0)
    c.fail(fmt::format("shape {}: height and width are not divisible by blocksize {}", to_string(s), b));
  const std::size_t h = s[2] / b, w = s[3] / b;
  const Var<T> parts = transpose(reshape(c.x(0), {s[0], s[1], h, b, w, b}, c.where), {0, 3, 5, 1, 2, 4}, c.where);
  return reshape(parts, {s[0], s[1] * b * b, h, w}, c.where);
}

template <class T>
Outputs<T> expand_of(const Call<T>& c) {
  const Shape asked = requested_shape(c, c.integers(1));
  const auto shape = broadcast_shapes(c.shape(0), asked);
  if (!shape) c.fail(fmt::format("shape {} does not broadcast with {}", to_string(c.shape(0)), to_string(asked)));
  require_elements(c, *shape);
  return moved(c, 1, [&](const auto& x) { return broadcast_to(x[0], *shape, c.where); });
}

template <class T>
Outputs<T> tile_of(const Call<T>& c) {
  const auto counts = c.integers(1);
  if (counts.size() != c.rank(0))
    c.fail(fmt::format("{} repeats for shape {}: expected one for each axis", counts.size(), to_string(c.shape(0))));
  std::vector<std::ptrdiff_t> factors(counts);
  for (const std::size_t extent : c.shape(0)) factors.push_back(static_cast<std::ptrdiff_t>(extent));
  require_elements(c, factors);
  return moved(c, 1, [&](const auto& x) { return tile(x[0], Integers(counts), c.where); });
}

template <class T>
Outputs<T> slice_of(const Call<T>& c) {
  const bool inputs = c.opset() >= 10;
  const auto starts = inputs ? c.integers(1) : c.integers("starts");
  const auto ends = inputs ? c.integers(2) : c.integers("ends");
  auto axes = !inputs ? c.integers("axes") : c.has(3) ? c.integers(3) : std::vector<std::ptrdiff_t>{};
  if (axes.empty())
    for (std::size_t axis = 0; axis < starts.size(); ++axis) axes.push_back(static_cast<std::ptrdiff_t>(axis));
  const auto steps = inputs && c.has(4) ? c.integers(4) : std::vector<std::ptrdiff_t>(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    c.fail(fmt::format("{} starts, {} ends, {} axes and {} steps: expected equal numbers", starts.size(), ends.size(),
                       axes.size(), steps.size()));
  std::vector<Slice> parts(c.rank(0), Slice(xt::all()));
  const Shape from = c.shape(0);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t axis = c.axis(axes[i], from.rank());
    // NumPy's rule gives no elements for a backward slice that starts before the first one; ONNX starts at the first.
    const std::ptrdiff_t first = -static_cast<std::ptrdiff_t>(from[axis]);
    parts[axis] = Slice(steps[i] < 0 ? std::max(starts[i], first) : starts[i], ends[i], steps[i]);
  }
  return moved(c, 1, [&](const auto& x) { return slice(x[0], parts, c.where); });
}

// The extents of n parts, all but the last of which are equal.
template <class T>
std::vector<std::ptrdiff_t> even_parts(const Call<T>& c, std::size_t extent, std::size_t n) {
  const std::size_t part = (extent + n - 1) / n;
  if (part * n != extent && c.opset() < 18)
    c.fail(fmt::format("an axis of {} elements cannot be split in {} equal parts; give the extents", extent, n));
  std::vector<std::ptrdiff_t> sizes;
  for (std::size_t i = 0, rest = extent; i < n; rest -= std::min(rest, part), ++i)
    sizes.push_back(static_cast<std::ptrdiff_t>(std::min(rest, part)));
  return sizes;
}

template <class T>
Outputs<T> split_of(const Call<T>& c) {
  const std::size_t axis = c.axis(static_cast<std::ptrdiff_t>(c.integer("axis", 0)), c.rank(0));
  auto sizes = c.has(1) ? c.integers(1) : c.integers("split");
  if (sizes.empty()) {
    const std::int64_t n = c.integer("num_outputs", static_cast<std::int64_t>(c.node.outputs.size()));
    if (n < 1 || static_cast<std::uint64_t>(n) != c.node.outputs.size())
      c.fail(fmt::format("num_outputs {} for {} outputs: expected equal numbers", n, c.node.outputs.size()));
    sizes = even_parts(c, c.shape(0)[axis], static_cast<std::size_t>(n));
  }
  const auto split = [&](const auto& x) {
    return split_with_sizes(x, Integers(sizes), static_cast<std::ptrdiff_t>(axis), c.where);
  };
  std::vector<Value<T>> parts;
  if (c.value(0).constant()) {
    for (std::size_t i = 0; i < sizes.size(); ++i)
      parts.push_back(moved(c, 1, [&](const auto& x) { return split(x[0])[i]; }));
    return parts;
  }
  for (const Var<T>& part : split(c.x(0))) parts.emplace_back(part, c.type(0));
  return parts;
}

// Elements to add before and after each axis; negative numbers remove elements.
struct SignedWidths {
  std::vector<std::ptrdiff_t> before, after;
};

template <class T>
SignedWidths pad_widths(const Call<T>& c) {
  const std::size_t rank = c.rank(0);
  const auto pads = c.opset() >= 11 ? c.integers(1) : c.integers("pads");
  auto axes = c.has(3) ? c.integers(3) : std::vector<std::ptrdiff_t>{};
  if (!c.has(3))
    for (std::size_t axis = 0; axis < rank; ++axis) axes.push_back(static_cast<std::ptrdiff_t>(axis));
  if (pads.size() != 2 * axes.size())
    c.fail(fmt::format("{} pads for {} axes: expected two for each axis", pads.size(), axes.size()));
  SignedWidths widths{std::vector<std::ptrdiff_t>(rank), std::vector<std::ptrdiff_t>(rank)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = c.axis(axes[i], rank);
    widths.before[axis] = pads[i];
    widths.after[axis] = pads[axes.size() + i];
  }
  return widths;
}

template <class T>
PadMode pad_mode(const Call<T>& c) {
  const std::string mode = c.text("mode", "constant");
  if (mode == "constant") return PadMode::constant;
  if (mode == "reflect") return PadMode::reflect;
  if (mode == "edge") return PadMode::edge;
  c.fail(fmt::format("mode '{}': expected 'constant', 'reflect' or 'edge'", mode));
}

template <class T>
Outputs<T> pad_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const SignedWidths widths = pad_widths(c);
  std::vector<PadWidth> added;
  std::vector<Slice> kept;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    const std::ptrdiff_t before = widths.before[axis], after = widths.after[axis];
    const auto extent = static_cast<std::ptrdiff_t>(shape[axis]);
    const std::ptrdiff_t first = before < 0 ? -std::max(before, -extent) : 0;
    const std::ptrdiff_t last = extent + std::clamp<std::ptrdiff_t>(after, -extent, 0);
    if (first > last || before < -extent || after < -extent)
      c.fail(fmt::format("pads {} and {} remove more than the {} elements of axis {}", before, after, extent, axis));
    added.push_back({static_cast<std::size_t>(std::max<std::ptrdiff_t>(before, 0)),
                     static_cast<std::size_t>(std::max<std::ptrdiff_t>(after, 0))});
    kept.emplace_back(first, last);
  }
  std::vector<double> extents;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    extents.push_back(static_cast<double>(shape[axis]) + static_cast<double>(added[axis].before) +
                      static_cast<double>(added[axis].after));
  require_elements(c, extents);
  const double value = c.opset() < 11 ? c.number("value", 0) : c.has(2) ? c.number(2) : 0;
  // Only from the first axis that grows on: `pad` refuses to reflect an empty axis, such as that of an empty batch.
  const auto first_grown =
      std::find_if(added.begin(), added.end(), [](const PadWidth& width) { return width.before + width.after > 0; });
  const std::vector<PadWidth> last_axes(first_grown, added.end());
  return pad(slice(c.x(0), kept, c.where), last_axes, pad_mode(c), value, c.where);
}

template <class T>
Outputs<T> dropout_of(const Call<T>& c) {
  const double ratio = c.has(1) ? c.number(1) : 0.5;
  if (c.opset() < 7 && c.integer("is_test", 0) == 0 && c.number("ratio", 0.5) > 0)
    c.fail("attribute is_test = 0: only inference is supported; export the model in evaluation mode");
  if (c.has(2) && c.integer(2) != 0 && ratio > 0)
    c.fail(fmt::format("training_mode with ratio {}: only inference is supported; use ratio 0 or nn::Dropout", ratio));
  std::vector<Value<T>> outputs{Value<T>(c.x(0), c.type(0))};
  if (c.node.outputs.size() > 1) {
    Indices mask = Indices::from_shape(xt::dynamic_shape<std::size_t>(c.shape(0)));
    mask.fill(1);
    outputs.emplace_back(std::move(mask), c.opset() >= 10 ? ElementType::boolean : c.type(0));
  }
  return outputs;
}

}  // namespace

template <class T>
std::span<const Entry<T>> shape_entries() {
  static constexpr Entry<T> entries[] = {
      {"Concat", concat_of<T>, true},
      {"DepthToSpace", depth_to_space_of<T>},
      {"Dropout", dropout_of<T>},
      {"Expand", expand_of<T>, true},
      {"Flatten", flatten_of<T>, true},
      {"Identity", [](const Call<T>& c) -> Outputs<T> { return c.value(0); }, true},
      {"Pad", pad_of<T>},
      {"Reshape", reshape_of<T>, true},
      {"Slice", slice_of<T>, true},
      {"SpaceToDepth", space_to_depth_of<T>},
      {"Split", split_of<T>, true},
      {"Squeeze", squeeze_of<T>, true},
      {"Tile", tile_of<T>, true},
      {"Transpose", transpose_of<T>, true},
      {"Unsqueeze", unsqueeze_of<T>, true},
  };
  return entries;
}

template std::span<const Entry<float>> shape_entries<float>();
template std::span<const Entry<double>> shape_entries<double>();

}  // namespace wengert::onnx::detail
