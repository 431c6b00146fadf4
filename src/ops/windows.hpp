// Helpers of the sliding window ops: checked options, operands as batches, and examples.
#pragma once

#include <wengert/ops/shape.hpp>
#include <wengert/ops/window.hpp>
#include <wengert/tape/registry.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::detail {

/// Numbers for three spatial axes: of n axes, the last n; the others are 1.
using PerThree = std::array<std::size_t, 3>;

/// `values` as text for messages: `(2, 1)`, or `2` for a single axis.
std::string numbers_text(std::span<const std::ptrdiff_t> values);

/// The values for three axes. Throws ValueError if one is below `least` or above 2³⁰.
PerThree checked_numbers(std::string_view subject, std::string_view what, std::span<const std::ptrdiff_t> values,
                         std::ptrdiff_t least);

template <std::size_t n>
PerThree checked_numbers(std::string_view subject, std::string_view what, const PerAxis<n>& values,
                         std::ptrdiff_t least) {
  std::array<std::ptrdiff_t, n> each{};
  for (std::size_t axis = 0; axis < n; ++axis) each[axis] = values[axis];
  return checked_numbers(subject, what, each, least);
}

/// The last n extents of a shape, for three axes.
PerThree spatial_extents(const Shape& shape, std::size_t n);

/// The name of one of three spatial axes, of which the last n are used: `D`, `H` or `W`, or `L` if n is 1.
std::string_view axis_name(std::size_t axis, std::size_t n);
/// `(N, C, H, W)`: the text `first` followed by the names of n spatial axes, each with a prefix.
std::string axes_text(std::string_view first, std::string_view prefix, std::size_t n);

/// Throws ShapeError unless x is (N, C, spatial…) or (C, spatial…) without an empty spatial axis.
void check_spatial(std::string_view subject, const Shape& x, std::size_t n);

/// x, (N, C, n spatial axes), or a single sample (C, n spatial axes) as a batch of one. Throws ShapeError for any other
/// rank.
template <class T>
Var<T> as_batch(std::string_view subject, std::size_t n, Var<T> x, const Location& where);
/// The only sample of a batch of one.
template <class T>
Var<T> without_batch_axis(Var<T> batch, const Location& where);

/// Applies `f` to x as a batch (N, C, n spatial axes). A single sample is passed as a batch of one, whose axis is
/// dropped from the result. If anything throws, nothing is left on the tape.
template <class T, class F>
Var<T> on_batch(std::string_view subject, std::size_t n, Var<T> x, const Location& where, const F& f) {
  return atomically(tape_of(x, subject, where), where, [&] {
    const Var<T> batch = as_batch(subject, n, x, where);
    const Var<T> y = f(batch);
    return batch.index() == x.index() ? y : without_batch_axis(y, where);
  });
}

/// One entry of a function's `own_examples`.
template <class F>
OpExample example_of(std::string label, std::vector<Shape> shapes, const F& apply) {
  std::vector<Domain> domains(shapes.size());
  return {std::move(label), std::move(shapes), std::move(domains), apply};
}

}  // namespace wengert::detail
