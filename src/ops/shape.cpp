// reshape, transpose and broadcast_to as views, the functions built on them, and contiguous copies.
#include "ops/attributes/axes.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert {
namespace {

// ---- reshape -------------------------------------------------------------------------------------------------------

void check_elements(const Shape& from, std::size_t elements, const Shape& to) {
  if (elements != to.elements())
    throw ShapeError("reshape", fmt::format("shape {} to {}: {} elements cannot become {}", to_string(from),
                                            to_string(to), elements, to.elements()));
}

struct Reshape : attributes::Target {
  static constexpr std::string_view name = "reshape";
  static constexpr std::string_view notation = "the elements of x in another shape";
  static constexpr std::size_t arity = 1;
  static Text text(const Text& x) { return x; }

  bool view(const Layout& input, Layout& out, std::ptrdiff_t&) const {
    check_elements(input.shape, input.size, to);
    const std::optional<Layout> layout = reshaped_layout(input, to);
    out = layout ? *layout : contiguous_layout(to);
    return layout.has_value();
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    return reshape(g, x.shape());
  }
  static std::vector<StructuralExample<Reshape>> examples() {
    return {{Reshape{{{6, 2}}}, {{3, 4}}}, {Reshape{}, {{1, 1}}}};
  }
  static std::vector<OpExample> applications() {
    return examples_of(name, {{3, 4}, {2, 3, 4}}, [](auto x) { return reshape(x, {x.shape().back(), -1}); });
  }
};

// Of indices, as a copy.
struct ReshapeIndices : attributes::Target {
  static constexpr std::string_view name = "reshape_indices";
  static constexpr std::string_view notation = "the elements of k in another shape";
  static constexpr std::size_t arity = 1;
  static constexpr std::uint8_t index_inputs = 0b1;
  static constexpr bool index_output = true;
  static Text text(const Text& x) { return x; }

  Shape shape(const Shape& x) const {
    check_elements(x, x.elements(), to);
    return to;
  }
  void forward(Value<const std::int64_t> x, Value<std::int64_t> y) const { std::copy_n(x.data, x.size(), y.data); }
  static std::vector<StructuralExample<ReshapeIndices>> examples() { return {}; }
};

// ---- transpose -----------------------------------------------------------------------------------------------------

struct Transpose : attributes::Transpose {
  static constexpr std::string_view name = "transpose";
  static constexpr std::string_view notation = "xᵀ";
  static constexpr std::size_t arity = 1;
  static constexpr bool any_extents = true;

  static Text text(const Text& x) { return Text::postfix(x, "ᵀ", "^{\\top}"); }
  bool view(const Layout& input, Layout& out, std::ptrdiff_t&) const {
    Shape shape = input.shape;
    std::array<std::ptrdiff_t, max_rank> strides{};
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      shape[axis] = input.shape[order[axis]];
      strides[axis] = input.strides[order[axis]];
    }
    out = strided_layout(shape, strides);
    return true;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    Transpose inverse;
    for (std::size_t axis = 0; axis < g.rank(); ++axis) inverse.order[order[axis]] = static_cast<std::uint8_t>(axis);
    return record(inverse, Location::current(), g);
  }
  static std::vector<StructuralExample<Transpose>> examples() {
    return {{{{1, 0}}, {{3, 4}}}, {{{2, 0, 1}}, {{2, 3, 4}}}};
  }
};

// ---- broadcast_to --------------------------------------------------------------------------------------------------

struct BroadcastTo : attributes::Target {
  static constexpr std::string_view name = "broadcast_to";
  static constexpr std::string_view notation = "x repeated to a shape";
  static constexpr std::size_t arity = 1;
  static Text text(const Text& x) { return x; }

  bool view(const Layout& input, Layout& out, std::ptrdiff_t&) const {
    if (broadcast_shapes(input.shape, to) != to)
      throw ShapeError(
          name,
          fmt::format("shape {} does not broadcast to {}: aligned from the last axis, each extent must be equal or 1",
                      to_string(input.shape), to_string(to)));
    std::array<std::ptrdiff_t, max_rank> strides{};
    const std::size_t lead = to.rank() - input.rank();
    for (std::size_t axis = 0; axis < input.rank(); ++axis)
      strides[lead + axis] = input.shape[axis] == 1 && to[lead + axis] != 1 ? 0 : input.strides[axis];
    out = strided_layout(to, strides);
    return true;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    return sum_to(g, x.shape());
  }
  static std::vector<StructuralExample<BroadcastTo>> examples() {
    return {{{{{3, 4}}}, {{4}}}, {{{{3, 4}}}, {{3, 1}}}, {{{{2, 3}}}, {{}}}, {{{{2, 3, 2}}}, {{2, 1, 2}}}};
  }
  static std::vector<OpExample> applications() {  // adds an axis, and repeats extents of 1 three times
    return examples_of(name, {{3, 1}, {4}, {1, 2}}, [](auto x) {
      Shape larger{2};
      for (const std::size_t extent : x.shape()) larger.push_back(extent == 1 ? 3 : extent);
      return broadcast_to(x, larger);
    });
  }
};

