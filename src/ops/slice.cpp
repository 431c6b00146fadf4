// slice with Python's index rules, of values and of indices, flip, diagonal, diag, trace, tril and triu.
#include "ops/attributes/axes.hpp"
#include "ops/attributes/views.hpp"
#include "ops/composite_registry.hpp"
#include "ops/view_transpose.hpp"
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

// Copies x to contiguous memory, in reverse order along the axes of these bits.
template <class E>
void copy_reversed(Value<const E> x, std::uint32_t axes, E* to) {
  if (x.size() == 0) return;
  Layout reversed = *x.layout;
  reversed.contiguous = reversed.contiguous && axes == 0;
  for (std::size_t axis = 0; axis < x.shape().rank(); ++axis)
    if ((axes >> axis & 1) != 0) {
      x.data += static_cast<std::ptrdiff_t>(x.shape()[axis] - 1) * reversed.strides[axis];
      reversed.strides[axis] = -reversed.strides[axis];
    }
  copy_elements<E>({x.data, &reversed}, to);
}

struct Flip : attributes::Flip {
  static constexpr std::string_view name = "flip";
  static constexpr std::string_view notation = "yᵢ = xₙ₋₁₋ᵢ";
  static constexpr std::size_t arity = 1;
  static constexpr bool any_extents = true;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    copy_reversed(x, axes, y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return record(*this, Location::current(), g);
  }
  static std::vector<StructuralExample<Flip>> examples() { return {{{1}, {{4}}}, {{0b101}, {{2, 3, 4}}}}; }
};

// Indices have no gradient, so one op copies the part, its reversed axes and its new axes.
struct SliceIndices : attributes::SliceIndices {
  static constexpr std::string_view name = "slice_indices";
  static constexpr std::string_view notation = "part of k";
  static constexpr std::size_t arity = 1;
  static constexpr std::uint8_t index_inputs = 0b1;
  static constexpr bool index_output = true;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape&) const { return to; }
  void forward(Value<const std::int64_t> x, Value<std::int64_t> y) const {
    Layout part;
    std::ptrdiff_t offset = 0;
    section.view(*x.layout, part, offset);
    copy_reversed<std::int64_t>({x.data + offset, &part}, backwards, y.data);
  }
  static std::vector<StructuralExample<SliceIndices>> examples() { return {}; }
};

template <bool lower>
struct Triangular : attributes::Triangular {
  static constexpr std::string_view name = lower ? "tril" : "triu";
  static constexpr std::string_view notation =
      lower ? "xᵢⱼ where j ≤ i + k, otherwise 0" : "xᵢⱼ where j ≥ i + k, otherwise 0";
  static constexpr std::size_t arity = 1;
  static constexpr bool any_extents = true;

  Shape shape(const Shape& x) const {
    if (x.rank() < 2)
      throw ShapeError(name, fmt::format("shape {}: expected a matrix, or a stack of matrices", to_string(x)));
    return x;
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const Shape& s = x.shape();
    const auto rows = static_cast<std::ptrdiff_t>(s[s.rank() - 2]), columns = static_cast<std::ptrdiff_t>(s.back());
    if (y.size() == 0) return;
    const std::ptrdiff_t shift = std::clamp(offset, -rows, columns) + (lower ? 1 : 0);
    const T* from = x.data;
    T* to = y.data;
    for (T* const end = y.data + y.size(); to != end;)
      for (std::ptrdiff_t i = 0; i < rows; ++i, from += columns, to += columns) {
        const std::ptrdiff_t border = std::clamp<std::ptrdiff_t>(i + shift, 0, columns);
        std::copy(lower ? from : from + border, lower ? from + border : from + columns, lower ? to : to + border);
        std::fill(lower ? to + border : to, lower ? to + columns : to + border, T(0));
      }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return record(*this, Location::current(), g);
  }
  static std::vector<StructuralExample<Triangular>> examples() {
    return {{{}, {{3, 4}}}, {{1}, {{2, 3, 3}}}, {{-1}, {{4, 2}}}};
  }
};
using Tril = Triangular<true>;
using Triu = Triangular<false>;

// The elements start, start + step, … of an axis, in increasing order.
struct Run {
  std::size_t start, count, step;
  bool backwards;
};

