// Slices selected along one axis: take, embedding, index_add and masked_select; index, by lists for several axes;
// one_hot.
#include "base/odometer.hpp"
#include "ops/attributes/indexing.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include "ops/indexing.hpp"
#include "ops/positions.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

namespace wengert {

std::size_t IndexedAxis::from_its_end(Value<const std::int64_t> indices, std::size_t element,
                                      std::size_t extent) const {
  const std::int64_t index = indices.data[element];
  const auto count = static_cast<std::int64_t>(extent);
  if (from_end && index < 0 && index >= -count) return static_cast<std::size_t>(index + count);
  throw ValueError(caller, fmt::format("index {} at {}: axis {} has {} elements{}", index,
                                       to_string(unravel(element, indices.shape())), axis, extent,
                                       extent == 0 ? "" : fmt::format(", {} to {}", from_end ? -count : 0, count - 1)));
}

namespace {

// The shape of x with `axis` replaced by the axes of the indices.
Shape replaced_axis(const char* name, const Shape& x, std::size_t axis, const Shape& axes) {
  require_rank(name, x.rank() + axes.rank() - 1);
  Shape result;
  for (std::size_t i = 0; i < axis; ++i) result.push_back(x[i]);
  for (const std::size_t extent : axes) result.push_back(extent);
  for (std::size_t i = axis + 1; i < x.rank(); ++i) result.push_back(x[i]);
  return result;
}

// Calls visit(position in the slices, position in the whole tensor) for each row of `inner` elements.
template <class Visit>
void each_row(const Lines& lines, Value<const std::int64_t> indices, const IndexedAxis& along, const Visit& visit) {
  for (std::size_t o = 0; o < lines.outer; ++o)
    for (std::size_t k = 0; k < indices.size(); ++k)
      visit((o * indices.size() + k) * lines.inner,
            (o * lines.count + along.place(indices, k, lines.count)) * lines.inner);
}

// x as lines along the indexed axis.
Lines lines_of(const Shape& x, const IndexedAxis& along) {
  return along.flat ? Lines({x.elements()}, 0) : Lines(x, along.axis);
}

// The adjoint of Take: zeros with slices added at their positions.
struct PutSlices : attributes::IndexedTo {
  static constexpr std::string_view name = "put_slabs";
  static constexpr std::string_view notation = "y at kⱼ += xⱼ, from zeros";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape&, const Shape&) const { return to; }
  template <class T>
  void add_to(Value<const T> slices, Value<const std::int64_t> indices, Value<T> y) const {
    const Lines lines = lines_of(to, along);
    each_row(lines, indices, along, [&](std::size_t from, std::size_t place) {
      for (std::size_t i = 0; i < lines.inner; ++i) y.data[place + i] += slices.data[from + i];
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> indices) const;
  static std::vector<StructuralExample<PutSlices>> examples() {
    return {{{{{"put_slabs", 0}, {4, 3}}}, {{4, 3}}, {}, {{2, 0, 2, -1}}},
            {{{{"put_slabs", 1}, {2, 3, 2}}}, {{2, 2, 2, 2}}, {}, {Indices{{0, 2}, {1, 2}}}},
            {{{{"put_slabs", 0, true, true}, {3, 2}}}, {{2, 2}}, {}, {Indices{{5, -2}, {1, 5}}}}};
  }
};

struct Take : attributes::Indexed {
  static constexpr std::string_view name = "take";
  static constexpr std::string_view notation = "yⱼ = x at kⱼ";
  static constexpr std::size_t arity = 2;
  static constexpr bool any_extents = true;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape& x, const Shape& indices) const {
    return along.flat ? indices : replaced_axis(along.caller, x, along.axis, indices);
  }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> indices, Value<T> y) const {
    const Lines lines = lines_of(x.shape(), along);
    if (lines.inner == 1)
      each_row(lines, indices, along, [&](std::size_t to, std::size_t from) { y.data[to] = x.data[from]; });
    else
      each_row(lines, indices, along,
               [&](std::size_t to, std::size_t from) { std::copy_n(x.data + from, lines.inner, y.data + to); });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> indices) const {
    return std::tuple([=, *this] { return scattered(PutSlices{{along, x.shape()}}, g, indices); }, no_gradient);
  }
  static std::vector<StructuralExample<Take>> examples() {
    return {{{{"take", 0}}, {{4, 3}}, {}, {{2, 0, 2, -1}}},
            {{{"take", 1}}, {{2, 3, 2}}, {}, {Indices{{0, 2}, {1, 2}}}},
            {{{"take", 0, true, true}}, {{3, 2}}, {}, {Indices{{5, -2}, {1, 5}}}},
            {{{"take", 0}}, {{3}}, {}, {Indices::from_shape({0})}}};
  }
};

template <class T>
auto PutSlices::vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> indices) const {
  return std::tuple([=, *this] { return record(Take{{along}}, Location::current(), g, indices); }, no_gradient);
}

