// Elements selected one by one along an axis: take_along_axis, gather, scatter and scatter_add.
#include "base/odometer.hpp"
#include "ops/attributes/indexing.hpp"
#include "ops/composite_registry.hpp"
#include "ops/indexing.hpp"
#include "ops/view_transpose.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>

#include <algorithm>

namespace wengert {
namespace {

// Calls visit(i, offset in x) for each element i of `chosen`, in row-major order, with the element of x that it
// selects. x and indices may be larger than `chosen`; extents of 1 repeat. x may have any extent along the axis.
template <class Visit>
void each_chosen(const IndexedAxis& along, const Layout& x, Value<const std::int64_t> indices, const Shape& chosen,
                 const Visit& visit) {
  if (chosen.empty()) {  // a scalar is a line of one element
    along.place(indices, 0, 1);
    return visit(std::size_t{0}, std::ptrdiff_t{0});
  }
  const std::size_t rank = chosen.rank(), last = rank - 1;
  std::array<std::ptrdiff_t, max_rank> x_strides{}, index_strides{};
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (axis != along.axis && x.shape[axis] != 1) x_strides[axis] = x.strides[axis];
    if (indices.shape()[axis] != 1) index_strides[axis] = indices.layout->strides[axis];
  }
  const std::size_t extent = x.shape[along.axis];
  const std::ptrdiff_t step = x.strides[along.axis], x_step = x_strides[last], index_step = index_strides[last];
  std::size_t i = 0;
  std::ptrdiff_t row = 0, index = 0;  // offsets in x and in the indices
  const auto move = [&](std::size_t axis, std::ptrdiff_t steps) {
    row += steps * x_strides[axis];
    index += steps * index_strides[axis];
  };
  for (Odometer outer({chosen.begin(), last}); !outer.done(); outer.next(move))
    for (std::size_t j = 0; j < chosen[last]; ++j, ++i) {
      const auto k = static_cast<std::ptrdiff_t>(j);
      const std::size_t place = along.place(indices, static_cast<std::size_t>(index + k * index_step), extent);
      visit(i, row + k * x_step + static_cast<std::ptrdiff_t>(place) * step);
    }
}

// The adjoint of Gather: zeros with elements added at their positions.
struct PutAlongAxis : attributes::IndexedTo {
  static constexpr std::string_view name = "put_along_axis";
  static constexpr std::string_view notation = "y at (i, kᵢⱼ) += xᵢⱼ, from zeros";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape&, const Shape&) const { return to; }
  template <class T>
  void add_to(Value<const T> x, Value<const std::int64_t> indices, Value<T> y) const {
    each_chosen(along, *y.layout, indices, x.shape(),
                [&](std::size_t i, std::ptrdiff_t place) { y.data[place] += x.data[i]; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> indices) const;
  static std::vector<StructuralExample<PutAlongAxis>> examples() {
    return {{{{{"put_along_axis", 1}, {2, 4}}}, {{2, 3}}, {}, {Indices{{0, 3, 0}, {2, -1, 1}}}},
            {{{{"put_along_axis", 0}, {3, 4}}}, {{2, 3}}, {}, {Indices{{0, 2, 0}, {0, 1, -2}}}}};
  }
};

struct Gather : attributes::IndexedTo {
  static constexpr std::string_view name = "gather";
  static constexpr std::string_view notation = "yᵢⱼ = x at (i, kᵢⱼ)";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape&, const Shape&) const { return to; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> indices, Value<T> y) const {
    each_chosen(along, *x.layout, indices, to, [&](std::size_t i, std::ptrdiff_t from) { y.data[i] = x.data[from]; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> indices) const {
    return std::tuple([=, *this] { return scattered(PutAlongAxis{{along, x.shape()}}, g, indices); }, no_gradient);
  }
  static std::vector<StructuralExample<Gather>> examples() {
    const Indices column(xt::dynamic_shape<std::size_t>{2, 1}, -2);
    return {{{{{"gather", 1}, {2, 3}}}, {{2, 4}}, {}, {Indices{{0, 3, 0}, {2, -1, 1}}}},
            {{{{"gather", 0}, {2, 3}}}, {{3, 3}}, {}, {Indices{{0, 2, 0}, {0, 1, -2}}}},
            {{{{"gather", 0}, {2, 3}}}, {{3, 3}}, {}, {column}},
            {{{{"gather", 1}, {2, 1}}}, {{1, 3}}, {}, {column}}};
  }
};

template <class T>
auto PutAlongAxis::vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> indices) const {
  return std::tuple(
      [=, *this] {
        return record(Gather{{along, x.shape()}}, Location::current(), g, indices);
      },
      no_gradient);
}

template <class T>
Var<T> replace(Var<T> x, IndexVar<T> indices, Var<T> source, const IndexedAxis& along, const Location& where);

// Like Gather, but 0 for an index whose position a later index overwrites in `scatter`.
struct LastGather : attributes::Indexed {
  static constexpr std::string_view name = "gather_last";
  static constexpr std::string_view notation = "yᵢⱼ = x at (i, kᵢⱼ), 0 if a later j has the same k";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape&, const Shape& indices) const { return indices; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> indices, Value<T> y) const {
    std::vector<std::size_t> last(x.size());
    const auto each = [&](const auto& visit) { each_chosen(along, *x.layout, indices, y.shape(), visit); };
    each([&](std::size_t i, std::ptrdiff_t place) { last[static_cast<std::size_t>(place)] = i; });
    each([&](std::size_t i, std::ptrdiff_t place) {
      y.data[i] = last[static_cast<std::size_t>(place)] == i ? x.data[place] : T(0);
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> indices) const {
    return std::tuple(
        [=, *this] {
          const Var<T> zeros = broadcast_to(x.tape().constant(T(0)), x.shape());
          return replace(zeros, indices, g, along, Location::current());
        },
        no_gradient);
  }
  static std::vector<StructuralExample<LastGather>> examples() {
    return {{{{"gather_last", 1}}, {{2, 4}}, {}, {Indices{{0, 3, 0}, {2, -1, 1}}}}};
  }
};

struct Scatter : attributes::Indexed {
  static constexpr std::string_view name = "scatter";
  static constexpr std::string_view notation = "y at (i, kᵢⱼ) = sᵢⱼ, elsewhere x";
  static constexpr std::string_view convention = "of several values for one position, the last is used";
  static constexpr std::size_t arity = 3;
  static constexpr std::uint8_t index_inputs = 0b010;

  Shape shape(const Shape& x, const Shape&, const Shape&) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> indices, Value<const T> source, Value<T> y) const {
    std::copy_n(x.data, x.size(), y.data);
    each_chosen(along, *y.layout, indices, indices.shape(),
                [&](std::size_t i, std::ptrdiff_t place) { y.data[place] = source.data[i]; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> indices, Var<T>) const {
    return std::tuple(
        [=, *this] {
          const Var<T> zeros = broadcast_to(g.tape().constant(T(0)), indices.shape());
          return replace(g, indices, zeros, along, Location::current());
        },
        no_gradient, [=, *this] { return record(LastGather{{along}}, Location::current(), g, indices); });
  }
  static std::vector<StructuralExample<Scatter>> examples() {
    return {{{{"scatter", 1}}, {{2, 4}, {2, 3}}, {}, {Indices{{0, 3, 0}, {2, -1, 1}}}},
            {{{"scatter", 0}}, {{3, 4}, {2, 3}}, {}, {Indices{{0, 2, 0}, {0, 1, -2}}}}};
  }
  static std::vector<OpExample> applications() {
    return examples_of(name, {{3, 4}, {5, 1}}, [](auto x) {
      return scatter(x, 0, Indices(xt::dynamic_shape<std::size_t>{3, 1}, -1), x * x);
    });
  }
};

template <class T>
Var<T> replace(Var<T> x, IndexVar<T> indices, Var<T> source, const IndexedAxis& along, const Location& where) {
  return record(Scatter{along}, where, x, indices, source);
}

// ---- checks of the functions' operands -----------------------------------------------------------------------------

// Whether no extent of `indices` exceeds that of x, except along the axis `aside`.
bool fits(const Shape& indices, const Shape& x, std::size_t aside) {
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    if (axis != aside && indices[axis] > x[axis]) return false;
  return true;
}

// Throws ShapeError unless the indices have as many axes as x.
template <class T>
void require_beside(Var<T> x, IndexVar<T> indices, const char* name) {
  if (indices.rank() != x.rank())
    throw ShapeError(name, fmt::format("indices of shape {} for shape {}: must have the same rank",
                                       to_string(indices.shape()), to_string(x.shape())));
}

// Throws ShapeError unless the indices also fit within x, except along the axis.
template <class T>
void require_within(Var<T> x, IndexVar<T> indices, const IndexedAxis& along) {
  require_beside(x, indices, along.caller);
  if (!fits(indices.shape(), x.shape(), along.axis))
    throw ShapeError(along.caller, fmt::format("indices of shape {} for shape {}: may be larger along axis {} only",
                                               to_string(indices.shape()), to_string(x.shape()), along.axis));
}

// The part of the source with the shape of the indices; a scalar is broadcast.
template <class T>
Var<T> source_for(IndexVar<T> indices, const Operand<T>& given, const char* name, const Location& where) {
  const Var<T> source = operand_on(indices.tape(), given, name, where);
  const Shape shape = source.shape(), needed = indices.shape();
  if (shape == needed) return source;
  if (shape.rank() == 0) return broadcast_to(source, needed, where);
  if (shape.rank() != needed.rank() || !fits(needed, shape, needed.rank()))
    throw ShapeError(
        name, fmt::format("a source of shape {} for indices of shape {}: must be at least as large along each axis",
                          to_string(shape), to_string(needed)));
  Section part{.start = {}, .step = {}, .count = needed};
  part.step.fill(1);
  return record(part, where, source);
}

}  // namespace

template <class T>
Var<T> take_along_axis(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis, Location where) {
  constexpr const char* name = "take_along_axis";
  return along_axis(name, x, axis, indices, where, [&](const IndexedAxis& along, IndexVar<T> k) {
    normalise_axis(axis, x.rank(), name);  // a scalar has no axes here, as in NumPy and PyTorch
    require_beside(x, k, name);
    Shape chosen = x.shape();
    chosen[along.axis] = k.shape()[along.axis];
    for (std::size_t i = 0; i < chosen.rank(); ++i) {
      const std::size_t extent = k.shape()[i];
      if (chosen[i] == 1) chosen[i] = extent;
      if (extent != 1 && extent != chosen[i])
        throw ShapeError(name, fmt::format("indices of shape {} for shape {}: must broadcast, except along axis {}",
                                           to_string(k.shape()), to_string(x.shape()), along.axis));
    }
    return record(Gather{{along, chosen}}, where, x, k);
  });
}

template <class T>
Var<T> gather(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices, Location where) {
  return along_axis("gather", x, axis, indices, where, [&](const IndexedAxis& along, IndexVar<T> k) {
    require_within(x, k, along);
    return record(Gather{{along, k.shape()}}, where, x, k);
  });
}

template <class T>
Var<T> scatter(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
               std::type_identity_t<Operand<T>> source, Location where) {
  return along_axis("scatter", x, axis, indices, where, [&](const IndexedAxis& along, IndexVar<T> k) {
    require_within(x, k, along);
    return replace(x, k, source_for<T>(k, source, along.caller, where), along, where);
  });
}

template <class T>
Var<T> scatter_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                   std::type_identity_t<Operand<T>> source, Location where) {
  return along_axis("scatter_add", x, axis, indices, where, [&](const IndexedAxis& along, IndexVar<T> k) {
    require_within(x, k, along);
    const Var<T> added =
        record(PutAlongAxis{{along, x.shape()}}, where, source_for<T>(k, source, along.caller, where), k);
    return add(Operand<T>(x, where), Operand<T>(added, where));
  });
}

namespace {
WENGERT_REGISTER_COMPOSITE(take_along_axis, "yᵢⱼ = x at (i, kᵢⱼ)", "",
                           take_along_axis(reshape(x, {-1, x.shape()[0]}), Indices{{1, -1, 1}}, 1))
WENGERT_REGISTER_COMPOSITE(scatter_add, "x with sᵢⱼ added at (i, kᵢⱼ)", "repeated indices add up",
                           scatter_add(reshape(x, {-1, x.shape()[0]}), 1, Indices{{-1, -1}},
                                       reshape(x* x, {-1, x.shape()[0]})))
}  // namespace

#define WENGERT_INSTANTIATE(T)                                                            \
  template Var<T> take_along_axis(Var<T>, IndexOperand<T>, std::ptrdiff_t, Location);     \
  template Var<T> gather(Var<T>, std::ptrdiff_t, IndexOperand<T>, Location);              \
  template Var<T> scatter(Var<T>, std::ptrdiff_t, IndexOperand<T>, Operand<T>, Location); \
  template Var<T> scatter_add(Var<T>, std::ptrdiff_t, IndexOperand<T>, Operand<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