Run run_of(const Slice& part, std::size_t extent, std::size_t axis) {
  const auto n = static_cast<std::ptrdiff_t>(extent);
  if (part.kind == Slice::Kind::position) {
    if (*part.start < -n || *part.start >= n)
      throw ValueError(Section::name,
                       fmt::format("position {} of axis {}: the axis has {} elements", *part.start, axis, extent));
    return {static_cast<std::size_t>(*part.start + (*part.start < 0 ? n : 0)), 1, 1, false};
  }
  if (part.step == 0) throw ValueError(Section::name, fmt::format("axis {}: the step is 0", axis));
  const bool backwards = part.step < 0;
  const std::ptrdiff_t lowest = backwards ? -1 : 0, highest = backwards ? n - 1 : n;
  const auto bound = [&](std::optional<std::ptrdiff_t> given, std::ptrdiff_t otherwise) {
    return given ? std::clamp(*given + (*given < 0 ? n : 0), lowest, highest) : otherwise;
  };
  const std::ptrdiff_t first = bound(part.start, backwards ? n - 1 : 0), last = bound(part.stop, backwards ? -1 : n);
  const std::ptrdiff_t distance = backwards ? first - last : last - first;
  if (distance <= 0) return {0, 0, 1, false};
  // The magnitude of the step. A negative step is limited to the extent, because the lowest integer cannot be negated.
  const std::ptrdiff_t step = backwards ? -std::max(part.step, -n) : part.step;
  const std::ptrdiff_t count = (distance - 1) / step + 1;
  const std::ptrdiff_t start = backwards ? first - (count - 1) * step : first;
  return {static_cast<std::size_t>(start), static_cast<std::size_t>(count),
          static_cast<std::size_t>(count > 1 ? step : 1), backwards};
}

// The part of a value that slices select.
struct SelectedPart {
  Section section;
  Shape kept, result;           // the section's shape; `result` also has the new axes
  std::uint32_t backwards = 0;  // axes of `kept`, one bit each

  bool is_whole(const Shape& shape) const { return section.count == shape && section.dropped == 0; }
};

// The first `whole` axes stay whole; `slices` are for those after them.
SelectedPart selected_part(const Shape& shape, std::size_t whole, std::span<const Slice> slices) {
  std::size_t mentioned = whole, ellipses = 0;
  for (const Slice& part : slices) {
    mentioned += part.kind == Slice::Kind::range || part.kind == Slice::Kind::position ? 1 : 0;
    ellipses += part.kind == Slice::Kind::ellipsis ? 1 : 0;
  }
  if (mentioned > shape.rank() || ellipses > 1)
    throw ShapeError(Section::name, mentioned > shape.rank()
                                        ? fmt::format("{} positions and ranges for shape {}: at most one for each axis",
                                                      mentioned, to_string(shape))
                                        : "more than one ellipsis: only one can stand for the remaining axes");
  SelectedPart selected;
  Section& section = selected.section;
  const auto take = [&](const Slice& part) {
    const std::size_t axis = section.count.rank();
    const Run run = run_of(part, shape[axis], axis);
    section.start[axis] = run.start;
    section.step[axis] = run.step;
    section.count.push_back(run.count);
    if (part.kind == Slice::Kind::position) {
      section.dropped |= std::size_t{1} << axis;
      return;
    }
    if (run.backwards) selected.backwards |= std::uint32_t{1} << selected.kept.rank();
    selected.kept.push_back(run.count);
    selected.result.push_back(run.count);
  };
  const auto take_whole = [&](std::size_t axes) {
    for (std::size_t i = 0; i < axes; ++i) take(Slice(xt::all()));
  };
  take_whole(whole);
  for (const Slice& part : slices)
    if (part.kind == Slice::Kind::newaxis)
      selected.result.push_back(1);
    else if (part.kind == Slice::Kind::ellipsis)
      take_whole(shape.rank() - mentioned);
    else
      take(part);
  take_whole(shape.rank() - section.count.rank());
  return selected;
}

template <class T>
Var<T> slice_axes(Var<T> x, std::size_t whole, std::span<const Slice> slices, const Location& where) {
  const Shape shape = x.shape();
  const SelectedPart selected = selected_part(shape, whole, slices);
  Var<T> part = selected.is_whole(shape) ? x : record(selected.section, where, x);
  if (selected.backwards != 0) part = record(Flip{selected.backwards}, where, part);
  return selected.result == selected.kept ? part : reshape(part, selected.result, where);
}

template <class T>
IndexVar<T> slice_axes(IndexVar<T> x, std::size_t whole, std::span<const Slice> slices, const Location& where) {
  const Shape shape = x.shape();
  const SelectedPart selected = selected_part(shape, whole, slices);
  if (selected.is_whole(shape) && selected.backwards == 0 && selected.result == shape) return x;
  return record(SliceIndices{{selected.section, selected.result, selected.backwards}}, where, x);
}

template <class V>
V slice_along(V x, std::ptrdiff_t axis, const Slice& part, const Location& where) {
  if (part.kind == Slice::Kind::newaxis || part.kind == Slice::Kind::ellipsis)
    throw ValueError(Section::name, "ellipsis or newaxis along one axis: expected a position or a range");
  return slice_axes(x, normalise_axis(axis, x.rank(), Section::name), {&part, 1}, where);
}

}  // namespace