// ---- several lists of indices at once ------------------------------------------------------------------------------

constexpr const char* index_name = "index";

// Indices of two axes as row-major positions in both together, counted from the front.
struct JoinIndices : attributes::JoinIndices {
  static constexpr std::string_view name = "join_indices";
  static constexpr std::string_view notation = "i·n + j, for j along an axis of n elements";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b11;
  static constexpr bool index_output = true;

  Shape shape(const Shape& a, const Shape& b) const {
    const auto both = broadcast_shapes(a, b);
    if (!both)
      throw ShapeError(index_name, fmt::format("indices of shapes {} and {}: must broadcast against each other",
                                               to_string(a), to_string(b)));
    return *both;
  }
  template <class T>
  void forward(Value<const std::int64_t> a, Value<const std::int64_t> b, Value<T> y) const {
    const Shape& shape = y.shape();
    const auto a_strides = broadcast_strides(a, shape), b_strides = broadcast_strides(b, shape);
    std::ptrdiff_t in_a = 0, in_b = 0;
    std::int64_t* to = y.data;
    for (Odometer all({shape.begin(), shape.end()}); !all.done(); all.next([&](std::size_t axis, std::ptrdiff_t steps) {
           in_a += steps * a_strides[axis];
           in_b += steps * b_strides[axis];
         }))
      *to++ = static_cast<std::int64_t>(first.place(a, static_cast<std::size_t>(in_a), first_extent) * second_extent +
                                        second.place(b, static_cast<std::size_t>(in_b), second_extent));
  }
  static std::vector<StructuralExample<JoinIndices>> examples() { return {}; }

 private:
  static std::array<std::ptrdiff_t, max_rank> broadcast_strides(Value<const std::int64_t> x, const Shape& to) {
    std::array<std::ptrdiff_t, max_rank> strides{};
    const std::size_t lead = to.rank() - x.shape().rank();
    for (std::size_t axis = 0; axis < x.shape().rank(); ++axis)
      if (x.shape()[axis] != 1) strides[lead + axis] = x.layout->strides[axis];
    return strides;
  }
};

// The axes that the lists stand for, each counted from the front.
std::vector<std::size_t> axes_of_lists(const Axes& axes, std::size_t lists, const Shape& shape) {
  if (lists == 0) throw ShapeError(index_name, "no lists of indices: expected at least one");
  if (axes.all() ? lists > shape.rank() : lists != axes.count())
    throw AxisError(index_name, fmt::format("{} lists of indices for {} axes: expected {}", lists,
                                            axes.all() ? shape.rank() : axes.count(),
                                            axes.all() ? "at most one for each" : "one for each"));
  std::vector<std::size_t> result(lists);
  std::iota(result.begin(), result.end(), std::size_t{0});
  if (axes.all()) return result;
  axes.bits(shape.rank(), index_name);
  for (std::size_t i = 0; i < lists; ++i) result[i] = normalise_axis(axes.named()[i], shape.rank(), index_name);
  return result;
}

struct OneHot : attributes::OneHot {
  static constexpr std::string_view name = "one_hot";
  static constexpr std::string_view notation = "1 at k, 0 elsewhere";
  static constexpr std::size_t arity = 1;
  static constexpr std::uint8_t index_inputs = 0b1;
  static constexpr bool differentiable = false;