// ---- contiguous ----------------------------------------------------------------------------------------------------

struct Contiguous {
  static constexpr std::string_view name = "contiguous";
  static constexpr std::string_view notation = "x copied to row-major order";
  static constexpr std::size_t arity = 1;
  static Text text(const Text& x) { return x; }
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    copy_elements(x, y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return g;
  }
  static std::vector<StructuralExample<Contiguous>> examples() { return {{{}, {{3, 4}}}}; }
};

}  // namespace

void NewShape::append(std::ptrdiff_t extent, const Location& where) {
  if (extent < -1 || (extent == -1 && unknown_ != max_rank))
    throw ShapeError(Reshape::name, fmt::format("extent {}: must not be negative, except for one −1", extent), where);
  if (shape_.rank() == max_rank)
    throw ShapeError(Reshape::name,
                     fmt::format("more than {0} extents: a tensor on a tape has at most {0} axes", max_rank), where);
  if (extent == -1) unknown_ = shape_.rank();
  shape_.push_back(extent == -1 ? 1 : static_cast<std::size_t>(extent));
}

Shape NewShape::of(std::size_t elements) const {
  Shape result = shape_;
  if (unknown_ == max_rank) return result;
  const std::size_t others = shape_.elements();
  if (others == 0 || elements % others != 0)
    throw ShapeError(
        Reshape::name,
        fmt::format("{} elements cannot be divided into rows of {}: no extent fits in place of −1", elements, others));
  result[unknown_] = elements / others;
  return result;
}

// ---- functions -----------------------------------------------------------------------------------------------------

template <class T>
Var<T> reshape(Var<T> x, const std::type_identity_t<NewShape>& shape, Location where) {
  return atomically(tape_of(x, Reshape::name, where), where,
                    [&] { return record(Reshape{{shape.of(x.size())}}, where, x); });
}

template <class T>
IndexVar<T> reshape(IndexVar<T> x, const std::type_identity_t<NewShape>& shape, Location where) {
  return atomically(tape_of(x.handle(), Reshape::name, where), where,
                    [&] { return record(ReshapeIndices{{shape.of(x.size())}}, where, x); });
}

template <class T>
Var<T> flatten(Var<T> x, std::ptrdiff_t first, std::ptrdiff_t last, Location where) {
  return atomically(tape_of(x, "flatten", where), where, [&] {
    const Shape from = x.rank() == 0 ? Shape{1} : x.shape();
    const std::size_t begin = normalise_axis(first, from.rank(), "flatten");
    const std::size_t end = normalise_axis(last, from.rank(), "flatten");
    if (begin > end)
      throw AxisError("flatten", fmt::format("axes {} to {} of shape {}: the first comes after the last", first, last,
                                             to_string(from)));
    Shape to;
    for (std::size_t axis = 0; axis < from.rank(); ++axis)
      if (axis > begin && axis <= end)
        to[begin] *= from[axis];
      else
        to.push_back(from[axis]);
    return record(Reshape{{to}}, where, x);
  });
}

template <class T>
Var<T> expand_dims(Var<T> x, const Axes& axes, Location where) {
  return atomically(tape_of(x, "expand_dims", where), where, [&] {
    const Shape from = x.shape();
    const std::size_t rank = from.rank() + axes.count();
    require_rank("expand_dims", rank);
    const std::uint32_t added = axes.all() ? 0 : axes.bits(rank, "expand_dims");
    Shape to;
    for (std::size_t axis = 0, next = 0; axis < rank; ++axis) to.push_back((added >> axis & 1) != 0 ? 1 : from[next++]);
    return record(Reshape{{to}}, where, x);
  });
}

template <class T>
Var<T> squeeze(Var<T> x, const Axes& axes, Location where) {
  return atomically(tape_of(x, "squeeze", where), where, [&] {
    const Shape from = x.shape();
    const std::uint32_t named = axes.bits(from.rank(), "squeeze");
    Shape to;
    for (std::size_t axis = 0; axis < from.rank(); ++axis) {
      const bool drop = (named >> axis & 1) != 0;
      if (drop && !axes.all() && from[axis] != 1)
        throw ShapeError(
            "squeeze", fmt::format("axis {} of shape {} has {} elements: only an axis of extent 1 can be removed", axis,
                                   to_string(from), from[axis]));
      if (!drop || from[axis] != 1) to.push_back(from[axis]);
    }
    return record(Reshape{{to}}, where, x);
  });
}

