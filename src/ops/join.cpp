// concatenate, stack, split, chunk, tile, repeat, roll and pad, built on one concatenation op and on views.
#include "ops/attributes/axes.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include "ops/view_transpose.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/join.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert {
namespace {

// The elements [begin, end) of one axis.
template <class T>
Var<T> section(Var<T> x, std::size_t axis, std::size_t begin, std::size_t end, const Location& where) {
  Section part{.start = {}, .step = {}, .count = x.shape()};
  part.step.fill(1);
  part.start[axis] = begin;
  part.count[axis] = end - begin;
  return record(part, where, x);
}

struct Concatenate : attributes::Concatenate {
  static constexpr std::string_view name = "concatenate";
  static constexpr std::string_view notation = "x₁, x₂, … one after another";
  static constexpr std::size_t arity = any_number;
  static constexpr bool any_extents = true;
  static constexpr bool takes_strides = true;

  Shape shape(std::span<const Shape* const> parts) const {
    Shape result = *parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const Shape& part = *parts[i];
      bool fits = part.rank() == result.rank();
      for (std::size_t k = 0; k < result.rank() && fits; ++k) fits = k == axis || part[k] == result[k];
      if (!fits)
        throw ShapeError(name, fmt::format("shapes {} and {} (operand {}): extents may differ along axis {} only",
                                           to_string(*parts[0]), to_string(part), i + 1, axis));
      result[axis] += part[axis];
    }
    return result;
  }
  template <class T>
  void forward(std::span<const Value<const T>> parts, Value<T> y) const {
    Layout target = *y.layout;
    for (const Value<const T>& part : parts) {
      target.shape = part.shape();
      target.size = part.size();
      copy_elements(part, {y.data, &target});
      y.data += static_cast<std::ptrdiff_t>(part.shape()[axis]) * target.strides[axis];
    }
  }
  template <class T>
  void vjp(Pullback<T>& pullback) const {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < pullback.arity(); ++i) {
      const std::size_t end = begin + pullback.input(i).shape()[axis];
      if (pullback.needs(i)) pullback.give(i, section(pullback.cotangent(), axis, begin, end, Location::current()));
      begin = end;
    }
  }
  static std::vector<StructuralExample<Concatenate>> examples() {
    return {{{0}, {{3}, {2}}}, {{1}, {{2, 1, 2}, {2, 3, 2}, {2, 2, 2}}}, {{0}, {{2, 2}}}};
  }
};

template <class T>
Tape<T>& tape_of_first(std::span<const Var<T>> parts, std::string_view name, const Location& where) {
  if (parts.empty()) throw ShapeError(name, "no tensors: expected at least one", where);
  return tape_of(parts[0], name, where);
}

// The views between adjacent borders.
template <class T>
std::vector<Var<T>> cut(Var<T> x, std::size_t axis, std::span<const std::size_t> borders, const Location& where) {
  std::vector<Var<T>> pieces;
  for (std::size_t i = 0; i + 1 < borders.size(); ++i)
    pieces.push_back(section(x, axis, borders[i], borders[i + 1], where));
  return pieces;
}

// The borders of sections of equal extent, and those at given positions.
std::vector<std::size_t> borders_of_sections(std::ptrdiff_t sections, const Shape& shape, std::size_t axis) {
  const auto extent = static_cast<std::ptrdiff_t>(shape[axis]);
  if (sections <= 0 || extent % sections != 0)
    throw ShapeError(
        "split",
        fmt::format("axis {} of shape {} into {} sections: not divisible evenly; chunk() makes the last one shorter",
                    axis, to_string(shape), sections));
  std::vector<std::size_t> borders;
  for (std::ptrdiff_t i = 0; i <= sections; ++i) borders.push_back(static_cast<std::size_t>(i * (extent / sections)));
  return borders;
}
std::vector<std::size_t> borders_at(const Integers& positions, std::size_t extent, std::size_t axis) {
  const auto end = static_cast<std::ptrdiff_t>(extent);
  std::vector<std::size_t> borders{0};
  for (const std::ptrdiff_t position : positions) {
    const std::ptrdiff_t border = position < 0 ? position + end : position;
    if (border < static_cast<std::ptrdiff_t>(borders.back()) || border > end)
      throw ValueError(
          "split",
          fmt::format("position {} of axis {}: must be between the previous one, {}, and the end of the axis, {}",
                      position, axis, borders.back(), extent));
    borders.push_back(static_cast<std::size_t>(border));
  }
  borders.push_back(extent);
  return borders;
}

