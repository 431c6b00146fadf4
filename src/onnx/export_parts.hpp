// Nodes that the exporters of several families write: slices, paddings, expansions, counts.
#pragma once

#include "onnx/emit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace wengert::onnx::detail::parts {

using Integers = std::vector<std::ptrdiff_t>;

/// a · x + b · y
inline Extent combination(std::ptrdiff_t a, const Extent& x, std::ptrdiff_t b, const Extent& y) {
  Extent result{a * x.constant + b * y.constant, {}};
  for (std::size_t k = 0; k < std::max(x.factors.size(), y.factors.size()); ++k) {
    const auto factor = [k](const Extent& e) { return k < e.factors.size() ? e.factors[k] : 0; };
    result.factors.push_back(a * factor(x) + b * factor(y));
  }
  return result;
}

/// Whether n is this integer, whatever the dynamic axes are.
inline bool is(const Extent& n, std::ptrdiff_t value) { return n.fixed() && n.constant == value; }

/// n as a scalar of int64.
template <class T>
std::string scalar(const Emit<T>& e, const Extent& n) {
  return n.fixed() ? e.graph.integer(n.constant) : e.node("Squeeze", {e.graph.shape_tensor({n})});
}

/// The int64 vector 0, 1, …, n − 1.
template <class T>
std::string count(const Emit<T>& e, const Extent& n) {
  if (!n.fixed()) return e.node("Range", {e.graph.integer(0), scalar(e, n), e.graph.integer(1)});
  Integers values;
  for (std::ptrdiff_t i = 0; i < n.constant; ++i) values.push_back(i);
  return e.integers(values);
}

/// x in another shape.
template <class T>
std::string reshape(const Emit<T>& e, const std::string& x, const Extents& to) {
  const bool has_zero = std::any_of(to.begin(), to.end(), [](const Extent& n) { return is(n, 0); });
  const auto open = std::count_if(to.begin(), to.end(), [](const Extent& n) { return !n.fixed(); });
  Attributes attributes;
  if (has_zero) attributes["allowzero"] = std::int64_t{1};
  if (has_zero || open > 1) return e.node("Reshape", {x, e.graph.shape_tensor(to)}, attributes);
  Integers shape;
  for (const Extent& n : to) shape.push_back(n.fixed() ? n.constant : -1);
  return e.node("Reshape", {x, e.integers(shape)}, attributes);
}

/// x with axes of extent 1 inserted, or removed.
///@{
template <class T>
std::string unsqueeze(const Emit<T>& e, const std::string& x, const Integers& axes) {
  return axes.empty() ? x : e.node("Unsqueeze", {x, e.integers(axes)});
}
template <class T>
std::string squeeze(const Emit<T>& e, const std::string& x, const Integers& axes) {
  return axes.empty() ? x : e.node("Squeeze", {x, e.integers(axes)});
}
///@}

/// x with its axes in another order.
template <class T>
std::string transpose(const Emit<T>& e, const std::string& x, const Integers& order) {
  return std::is_sorted(order.begin(), order.end()) ? x : e.transpose(x, order);
}

/// x repeated to a shape that it broadcasts to.
template <class T>
std::string expand(const Emit<T>& e, const std::string& x, const Extents& to) {
  return e.node("Expand", {x, e.graph.shape_tensor(to)});
}
template <class T>
std::string zeros(const Emit<T>& e, const Extents& shape) {
  return expand(e, e.scalar(0), shape);
}

/// The positions first, first + step, … below `last` of an axis.
struct Range {
  std::size_t axis;
  Extent first, last;
  std::ptrdiff_t step = 1;
};
inline bool is_whole(const Range& range, const Extent& length) {
  return is(range.first, 0) && is(combination(1, range.last, -1, length), 0) && range.step == 1;
}

/// A position of an axis, or a bound, as ONNX takes it: at a fixed distance from the end of an open axis, relative to
/// it.
inline Extent position(const Extent& n, const Extent& length) {
  const Extent from_end = combination(1, n, -1, length);
  if (n.fixed() || !from_end.fixed()) return n;
  return from_end.constant < 0 ? from_end : Extent{std::numeric_limits<std::int64_t>::max(), {}};
}

/// The ranges of x, which has the shape `from`.
template <class T>
std::string slice(const Emit<T>& e, const std::string& x, const Extents& from, const std::vector<Range>& ranges) {
  Extents first, last;
  Integers axes, steps;
  for (const Range& range : ranges) {
    const Extent& length = from[range.axis];
    if (is_whole(range, length)) continue;
    first.push_back(position(range.first, length));
    last.push_back(position(range.last, length));
    axes.push_back(static_cast<std::ptrdiff_t>(range.axis));
    steps.push_back(range.step);
  }
  if (axes.empty()) return x;
  std::vector<std::string> inputs{x, e.graph.shape_tensor(first), e.graph.shape_tensor(last), e.integers(axes)};
  if (std::any_of(steps.begin(), steps.end(), [](std::ptrdiff_t step) { return step != 1; }))
    inputs.push_back(e.integers(steps));
  return e.node("Slice", std::move(inputs));
}

/// x reversed along axes.
template <class T>
std::string reverse(const Emit<T>& e, const std::string& x, const Integers& axes) {
  if (axes.empty()) return x;
  const Integers first(axes.size(), -1), last(axes.size(), std::numeric_limits<std::int64_t>::min());
  return e.node("Slice", {x, e.integers(first), e.integers(last), e.integers(axes), e.integers(first)});
}

/// x with elements of this value before and after those of each axis; negative numbers remove elements.
template <class T>
std::string pad(const Emit<T>& e, const std::string& x, const Extents& before, const Extents& after, double value) {
  Extents both = before;
  both.insert(both.end(), after.begin(), after.end());
  if (std::all_of(both.begin(), both.end(), [](const Extent& n) { return is(n, 0); })) return x;
  std::vector<std::string> inputs{x, e.graph.shape_tensor(both)};
  if (value != 0) inputs.push_back(e.scalar(value));
  return e.node("Pad", std::move(inputs));
}

/// The positions of the elements of an axis within a longer one.
struct Placement {
  Extent start, length;  // of the first element, and of the longer axis
  std::ptrdiff_t step = 1;
};

/// x, of the shape `from`, placed within longer axes, whose other elements have this value.
template <class T>
std::string place(const Emit<T>& e, std::string x, Extents from, const std::vector<Placement>& placements,
                  double value) {
  const Extents none(from.size());
  Extents after = none, before = none;
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    const auto& [start, length, step] = placements[axis];
    if (step != 1) {  // elements of a new axis between those of x
      Extents margin(from.size() + 1);
      margin[axis + 1].constant = step - 1;
      x = pad(e, unsqueeze(e, x, {static_cast<std::ptrdiff_t>(axis + 1)}), Extents(margin.size()), margin, value);
      from[axis] = combination(step, from[axis], 0, {});
      x = reshape(e, x, from);
    }
    before[axis] = start;
    after[axis] = combination(1, combination(1, length, -1, start), -1, from[axis]);
  }
  return pad(e, x, before, after, value);
}

/// A bool matrix that is true where column − row = shift.
template <class T>
std::string diagonal_mask(const Emit<T>& e, const Extent& rows, const Extent& columns, std::ptrdiff_t shift) {
  const std::string zero = e.node("ConstantOfShape", {e.graph.shape_tensor({rows, columns})});
  return e.boolean(e.node("EyeLike", {zero}, {{"k", static_cast<std::int64_t>(shift)}}));
}

}  // namespace wengert::onnx::detail::parts