template <class T>
Var<T> transpose(Var<T> x, const Axes& axes, Location where) {
  return atomically(tape_of(x, Transpose::name, where), where, [&] {
    Transpose op;
    const std::size_t rank = x.rank();
    if (axes.all()) {
      for (std::size_t axis = 0; axis < rank; ++axis) op.order[axis] = static_cast<std::uint8_t>(rank - 1 - axis);
      return record(op, where, x);
    }
    const std::span<const std::ptrdiff_t> order = axes.named();
    std::array<bool, max_rank> seen{};
    std::size_t axis = 0;
    bool once = order.size() == rank;
    for (auto from = order.begin(); from != order.end() && once; ++from) {
      const std::size_t k = normalise_axis(*from, rank, Transpose::name);
      once = !std::exchange(seen[k], true);
      op.order[axis++] = static_cast<std::uint8_t>(k);
    }
    if (!once)
      throw AxisError(Transpose::name, fmt::format("order ({}) of a tensor of rank {}: every axis must be named once",
                                                   fmt::join(order, ", "), rank));
    return record(op, where, x);
  });
}

template <class T>
Var<T> swapaxes(Var<T> x, std::ptrdiff_t a, std::ptrdiff_t b, Location where) {
  return atomically(tape_of(x, "swapaxes", where), where, [&] {
    Transpose op;
    const std::size_t rank = x.rank();
    for (std::size_t axis = 0; axis < rank; ++axis) op.order[axis] = static_cast<std::uint8_t>(axis);
    std::swap(op.order[normalise_axis_or_scalar(a, rank, "swapaxes")],
              op.order[normalise_axis_or_scalar(b, rank, "swapaxes")]);
    return record(op, where, x);
  });
}

template <class T>
Var<T> moveaxis(Var<T> x, const Axes& from, const Axes& to, Location where) {
  constexpr const char* name = "moveaxis";
  return atomically(tape_of(x, name, where), where, [&] {
    if (from.count() != to.count() || from.count() == 0)
      throw AxisError(name, fmt::format("{} axes to move to {} positions: expected equal numbers, at least 1",
                                        from.count(), to.count()));
    Transpose op;
    const std::size_t rank = x.rank();
    const std::uint32_t moved = from.bits(rank, name), taken = to.bits(rank, name);
    for (std::size_t i = 0; i < from.count(); ++i)
      op.order[normalise_axis_or_scalar(to.named()[i], rank, name)] =
          static_cast<std::uint8_t>(normalise_axis_or_scalar(from.named()[i], rank, name));
    std::uint8_t next = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if ((taken >> axis & 1) != 0) continue;
      while ((moved >> next & 1) != 0) ++next;
      op.order[axis] = next++;
    }
    return record(op, where, x);
  });
}

template <class T>
Var<T> broadcast_to(Var<T> x, const std::type_identity_t<Shape>& shape, Location where) {
  return record(BroadcastTo{{shape}}, where, x);
}

template <class T>
Var<T> sum_to(Var<T> x, const std::type_identity_t<Shape>& shape, Location where) {
  tape_of(x, "sum_to", where);
  const Shape from = x.shape();
  if (from == shape) return x;
  if (broadcast_shapes(shape, from) != from)
    throw ShapeError(
        "sum_to",
        fmt::format("shape {} to {}: the result must broadcast to the operand", to_string(from), to_string(shape)),
        where);
  const std::size_t lead = from.rank() - shape.rank();
  std::array<std::ptrdiff_t, max_rank> axes{};
  std::size_t count = 0;
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    if (axis < lead || (shape[axis - lead] == 1 && from[axis] != 1)) axes[count++] = static_cast<std::ptrdiff_t>(axis);
  const Var<T> reduced = sum(x, Axes(std::span<const std::ptrdiff_t>(axes.data(), count)), {}, where);
  return reduced.shape() == shape ? reduced : reshape(reduced, shape, where);
}

template <class T>
Var<T> contiguous(Var<T> x, Location where) {
  return tape_of(x, Contiguous::name, where).node(x, Contiguous::name).layout->contiguous
             ? x
             : record(Contiguous{}, where, x);
}

#define WENGERT_INSTANTIATE(T)                                                                \
  template Var<T> reshape(Var<T>, const std::type_identity_t<NewShape>&, Location);           \
  template IndexVar<T> reshape(IndexVar<T>, const std::type_identity_t<NewShape>&, Location); \
  template Var<T> flatten(Var<T>, std::ptrdiff_t, std::ptrdiff_t, Location);                  \
  template Var<T> expand_dims(Var<T>, const Axes&, Location);                                 \
  template Var<T> squeeze(Var<T>, const Axes&, Location);                                     \
  template Var<T> transpose(Var<T>, const Axes&, Location);                                   \
  template Var<T> swapaxes(Var<T>, std::ptrdiff_t, std::ptrdiff_t, Location);                 \
  template Var<T> moveaxis(Var<T>, const Axes&, const Axes&, Location);                       \
  template Var<T> broadcast_to(Var<T>, const std::type_identity_t<Shape>&, Location);         \
  template Var<T> sum_to(Var<T>, const std::type_identity_t<Shape>&, Location);               \
  template Var<T> contiguous(Var<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