template <class T>
Var<T> slice(Var<T> x, const List<Slice>& slices, Location where) {
  return atomically(tape_of(x, Section::name, where), where,
                    [&] { return slice_axes<T>(x, 0, slices.elements(), where); });
}

template <class T>
Var<T> slice(Var<T> x, std::ptrdiff_t axis, const Slice& part, Location where) {
  return atomically(tape_of(x, Section::name, where), where, [&] { return slice_along(x, axis, part, where); });
}

template <class T>
IndexVar<T> slice(IndexVar<T> x, const List<Slice>& slices, Location where) {
  return atomically(tape_of(x.handle(), Section::name, where), where,
                    [&] { return slice_axes<T>(x, 0, slices.elements(), where); });
}

template <class T>
IndexVar<T> slice(IndexVar<T> x, std::ptrdiff_t axis, const Slice& part, Location where) {
  return atomically(tape_of(x.handle(), Section::name, where), where,
                    [&] { return slice_along(x, axis, part, where); });
}

template <class T>
Var<T> flip(Var<T> x, const Axes& axes, Location where) {
  return atomically(tape_of(x, Flip::name, where), where,
                    [&] { return record(Flip{axes.bits(x.rank(), Flip::name)}, where, x); });
}

namespace {

template <class T>
Var<T> diagonal_of(Var<T> x, std::ptrdiff_t offset, std::ptrdiff_t row_axis, std::ptrdiff_t column_axis,
                   std::string_view name, const Location& where) {
  const std::size_t rows = normalise_axis(row_axis, x.rank(), name);
  const std::size_t columns = normalise_axis(column_axis, x.rank(), name);
  if (rows == columns) throw AxisError(name, fmt::format("axis {} is repeated: expected two different axes", rows));
  return record(Diagonal{static_cast<std::uint8_t>(rows), static_cast<std::uint8_t>(columns), offset}, where, x);
}

}  // namespace

template <class T>
Var<T> diagonal(Var<T> x, std::ptrdiff_t offset, std::ptrdiff_t row_axis, std::ptrdiff_t column_axis, Location where) {
  return atomically(tape_of(x, Diagonal::name, where), where,
                    [&] { return diagonal_of(x, offset, row_axis, column_axis, Diagonal::name, where); });
}

template <class T>
Var<T> diag(Var<T> x, std::ptrdiff_t offset, Location where) {
  return atomically(tape_of(x, "diag", where), where, [&] {
    if (x.rank() == 2) return diagonal_of(x, offset, 0, 1, "diag", where);
    if (x.rank() != 1)
      throw ShapeError("diag", fmt::format("shape {}: expected a vector or a matrix", to_string(x.shape())));
    const std::size_t n =
        x.size() + (offset < 0 ? std::size_t{0} - static_cast<std::size_t>(offset) : static_cast<std::size_t>(offset));
    return record(ViewTranspose<Diagonal>{{0, 1, offset}, {n, n}, 0}, where, x);
  });
}

template <class T>
Var<T> trace(Var<T> x, std::ptrdiff_t offset, std::ptrdiff_t row_axis, std::ptrdiff_t column_axis, Location where) {
  return atomically(tape_of(x, "trace", where), where,
                    [&] { return sum(diagonal_of(x, offset, row_axis, column_axis, "trace", where), -1, {}, where); });
}

template <class T>
Var<T> tril(Var<T> x, std::ptrdiff_t offset, Location where) {
  return record(Tril{offset}, where, x);
}

template <class T>
Var<T> triu(Var<T> x, std::ptrdiff_t offset, Location where) {
  return record(Triu{offset}, where, x);
}

namespace {
WENGERT_REGISTER_COMPOSITE(trace, "Σ xᵢᵢ", "", trace(x, 0, -1, -2))
}

#define WENGERT_INSTANTIATE(T)                                                                \
  template Var<T> slice(Var<T>, const List<Slice>&, Location);                                \
  template Var<T> slice(Var<T>, std::ptrdiff_t, const Slice&, Location);                      \
  template IndexVar<T> slice(IndexVar<T>, const List<Slice>&, Location);                      \
  template IndexVar<T> slice(IndexVar<T>, std::ptrdiff_t, const Slice&, Location);            \
  template Var<T> flip(Var<T>, const Axes&, Location);                                        \
  template Var<T> diagonal(Var<T>, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, Location); \
  template Var<T> diag(Var<T>, std::ptrdiff_t, Location);                                     \
  template Var<T> trace(Var<T>, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, Location);    \
  template Var<T> tril(Var<T>, std::ptrdiff_t, Location);                                     \
  template Var<T> triu(Var<T>, std::ptrdiff_t, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