// The extents of x as three axes: those before `axis`, `axis` itself, and those after it.
Shape around(const Shape& shape, std::size_t axis) {
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, std::size_t{1}, std::multiplies<>());
  };
  return {product(shape.begin(), shape.begin() + axis), shape[axis], product(shape.begin() + axis + 1, shape.end())};
}

// `count` copies of each row of x as (outer, rest), reshaped to `result`.
template <class T>
Var<T> copies(Var<T> x, std::size_t outer, std::size_t rest, std::size_t count, const Shape& result,
              const Location& where) {
  return reshape(broadcast_to(reshape(x, {outer, 1, rest}, where), {outer, count, rest}, where), result, where);
}

template <class T>
Var<T> rolled(Var<T> x, std::ptrdiff_t shift, std::size_t axis, const Location& where) {
  const std::size_t extent = x.shape()[axis];
  if (extent == 0) return x;
  const auto n = static_cast<std::ptrdiff_t>(extent);
  const auto border = static_cast<std::size_t>((n - shift % n) % n);
  if (border == 0) return x;
  const Var<T> parts[] = {section(x, axis, border, extent, where), section(x, axis, 0, border, where)};
  return record(Concatenate{axis}, where, std::span<const Var<T>>(parts));
}

// x with an axis extended by repeating its edge or by reflection.
template <class T>
Var<T> extended(Var<T> x, std::size_t axis, PadWidth padding, PadMode mode, const Location& where) {
  const Shape shape = x.shape();
  const std::size_t extent = shape[axis];
  if (mode == PadMode::edge ? extent == 0 : std::max(padding.before, padding.after) >= extent)
    throw ShapeError(
        "pad", fmt::format("({}, {}) at axis {} of shape {}: {}", padding.before, padding.after, axis, to_string(shape),
                           mode == PadMode::edge ? "there is no edge element to repeat"
                                                 : "a reflection must be shorter than the axis"));
  const auto side = [&](std::size_t count, std::size_t edge, std::size_t begin, std::size_t end) {
    if (mode == PadMode::reflect)
      return flip(section(x, axis, begin, end, where), static_cast<std::ptrdiff_t>(axis), where);
    Shape wide = shape;
    wide[axis] = count;
    return broadcast_to(section(x, axis, edge, edge + 1, where), wide, where);
  };
  std::vector<Var<T>> parts;
  if (padding.before > 0) parts.push_back(side(padding.before, 0, 1, 1 + padding.before));
  parts.push_back(x);
  if (padding.after > 0) parts.push_back(side(padding.after, extent - 1, extent - 1 - padding.after, extent - 1));
  return parts.size() == 1 ? x : record(Concatenate{axis}, where, std::span<const Var<T>>(parts));
}

template <class T>
Var<T> pad_constant(Var<T> x, std::span<const PadWidth> paddings, double value, const Location& where) {
  const Shape shape = x.shape();
  ViewTranspose<Section> op{.seen = {.start = {}, .step = {}, .count = shape}, .to = shape, .fill = value};
  op.seen.step.fill(1);
  for (std::size_t i = 0; i < paddings.size(); ++i) {
    const std::size_t axis = shape.rank() - paddings.size() + i;
    op.seen.start[axis] = paddings[i].before;
    std::size_t& extent = op.to[axis];
    if (__builtin_add_overflow(extent, paddings[i].before, &extent) ||
        __builtin_add_overflow(extent, paddings[i].after, &extent))
      throw ShapeError("pad", "more elements than memory can hold");
  }
  return record(op, where, x);
}