  Shape shape(const Shape& labels) const {
    require_rank(name, labels.rank() + 1);
    Shape y = labels;
    y.push_back(classes);
    return y;
  }
  template <class T>
  void forward(Value<const std::int64_t> labels, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::int64_t label = labels.data[i];
      if (label < 0 || static_cast<std::size_t>(label) >= classes)
        throw ValueError(name, fmt::format("label {} at {}: must be from 0 to {} for {} classes", label,
                                           to_string(unravel(i, labels.shape())),
                                           static_cast<std::ptrdiff_t>(classes) - 1, classes));
      y.data[i * classes + static_cast<std::size_t>(label)] = T(1);
    }
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, IndexVar<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<OneHot>> examples() { return {}; }
};

}  // namespace

template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis, Location where) {
  return along_axis("take", x, axis, indices, where, [&](const IndexedAxis& along, IndexVar<T> k) {
    return record(Take{{along}}, where, x.rank() == 0 ? reshape(x, {1}, where) : x, k);
  });
}

template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, Location where) {
  Tape<T>& tape = tape_of(x, Take::name, where);
  return atomically(tape, where, [&] {
    return record(Take{{{.caller = "take", .flat = true}}}, where, x, indices_on(tape, indices, Take::name, where));
  });
}

template <class T>
IndexVar<T> row_major_positions(const char* caller, const std::vector<IndicesOfAxis<T>>& lists, const Location& where) {
  const auto along = [&](std::size_t i) { return IndexedAxis{caller, static_cast<std::uint8_t>(lists[i].axis)}; };
  IndexVar<T> positions = lists.front().indices;
  std::size_t extent = lists.front().extent;
  for (std::size_t i = 1; i < lists.size(); ++i) {
    const JoinIndices join{{along(0), along(i), extent, lists[i].extent}};
    positions = record(join, where, positions, lists[i].indices);
    extent *= lists[i].extent;
  }
  return positions;
}

template <class T>
Var<T> index(Var<T> x, const std::type_identity_t<List<IndexOperand<T>>>& lists, const Axes& axes, Location where) {
  Tape<T>& tape = tape_of(x, index_name, where);
  return atomically(tape, where, [&] {
    const Shape shape = x.shape();
    const std::vector<std::size_t> of_lists = axes_of_lists(axes, lists.size(), shape);
    std::vector<std::size_t> order(of_lists.size());  // of the lists, by axis
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return of_lists[a] < of_lists[b]; });

    std::vector<IndicesOfAxis<T>> by_axis;
    std::size_t extent = 1;
    std::vector<std::ptrdiff_t> moved, front;
    for (const std::size_t list : order) {
      const std::size_t axis = of_lists[list];
      by_axis.push_back({indices_on(tape, lists.elements()[list], index_name, where), axis, shape[axis]});
      extent *= shape[axis];
      front.push_back(static_cast<std::ptrdiff_t>(moved.size()));
      moved.push_back(static_cast<std::ptrdiff_t>(axis));
    }
    const IndexVar<T> positions = row_major_positions(index_name, by_axis, where);
    const std::size_t count = moved.size();
    std::size_t first = of_lists[order[0]];
    Var<T> from = x;
    if (of_lists[order[count - 1]] - first + 1 != count) {  // not adjacent
      from = moveaxis(x, moved, front, where);
      first = 0;
    }
    if (count > 1) {
      Shape merged;
      for (std::size_t axis = 0; axis < shape.rank(); ++axis)
        if (axis == first)
          merged.push_back(extent);
        else if (axis < first || axis >= first + count)
          merged.push_back(from.shape()[axis]);
      from = reshape(from, merged, where);
    }
    return record(Take{{{index_name, static_cast<std::uint8_t>(first)}}}, where, from, positions);
  });
}

template <class T>
Var<T> embedding(Var<T> table, std::type_identity_t<IndexOperand<T>> indices, Location where) {
  Tape<T>& tape = tape_of(table, "embedding", where);
  return atomically(tape, where, [&] {
    if (table.rank() != 2)
      throw ShapeError("embedding",
                       fmt::format("a table of shape {}: must be a matrix (entries, width)", to_string(table.shape())));
    return record(Take{{{"embedding", 0, false}}}, where, table, indices_on(tape, indices, "embedding", where));
  });
}

