// Views whose elements do not overlap, and their adjoint, which the vjps of views, `pad` and `diag` record.
#pragma once

#include "kernel/add_elements.hpp"
#include "ops/composite_registry.hpp"
#include <wengert/ops/join.hpp>
#include <wengert/ops/slice.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>

namespace wengert {

/// Part of each axis: the `count` elements start, start + step, …
struct Section {
  static constexpr std::string_view name = "slice";
  static constexpr std::string_view notation = "part of x";
  static constexpr std::size_t arity = 1;
  std::array<std::size_t, max_rank> start{}, step{};
  Shape count;              // by axis of x
  std::size_t dropped = 0;  // the axes that the result does not have, one bit each; their count is 1

  bool view(const Layout& input, Layout& out, std::ptrdiff_t& offset) const {
    Shape shape;
    std::array<std::ptrdiff_t, max_rank> strides{};
    for (std::size_t axis = 0; axis < count.rank(); ++axis) {
      if ((dropped >> axis & 1) != 0) continue;
      strides[shape.rank()] = input.strides[axis] * static_cast<std::ptrdiff_t>(step[axis]);
      shape.push_back(count[axis]);
    }
    out = strided_layout(shape, strides);
    for (std::size_t axis = 0; axis < count.rank() && out.size > 0; ++axis)
      offset += input.strides[axis] * static_cast<std::ptrdiff_t>(start[axis]);
    return true;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const;
  static std::vector<StructuralExample<Section>> examples() {
    return {{{{1}, {1}, {2}}, {{4}}},
            {{{0, 1, 2}, {1, 2, 1}, {2, 2, 1}}, {{2, 4, 3}}},
            {{{0, 2}, {1, 1}, {3, 0}}, {{3, 2}}},
            {{{0, 1}, {1, 1}, {3, 1}, 0b10}, {{3, 2}}}};
  }
  static std::vector<OpExample> applications();
};

/// The diagonal of two axes, as a new last axis.
struct Diagonal {
  static constexpr std::string_view name = "diagonal";
  static constexpr std::string_view notation = "yᵢ = xᵢᵢ";
  static constexpr std::size_t arity = 1;
  static constexpr bool any_extents = true;
  std::uint8_t row_axis = 0, column_axis = 1;
  std::ptrdiff_t shift = 0;

  bool view(const Layout& input, Layout& out, std::ptrdiff_t& offset) const {
    Shape shape;
    std::array<std::ptrdiff_t, max_rank> strides{};
    for (std::size_t axis = 0; axis < input.rank(); ++axis)
      if (axis != row_axis && axis != column_axis) {
        strides[shape.rank()] = input.strides[axis];
        shape.push_back(input.shape[axis]);
      }
    const auto rows = static_cast<std::ptrdiff_t>(input.shape[row_axis]);
    const auto columns = static_cast<std::ptrdiff_t>(input.shape[column_axis]);
    const std::ptrdiff_t length =
        std::min(rows + std::min<std::ptrdiff_t>(shift, 0), columns - std::max<std::ptrdiff_t>(shift, 0));
    strides[shape.rank()] = input.strides[row_axis] + input.strides[column_axis];
    shape.push_back(static_cast<std::size_t>(std::max<std::ptrdiff_t>(length, 0)));
    out = strided_layout(shape, strides);
    if (out.size > 0) offset += shift > 0 ? shift * input.strides[column_axis] : -shift * input.strides[row_axis];
    return true;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const;
  static std::vector<StructuralExample<Diagonal>> examples() {
    return {{{}, {{3, 4}}}, {{0, 2, 1}, {{3, 2, 3}}}, {{1, 0, -1}, {{2, 4}}}};
  }
};

/// A tensor of shape `to` that holds the elements of x at the positions that `seen` views, and `fill` elsewhere.
template <class View>
struct ViewTranspose {
  static constexpr bool is_pad = std::is_same_v<View, Section>;
  static constexpr std::string_view name = is_pad ? "pad" : "diag";
  static constexpr std::string_view notation = is_pad ? "x surrounded by a constant" : "yᵢᵢ = xᵢ, zeros elsewhere";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;
  View seen;
  Shape to;
  double fill = 0;

  Shape shape(const Shape&) const { return to; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (x.size() != y.size()) std::fill_n(y.data, y.size(), static_cast<T>(fill));
    Layout layout;
    std::ptrdiff_t offset = 0;
    seen.view(*y.layout, layout, offset);
    copy_elements(x, {y.data + offset, &layout});
  }
  template <class T>
  void add_to(Value<const T> x, Value<T> y) const {  // of the elements; `fill` is 0 in a cotangent
    Layout layout;
    std::ptrdiff_t offset = 0;
    seen.view(*y.layout, layout, offset);
    kernel::add_elements(x, {y.data + offset, &layout});
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return record(seen, Location::current(), g);
  }
  static std::vector<StructuralExample<ViewTranspose>> examples() {
    if constexpr (is_pad)
      return {{{{{1}, {2}, {3}}, {7}, 5}, {{3}}}, {{{{1, 0}, {1, 1}, {2, 3}}, {4, 3}}, {{2, 3}}}};
    else
      return {{{{}, {3, 3}}, {{3}}}, {{{0, 2, -1}, {4, 2, 3}}, {{2, 3}}}};
  }
  static std::vector<OpExample> applications() {
    if constexpr (is_pad)
      return examples_of(name, {{3, 2}, {2, 1, 4}}, [](auto x) {
        return pad(x, {{1, 2}, {0, 3}}, PadMode::constant, 5);
      });
    else
      return examples_of(name, {{3}}, [](auto x) { return diag(x, -1); });
  }
};

inline std::vector<OpExample> Section::applications() {
  return examples_of(name, {{4, 3}, {3, 2, 5}}, [](auto x) { return slice(x, {Slice(1, {}), Slice({}, {}, 2)}); });
}

template <class T>
auto Section::vjp(Var<T> g, Var<T>, Var<T> x) const {
  return scattered(ViewTranspose<Section>{*this, x.shape(), 0}, g);
}
template <class T>
auto Diagonal::vjp(Var<T> g, Var<T>, Var<T> x) const {
  return scattered(ViewTranspose<Diagonal>{*this, x.shape(), 0}, g);
}

}  // namespace wengert
