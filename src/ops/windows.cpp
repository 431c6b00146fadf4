// Validates the options and shapes of window ops, and names their axes in error messages.
#include "ops/windows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::detail {

void throw_axis_count(std::size_t given, std::size_t expected, const Location& where) {
  throw ShapeError("PerAxis", fmt::format("{} numbers for {} spatial axes: expected one for each", given, expected),
                   where);
}

std::string numbers_text(std::span<const std::ptrdiff_t> values) {
  return values.size() == 1 ? fmt::format("{}", values[0]) : fmt::format("({})", fmt::join(values, ", "));
}

PerThree checked_numbers(std::string_view subject, std::string_view what, std::span<const std::ptrdiff_t> values,
                         std::ptrdiff_t least) {
  constexpr std::ptrdiff_t most = std::ptrdiff_t{1} << 30;  // so that no sum or product of them overflows
  PerThree result{1, 1, 1};
  for (std::size_t axis = 0; axis < values.size(); ++axis) {
    if (values[axis] < least || values[axis] > most)
      throw ValueError(subject, fmt::format("{} {}: must be at least {}{}", what, numbers_text(values), least,
                                            values[axis] > most ? " and at most 2^30" : ""));
    result[3 - values.size() + axis] = static_cast<std::size_t>(values[axis]);
  }
  return result;
}

PerThree spatial_extents(const Shape& shape, std::size_t n) {
  PerThree result{1, 1, 1};
  for (std::size_t axis = 0; axis < n; ++axis) result[3 - n + axis] = shape[shape.rank() - n + axis];
  return result;
}

std::string_view axis_name(std::size_t axis, std::size_t n) {
  constexpr std::string_view names[] = {"D", "H", "W"};
  return n == 1 ? "L" : names[axis];
}

std::string axes_text(std::string_view first, std::string_view prefix, std::size_t n) {
  std::string text = fmt::format("({}", first);
  for (std::size_t axis = 3 - n; axis < 3; ++axis)
    text += n == 1 && !prefix.empty() ? fmt::format(", {}", prefix) : fmt::format(", {}{}", prefix, axis_name(axis, n));
  return text + ")";
}

void check_spatial(std::string_view subject, const Shape& x, std::size_t n) {
  const bool fits = x.rank() == n + 1 || x.rank() == n + 2;
  bool is_empty = false;
  for (std::size_t axis = 0; fits && axis < n; ++axis) is_empty = is_empty || x[x.rank() - 1 - axis] == 0;
  if (fits && !is_empty) return;
  throw ShapeError(subject, fmt::format("x of shape {}: must be {} or {}{}", to_string(x), axes_text("N, C", "", n),
                                        axes_text("C", "", n), is_empty ? " with spatial extents of at least 1" : ""));
}

template <class T>
Var<T> as_batch(std::string_view subject, std::size_t n, Var<T> x, const Location& where) {
  const Shape shape = x.shape();
  check_spatial(subject, shape, n);
  if (shape.rank() == n + 2) return x;
  Shape batch{1};
  for (const std::size_t extent : shape) batch.push_back(extent);
  return reshape(x, batch, where);
}

template <class T>
Var<T> without_batch_axis(Var<T> batch, const Location& where) {
  const Shape shape = batch.shape();
  return reshape(batch, Shape(std::span(shape.begin() + 1, shape.end())), where);
}

template Var<float> as_batch(std::string_view, std::size_t, Var<float>, const Location&);
template Var<double> as_batch(std::string_view, std::size_t, Var<double>, const Location&);
template Var<float> without_batch_axis(Var<float>, const Location&);
template Var<double> without_batch_axis(Var<double>, const Location&);

}  // namespace wengert::detail