template <class T>
Var<T> index_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                 std::type_identity_t<Operand<T>> source, Location where) {
  constexpr const char* name = "index_add";
  if (tape_of(x, name, where); x.rank() == 0)
    return atomically(x.tape(), where, [&] {
      return reshape(index_add(reshape(x, {1}, where), axis, indices, source, where), {}, where);
    });
  return along_axis(name, x, axis, indices, where, [&](const IndexedAxis& along, IndexVar<T> k) {
    Var<T> slices = operand_on(x.tape(), source, name, where);
    if (k.rank() != 1)
      throw ShapeError(name, fmt::format("indices of shape {}: must be a vector", to_string(k.shape())));
    const Shape expected = replaced_axis(name, x.shape(), along.axis, k.shape());
    if (slices.rank() == 0) slices = broadcast_to(slices, expected, where);
    if (slices.shape() != expected)
      throw ShapeError(
          name,
          fmt::format("a source of shape {} for {} indices along axis {} of shape {}: must have the shape {}",
                      to_string(slices.shape()), k.size(), along.axis, to_string(x.shape()), to_string(expected)));
    return add(Operand<T>(x, where), Operand<T>(record(PutSlices{{along, x.shape()}}, where, slices, k), where));
  });
}

template <class T>
Var<T> one_hot(IndexVar<T> labels, std::size_t classes, Location where) {
  return record(OneHot{{classes}}, where, labels);
}

template <class T>
Var<T> masked_select(Var<T> x, std::type_identity_t<Operand<T>> mask, Location where) {
  constexpr const char* name = "masked_select";
  Tape<T>& tape = tape_of(x, name, where);
  return atomically(tape, where, [&] {
    const Var<T> m = operand_on(tape, mask, name, where);
    const auto common = broadcast_shapes(x.shape(), m.shape());
    if (!common)
      throw ShapeError(name, fmt::format("a mask of shape {} for shape {}: they must broadcast against each other",
                                         to_string(m.shape()), to_string(x.shape())));
    tape.require_values(name, "the number of selected elements depends on them; use where(mask, x, 0)", where);
    const Tensor<T> chosen = broadcast_to(m, *common, where).value(where);
    Indices places = Indices::from_shape({static_cast<std::size_t>(
        std::count_if(chosen.data(), chosen.data() + chosen.size(), [](T v) { return v != 0; }))});
    for (std::size_t i = 0, next = 0; next < places.size(); ++i) {  // without a branch that depends on the mask
      places.data()[next] = static_cast<std::int64_t>(i);
      next += chosen.data()[i] != 0 ? 1 : 0;
    }
    const Var<T> all = x.shape() == *common ? x : broadcast_to(x, *common, where);
    return record(Take{{{.caller = name, .flat = true}}}, where, all, tape.indices(places, where));
  });
}

namespace {

WENGERT_REGISTER_COMPOSITE(index, "x at (i, j, …)", "repeated positions add up in the gradient",
                           index(x, {x.rank() == 2 ? Indices{0, -1, 0} : Indices{0, -1}, Indices{0}}))
WENGERT_REGISTER_COMPOSITE(embedding, "the rows of x at k", "negative indices are rejected",
                           embedding(reshape(x, {x.shape()[0], -1}), {1, 0, 1}))
WENGERT_REGISTER_COMPOSITE(index_add, "x with slices added at k", "repeated indices add up",
                           index_add(x, 0, {1, 0, 1}, take(x* x, {0, 1, 0}, 0)))
WENGERT_REGISTER_COMPOSITE(masked_select, "the elements of x where a mask is not 0", "",
                           masked_select(x, tril(0 * x + 1)))

}  // namespace

#define WENGERT_INSTANTIATE(T)                                                                                  \
  template Var<T> take(Var<T>, IndexOperand<T>, std::ptrdiff_t, Location);                                      \
  template Var<T> take(Var<T>, IndexOperand<T>, Location);                                                      \
  template IndexVar<T> row_major_positions(const char*, const std::vector<IndicesOfAxis<T>>&, const Location&); \
  template Var<T> index(Var<T>, const List<IndexOperand<T>>&, const Axes&, Location);                           \
  template Var<T> embedding(Var<T>, IndexOperand<T>, Location);                                                 \
  template Var<T> index_add(Var<T>, std::ptrdiff_t, IndexOperand<T>, Operand<T>, Location);                     \
  template Var<T> one_hot(IndexVar<T>, std::size_t, Location);                                                  \
  template Var<T> masked_select(Var<T>, Operand<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
