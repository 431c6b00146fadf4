// Shape: printing, broadcasting, element indices, and resolution of negative axes.
#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert {

void Shape::throw_rank(std::size_t rank) {
  throw ShapeError("shape", fmt::format("{} axes: a tensor on a tape has at most {}", rank, max_rank));
}

std::string to_string(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.rank() == 1 ? "," : "");
}

std::optional<Shape> broadcast_shapes(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const std::size_t lead = longer.rank() - shorter.rank();
  for (std::size_t axis = 0; axis < shorter.rank(); ++axis) {
    const std::size_t m = longer[lead + axis];
    const std::size_t n = shorter[axis];
    if (m != n && m != 1 && n != 1) return std::nullopt;
    result[lead + axis] = m == 1 ? n : m;
  }
  return result;
}

Shape unravel(std::size_t element, const Shape& shape) {
  Shape index = shape;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    index[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return index;
}

std::size_t normalise_axis(std::ptrdiff_t axis, std::size_t rank, std::string_view subject) {
  const auto count = static_cast<std::ptrdiff_t>(rank);
  if (rank == 0) throw AxisError(subject, fmt::format("axis {}: a scalar has no axes", axis));
  if (axis < -count || axis >= count)
    throw AxisError(subject,
                    fmt::format("axis {}: a tensor of rank {} has axes {} to {}", axis, rank, -count, count - 1));
  return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

std::size_t normalise_axis_or_scalar(std::ptrdiff_t axis, std::size_t rank, std::string_view subject) {
  if (rank > 0) return normalise_axis(axis, rank, subject);
  if (axis != 0 && axis != -1)
    throw AxisError(subject, fmt::format("axis {}: a scalar has only the axes 0 and -1, which are the same", axis));
  return 0;
}

}  // namespace wengert
