// ONNX's ops whose results have a shape that depends on values, which they read.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include <wengert/ops/index.hpp>
#include <wengert/ops/shape.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

template <class T>
Outputs<T> compress_of(const Call<T>& c) {
  const bool flat = !c.has("axis");
  const Var<T> x = flat ? reshape(c.x(0), {-1}, c.where) : c.x(0);
  const std::size_t axis = flat ? 0 : c.axis(static_cast<std::ptrdiff_t>(c.integer("axis", 0)), x.rank());
  const auto condition = c.integers(1);
  std::vector<std::int64_t> chosen;
  for (std::size_t i = 0; i < condition.size(); ++i)
    if (condition[i] != 0) chosen.push_back(static_cast<std::int64_t>(i));
  return take(x, IndexOperand<T>(chosen, c.where), static_cast<std::ptrdiff_t>(axis), c.where);
}

template <class T>
Outputs<T> non_zero_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const auto numbers = c.numbers(0);
  std::vector<Shape> found;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] != 0) found.push_back(unravel(i, shape));
  std::vector<std::int64_t> positions;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    for (const Shape& place : found) positions.push_back(static_cast<std::int64_t>(place[axis]));
  return Value<T>(known_integers(positions, {shape.rank(), found.size()}));
}

// The elements of each slice of x along an axis, which is split off as the middle of three.
std::vector<std::vector<double>> slices_of(const std::vector<double>& x, std::size_t before, std::size_t extent,
                                           std::size_t after) {
  std::vector<std::vector<double>> slices(extent);
  for (std::size_t i = 0; i < before; ++i)
    for (std::size_t k = 0; k < extent; ++k) {
      const auto from = x.begin() + static_cast<std::ptrdiff_t>((i * extent + k) * after);
      slices[k].insert(slices[k].end(), from, from + static_cast<std::ptrdiff_t>(after));
    }
  return slices;
}

// The order of sorted slices. NaN counts as the largest value, and all NaNs as equal.
bool precedes(const std::vector<double>& a, const std::vector<double>& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](double x, double y) { return x < y || (!std::isnan(x) && std::isnan(y)); });
}

template <class T>
Outputs<T> unique_of(const Call<T>& c) {
  const bool flat = !c.has("axis");
  const Var<T> x = flat ? reshape(c.x(0), {-1}, c.where) : c.x(0);
  const Shape shape = x.shape();
  const std::size_t axis = flat ? 0 : c.axis(static_cast<std::ptrdiff_t>(c.integer("axis", 0)), shape.rank());
  std::size_t before = 1, after = 1;
  for (std::size_t i = 0; i < shape.rank(); ++i)
    if (i != axis) (i < axis ? before : after) *= shape[i];
  const auto slices = slices_of(c.numbers(0), before, shape[axis], after);

  std::vector<std::size_t> order(slices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return precedes(slices[a], slices[b]); });
  std::vector<std::vector<std::size_t>> groups;  // of equal slices; the first to occur comes first
  for (const std::size_t k : order) {
    if (groups.empty() || precedes(slices[groups.back().front()], slices[k])) groups.emplace_back();
    groups.back().push_back(k);
  }
  if (c.integer("sorted", 1) == 0)
    std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.front() < b.front(); });

  std::vector<std::int64_t> first, inverse(slices.size()), counts;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    first.push_back(static_cast<std::int64_t>(groups[i].front()));
    counts.push_back(static_cast<std::int64_t>(groups[i].size()));
    for (const std::size_t k : groups[i]) inverse[k] = static_cast<std::int64_t>(i);
  }
  const Var<T> y = take(x, IndexOperand<T>(first, c.where), static_cast<std::ptrdiff_t>(axis), c.where);
  return std::vector<Value<T>>{Value<T>(y, c.type(0)), Value<T>(known_integers(first)),
                               Value<T>(known_integers(inverse)), Value<T>(known_integers(counts))};
}

// A box by its lower and upper corner.
struct Box {
  std::array<double, 2> low, high;

  double area() const { return (high[0] - low[0]) * (high[1] - low[1]); }
};

Box box_of(const double* numbers, bool centred) {
  Box box;
  for (std::size_t i = 0; i < 2; ++i) {
    const double a = numbers[i], b = numbers[i + 2];
    box.low[i] = centred ? a - b / 2 : std::min(a, b);
    box.high[i] = centred ? a + b / 2 : std::max(a, b);
  }
  return box;
}

// The area that two boxes share, relative to the area that they cover together.
double intersection_over_union(const Box& a, const Box& b) {
  double shared = 1;
  for (std::size_t i = 0; i < 2; ++i)
    shared *= std::max(std::min(a.high[i], b.high[i]) - std::max(a.low[i], b.low[i]), 0.0);
  return shared > 0 ? shared / (a.area() + b.area() - shared) : 0;
}

template <class T>
Outputs<T> non_max_suppression_of(const Call<T>& c) {
  const Shape boxes = c.shape(0), scores = c.shape(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes[2] != 4 || boxes[0] != scores[0] || boxes[1] != scores[2])
    c.fail(
        fmt::format("boxes of shape {} and scores of shape {}: expected (batches, boxes, 4) and (batches, classes, "
                    "boxes)",
                    to_string(boxes), to_string(scores)));
  const std::ptrdiff_t most = c.has(2) ? c.integer(2) : 0;
  const double overlap = c.has(3) ? c.number(3) : 0;
  const std::optional<double> threshold = c.has(4) ? std::optional(c.number(4)) : std::nullopt;
  const bool centred = c.integer("center_point_box", 0) != 0;
  const auto corners = c.numbers(0), score = c.numbers(1);

  std::vector<std::int64_t> selected;
  for (std::size_t batch = 0; batch < scores[0]; ++batch)
    for (std::size_t label = 0; label < scores[1]; ++label) {
      const double* const s = score.data() + (batch * scores[1] + label) * scores[2];
      std::vector<std::size_t> candidates;
      for (std::size_t k = 0; k < scores[2]; ++k)
        if (threshold ? s[k] > *threshold : !std::isnan(s[k])) candidates.push_back(k);
      std::stable_sort(candidates.begin(), candidates.end(), [&](auto a, auto b) { return s[a] > s[b]; });
      std::vector<Box> kept;
      for (const std::size_t k : candidates) {
        if (static_cast<std::ptrdiff_t>(kept.size()) >= most) break;
        const Box box = box_of(corners.data() + (batch * boxes[1] + k) * 4, centred);
        if (std::any_of(kept.begin(), kept.end(),
                        [&](const Box& other) { return intersection_over_union(box, other) > overlap; }))
          continue;
        kept.push_back(box);
        for (const std::size_t index : {batch, label, k}) selected.push_back(static_cast<std::int64_t>(index));
      }
    }
  return Value<T>(known_integers(selected, {selected.size() / 3, 3}));
}

}  // namespace

template <class T>
std::span<const Entry<T>> data_dependent_entries() {
  static constexpr Entry<T> entries[] = {
      {"Compress", compress_of<T>},
      {"NonMaxSuppression", non_max_suppression_of<T>},
      {"NonZero", non_zero_of<T>},
      {"Unique", unique_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> data_dependent_entries<float>();
template std::span<const Entry<double>> data_dependent_entries<double>();

}  // namespace wengert::onnx::detail