WENGERT_REGISTER_COMPOSITE(stack, "x₁, x₂, … along a new axis", "", stack({x, x* x}, 1))
WENGERT_REGISTER_COMPOSITE(tile, "x repeated as a whole", "", tile(x, {2, 3}))
WENGERT_REGISTER_COMPOSITE(repeat, "each element of x repeated", "", repeat(x, 3, 0))
WENGERT_REGISTER_COMPOSITE(roll, "yᵢ = x₍ᵢ₋ₛ₎ mod n", "", roll(x, 1, -1))
WENGERT_REGISTER_COMPOSITE(split, "the pieces of x", "", split(x, {1}, 0)[0])
WENGERT_REGISTER_COMPOSITE(split_with_sizes, "the pieces of x", "", split_with_sizes(x, {1, x.shape()[0] - 1}, 0)[1])
WENGERT_REGISTER_COMPOSITE(chunk, "the pieces of x", "the last may be shorter", chunk(x, 2, 0)[0])

}  // namespace

template <class T>
Var<T> concatenate(std::span<const Var<T>> parts, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of_first(parts, Concatenate::name, where), where, [&] {
    return record(Concatenate{normalise_axis(axis, parts[0].rank(), Concatenate::name)}, where, parts);
  });
}

template <class T>
Var<T> stack(std::span<const Var<T>> parts, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of_first(parts, "stack", where), where, [&] {
    const Shape shape = parts[0].shape();
    const std::size_t place = normalise_axis(axis, shape.rank() + 1, "stack");
    std::vector<Var<T>> raised;
    require_rank("stack", shape.rank() + 1);
    for (const Var<T>& part : parts) {
      const std::size_t operand = raised.size() + 1;
      check_operand(parts[0].tape(), part, "stack", where, "operand {}", operand);
      if (part.shape() != shape)
        throw ShapeError("stack", fmt::format("shapes {} and {} (operand {}): must be equal", to_string(shape),
                                              to_string(part.shape()), operand));
      raised.push_back(expand_dims(part, static_cast<std::ptrdiff_t>(place), where));
    }
    return record(Concatenate{place}, where, std::span<const Var<T>>(raised));
  });
}

template <class T>
std::vector<Var<T>> split(Var<T> x, const Integers& sections_or_positions, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of(x, "split", where), where, [&] {
    const std::size_t along = normalise_axis(axis, x.rank(), "split");
    const std::size_t extent = x.shape()[along];
    return cut(x, along,
               sections_or_positions.is_one() ? borders_of_sections(sections_or_positions[0], x.shape(), along)
                                              : borders_at(sections_or_positions, extent, along),
               where);
  });
}

template <class T>
std::vector<Var<T>> split_with_sizes(Var<T> x, const Integers& sizes, std::ptrdiff_t axis, Location where) {
  constexpr const char* name = "split_with_sizes";
  return atomically(tape_of(x, name, where), where, [&] {
    const std::size_t along = normalise_axis(axis, x.rank(), name), extent = x.shape()[along];
    std::vector<std::size_t> borders{0};
    for (const std::ptrdiff_t size : sizes) {
      if (size < 0) throw ValueError(name, fmt::format("size {}: must not be negative", size));
      borders.push_back(borders.back() + std::min(static_cast<std::size_t>(size), extent + 1));  // without overflow
    }
    if (borders.back() != extent)
      throw ShapeError(name, fmt::format("sizes ({}) for axis {} of shape {}: must add up to {}",
                                         fmt::join(sizes, ", "), along, to_string(x.shape()), extent));
    return cut(x, along, borders, where);
  });
}

template <class T>
std::vector<Var<T>> chunk(Var<T> x, std::size_t chunks, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of(x, "chunk", where), where, [&] {
    if (chunks == 0) throw ValueError("chunk", "0 chunks: expected at least 1");
    const std::size_t along = normalise_axis(axis, x.rank(), "chunk");
    const std::size_t extent = x.shape()[along];
    const std::size_t length = std::max<std::size_t>((extent + chunks - 1) / chunks, 1);
    std::vector<std::size_t> borders{0};
    do borders.push_back(std::min(borders.back() + length, extent));
    while (borders.back() < extent);
    return cut(x, along, borders, where);
  });
}

