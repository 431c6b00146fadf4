// dot, outer and tensordot.
#include "ops/contraction.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

using namespace detail;

struct AxisPair {
  std::size_t a, b;
};

// The sum of products over pairs of axes.
template <class T>
Var<T> contract(std::string_view name, Var<T> a, Var<T> b, std::span<const AxisPair> pairs, const Location& where) {
  const Shape shape_a = a.shape(), shape_b = b.shape();
  Labelled<T> left{a, {}}, right{b, {}};
  for (std::size_t axis = 0; axis < shape_a.rank(); ++axis) left.labels.push_back(static_cast<std::uint8_t>(axis));
  for (std::size_t axis = 0; axis < shape_b.rank(); ++axis)
    right.labels.push_back(static_cast<std::uint8_t>(max_rank + axis));
  LabelSet summed = 0;
  for (const AxisPair& pair : pairs) {
    if (shape_a[pair.a] != shape_b[pair.b])
      throw ShapeError(
          name, fmt::format("shapes {} and {}: axis {} of the first has {} elements, axis {} of the second {}",
                            to_string(shape_a), to_string(shape_b), pair.a, shape_a[pair.a], pair.b, shape_b[pair.b]));
    right.labels[pair.b] = left.labels[pair.a];
    summed |= set_of(left.labels[pair.a]);
  }
  const std::size_t rank = shape_a.rank() + shape_b.rank() - 2 * pairs.size();
  if (rank > max_rank)
    throw ShapeError(name, fmt::format("shapes {} and {}: the result has {} axes, at most {} are possible",
                                       to_string(shape_a), to_string(shape_b), rank, max_rank));
  return join(left, right, ~summed, where).value;
}

// The named axes in order, each counted from the front.
std::vector<std::size_t> named_axes(const Axes& axes, std::size_t rank) {
  std::vector<std::size_t> result;
  for (const std::ptrdiff_t axis : axes.named()) {
    const std::size_t k = normalise_axis(axis, rank, "tensordot");
    if (std::find(result.begin(), result.end(), k) != result.end())
      throw AxisError("tensordot", fmt::format("axis {} is repeated: expected each axis at most once", axis));
    result.push_back(k);
  }
  return result;
}

template <class F>
OpExample example(std::string label, std::vector<Shape> shapes, const F& f) {
  return {std::move(label), std::move(shapes), std::vector<Domain>(2),
          [f](std::span<const Var<double>> x) { return f(x[0], x[1]); }};
}
constexpr auto apply_dot = [](Var<double> a, Var<double> b) { return dot(a, b); };
constexpr auto apply_outer = [](Var<double> a, Var<double> b) { return outer(a, b); };

const bool tensordot_registered =
    register_op({.name = "dot",
                 .notation = "Σₖ aᵢₖ·bₖⱼ",
                 .convention = "as NumPy's dot: sums over the last axis of a and the second-to-last of b; a scalar "
                               "multiplies all elements",
                 .own_examples =
                     [] {
                       return std::vector<OpExample>{
                           example("dot", {{3}, {3}}, apply_dot),          example("dot", {{2, 3}, {3, 2}}, apply_dot),
                           example("dot", {{2, 3}, {3}}, apply_dot),       example("dot", {{}, {3}}, apply_dot),
                           example("dot", {{2, 3}, {2, 3, 2}}, apply_dot), example("dot", {{1, 2}, {2, 1}}, apply_dot)};
                     }}) &&
    register_op({.name = "outer",
                 .notation = "aᵢ·bⱼ",
                 .convention = "operands that are not vectors are flattened",
                 .own_examples =
                     [] {
                       return std::vector<OpExample>{example("outer", {{2}, {3}}, apply_outer),
                                                     example("outer", {{2, 2}, {}}, apply_outer)};
                     }}) &&
    register_op({.name = "tensordot",
                 .notation = "Σ a·b over pairs of axes",
                 .convention = "the result has the other axes of a, then those of b",
                 .own_examples = [] {
                   const auto last = [](std::size_t count) {
                     return [count](Var<double> a, Var<double> b) { return tensordot(a, b, count); };
                   };
                   const auto named = [](Var<double> a, Var<double> b) { return tensordot(a, b, {0, -1}, {1, 0}); };
                   return std::vector<OpExample>{example("tensordot(2)", {{2, 3, 2}, {3, 2, 2}}, last(2)),
                                                 example("tensordot(1)", {{2, 3}, {3, 2, 2}}, last(1)),
                                                 example("tensordot(0)", {{2}, {2, 2}}, last(0)),
                                                 example("tensordot({0, -1}, {1, 0})", {{2, 3, 2}, {2, 2, 3}}, named)};
                 }});

}  // namespace

template <class T>
Var<T> dot(Var<T> a, Var<T> b, Location where) {
  (void)tensordot_registered;
  return atomically(tape_of("dot", where, a, b), where, [&]() -> Var<T> {
    const std::size_t rank_a = a.rank(), rank_b = b.rank();
    if (rank_a == 0 || rank_b == 0) return multiply(Operand<T>(a, where), Operand<T>(b, where));
    const AxisPair pair{rank_a - 1, rank_b == 1 ? 0 : rank_b - 2};
    return contract("dot", a, b, {&pair, 1}, where);
  });
}

template <class T>
Var<T> outer(Var<T> a, Var<T> b, Location where) {
  (void)tensordot_registered;
  return atomically(tape_of("outer", where, a, b), where, [&] {
    return matmul(reshape(a, {a.size(), 1}, where), reshape(b, {1, b.size()}, where), where);
  });
}

template <class T>
Var<T> tensordot(Var<T> a, Var<T> b, std::size_t axes, Location where) {
  (void)tensordot_registered;
  return atomically(tape_of("tensordot", where, a, b), where, [&] {
    const std::size_t rank_a = a.rank(), rank_b = b.rank();
    if (axes > rank_a || axes > rank_b)
      throw AxisError("tensordot",
                      fmt::format("shapes {} and {}: {} axes to sum over, but one operand has only {}",
                                  to_string(a.shape()), to_string(b.shape()), axes, std::min(rank_a, rank_b)));
    std::array<AxisPair, max_rank> pairs{};
    for (std::size_t i = 0; i < axes; ++i) pairs[i] = {rank_a - axes + i, i};
    return contract("tensordot", a, b, {pairs.data(), axes}, where);
  });
}

template <class T>
Var<T> tensordot(Var<T> a, Var<T> b, const Axes& axes_a, const Axes& axes_b, Location where) {
  (void)tensordot_registered;
  return atomically(tape_of("tensordot", where, a, b), where, [&] {
    const auto of_a = named_axes(axes_a, a.rank()), of_b = named_axes(axes_b, b.rank());
    if (of_a.size() != of_b.size())
      throw AxisError("tensordot",
                      fmt::format("{} axes of the first operand and {} of the second: expected equal numbers",
                                  of_a.size(), of_b.size()));
    std::vector<AxisPair> pairs;
    for (std::size_t i = 0; i < of_a.size(); ++i) pairs.push_back({of_a[i], of_b[i]});
    return contract<T>("tensordot", a, b, pairs, where);
  });
}

#define WENGERT_INSTANTIATE(T)                                      \
  template Var<T> dot(Var<T>, Var<T>, Location);                    \
  template Var<T> outer(Var<T>, Var<T>, Location);                  \
  template Var<T> tensordot(Var<T>, Var<T>, std::size_t, Location); \
  template Var<T> tensordot(Var<T>, Var<T>, const Axes&, const Axes&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