template <class T>
Var<T> tile(Var<T> x, const Integers& counts, Location where) {
  return atomically(tape_of(x, "tile", where), where, [&] {
    for (const std::ptrdiff_t count : counts)
      if (count < 0) throw ValueError("tile", fmt::format("count {}: must not be negative", count));
    Shape shape = x.shape();
    if (counts.size() > shape.rank()) {
      require_rank("tile", counts.size());
      const Shape inner = shape;
      shape = {};
      for (std::size_t i = inner.rank(); i < counts.size(); ++i) shape.push_back(1);
      for (const std::size_t extent : inner) shape.push_back(extent);
    }
    Var<T> result = shape == x.shape() ? x : reshape(x, shape, where);
    std::size_t axis = shape.rank();
    for (std::size_t i = counts.size(); i-- > 0;) {
      const auto count = static_cast<std::size_t>(counts[i]);
      const Shape parts = around(shape, --axis);
      shape[axis] *= count;
      if (count != 1) result = copies(result, parts[0], parts[1] * parts[2], count, shape, where);
    }
    return result;
  });
}

template <class T>
Var<T> repeat(Var<T> x, std::size_t count, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of(x, "repeat", where), where, [&] {
    Shape shape = x.shape();
    const std::size_t along = normalise_axis(axis, shape.rank(), "repeat");
    const Shape parts = around(shape, along);
    shape[along] *= count;
    return copies(x, parts[0] * parts[1], parts[2], count, shape, where);
  });
}

template <class T>
Var<T> roll(Var<T> x, const Integers& shifts, const Axes& axes, Location where) {
  return atomically(tape_of(x, "roll", where), where, [&] {
    if (axes.all() && shifts.is_one())
      return reshape(rolled(reshape(x, {x.size()}, where), shifts[0], 0, where), x.shape(), where);
    if (!shifts.is_one() && shifts.size() != axes.count())
      throw AxisError("roll",
                      fmt::format("{} shifts for {} axes: there must be one for each", shifts.size(), axes.count()));
    Var<T> result = x;
    for (std::size_t i = 0; i < axes.count(); ++i)
      result =
          rolled(result, shifts[shifts.is_one() ? 0 : i], normalise_axis(axes.named()[i], x.rank(), "roll"), where);
    return result;
  });
}

template <class T>
Var<T> pad(Var<T> x, const List<PadWidth>& paddings, PadMode mode, double value, Location where) {
  return atomically(tape_of(x, "pad", where), where, [&] {
    if (paddings.size() > x.rank())
      throw ShapeError("pad", fmt::format("{} paddings for shape {}: at most one for each axis", paddings.size(),
                                          to_string(x.shape())));
    if (mode == PadMode::constant) return pad_constant<T>(x, paddings.elements(), value, where);
    Var<T> result = x;
    std::size_t axis = x.rank() - paddings.size();
    for (const PadWidth& padding : paddings) result = extended(result, axis++, padding, mode, where);
    return result;
  });
}

#define WENGERT_INSTANTIATE(T)                                                                      \
  template Var<T> concatenate(std::span<const Var<T>>, std::ptrdiff_t, Location);                   \
  template Var<T> stack(std::span<const Var<T>>, std::ptrdiff_t, Location);                         \
  template std::vector<Var<T>> split(Var<T>, const Integers&, std::ptrdiff_t, Location);            \
  template std::vector<Var<T>> split_with_sizes(Var<T>, const Integers&, std::ptrdiff_t, Location); \
  template std::vector<Var<T>> chunk(Var<T>, std::size_t, std::ptrdiff_t, Location);                \
  template Var<T> tile(Var<T>, const Integers&, Location);                                          \
  template Var<T> repeat(Var<T>, std::size_t, std::ptrdiff_t, Location);                            \
  template Var<T> roll(Var<T>, const Integers&, const Axes&, Location);                             \
  template Var<T> pad(Var<T>, const List<PadWidth>&, PadMode, double, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
