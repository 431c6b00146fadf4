// sum, mean and amax over any set of axes; ties in amax share the gradient.
#include "kernel/fold.hpp"
#include "ops/attributes/axes.hpp"
#include "ops/axis_loop.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <bit>

#include <fmt/format.h>

namespace wengert {

namespace {

// The base of all reductions, over the adjacent axes [first, last).
struct Reduction : attributes::Reduction {
  static constexpr std::size_t arity = 1;
  static constexpr bool any_extents = true;

  Shape shape(const Shape& x) const {
    Shape result;
    for (std::size_t axis = 0; axis < x.rank(); ++axis) {
      const bool reduced = axis >= first && axis < last;
      if (!reduced || keep == KeepDims::yes) result.push_back(reduced ? 1 : x[axis]);
    }
    return result;
  }
  Summed folded(const Shape& x) const {
    Summed s;
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      (axis < first ? s.outer : axis < last ? s.count : s.inner) *= x[axis];
    return s;
  }
  template <kernel::Fold fold, class T>
  void fold_into(Value<const T> x, Value<T> y) const {
    const auto [outer, count, inner] = folded(x.shape());
    kernel::fold_axis<fold>(x.data, y.data, outer, count, inner);
  }
  // A reduced value with its axes restored, so that it broadcasts against x.
  template <class T>
  Var<T> restored(Var<T> reduced, Var<T> x) const {
    Shape shape = x.shape();
    for (std::size_t axis = first; axis < last; ++axis) shape[axis] = 1;
    return keep == KeepDims::yes ? reduced : reshape(reduced, shape);
  }
  Axes axes() const {
    std::array<std::ptrdiff_t, max_rank> list{};
    for (std::size_t axis = first; axis < last; ++axis) list[axis - first] = static_cast<std::ptrdiff_t>(axis);
    return Axes(std::span<const std::ptrdiff_t>(list.data(), std::size_t(last - first)));
  }
};

struct Sum : Reduction {
  static constexpr std::string_view name = "sum";
  static constexpr std::string_view notation = "Σ x";
  static Text text(const Text& x) { return Text::prefix("Σ", "\\sum", x); }
  Summed summed(const Shape& x) const { return folded(x); }

  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    fold_into<kernel::Fold::sum>(x, y);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    return broadcast_to(restored(g, x), x.shape());
  }
  static std::vector<StructuralExample<Sum>> examples() {
    return {{{{0, 2}}, {{3, 4}}},
            {{{1, 2}}, {{3, 4}}},
            {{{0, 1, KeepDims::yes}}, {{3, 4}}},
            {{{1, 2}}, {{2, 3, 4}}},
            {{{0, 0}}, {{}}}};
  }
};

struct Amax : Reduction {
  static constexpr std::string_view name = "amax";
  static constexpr std::string_view notation = "max x";
  static constexpr std::string_view convention = "ties share the gradient evenly; where max x is NaN, it is 0";

  Shape shape(const Shape& x) const {
    for (std::size_t axis = first; axis < last; ++axis)
      if (x[axis] == 0)
        throw ShapeError(
            name, fmt::format("shape {}: the maximum over no elements (axis {}) is undefined", to_string(x), axis));
    return Reduction::shape(x);
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    fold_into<kernel::Fold::maximum>(x, y);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> x) const {
    const Var<T> ties = equal(x, restored(y, x));
    return where(ties, restored(g, x) / sum(ties, axes(), KeepDims::yes), 0);
  }
  static std::vector<StructuralExample<Amax>> examples() {
    return {{{{0, 2}}, {{3, 4}}}, {{{1, 2}}, {{3, 4}}}, {{{0, 1, KeepDims::yes}}, {{3, 4}}}, {{{1, 2}}, {{2, 3, 4}}}};
  }
};

// Reduces one group of adjacent axes after another, the last first, so that the others keep their numbers.
template <class Op, class T>
Var<T> reduce(Var<T> x, const Axes& axes, KeepDims keep, const Location& where, std::string_view subject = Op::name) {
  return atomically(tape_of(x, subject, where), where, [&] {
    Var<T> result = x;
    std::uint32_t bits = axes.bits(x.rank(), subject);
    while (bits != 0) {
      const auto last = static_cast<unsigned>(std::bit_width(bits));
      const auto first = static_cast<unsigned>(std::bit_width(~bits & ((std::uint32_t{1} << last) - 1)));
      result = record(Op{{static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last), keep}}, where, result);
      bits &= (std::uint32_t{1} << first) - 1;
    }
    return result;
  });
}

}  // namespace

template <class T>
Var<T> sum(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  return reduce<Sum>(x, axes, keep, where);
}

template <class T>
Var<T> mean(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  tape_of(x, "mean", where);
  const std::size_t before = x.size();
  const Var<T> total = reduce<Sum>(x, axes, keep, where, "mean");
  const double count = total.size() == 0 ? 1.0 : static_cast<double>(before) / static_cast<double>(total.size());
  return divide(Operand<T>(total, where), Operand<T>(count, where));
}

template <class T>
Var<T> amax(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  return atomically(tape_of(x, Amax::name, where), where, [&] {
    // If they are not adjacent, the axes are merged first, because ties extend over all of them.
    const std::uint32_t bits = axes.bits(x.rank(), Amax::name);
    const std::uint32_t lowest = bits & (~bits + 1);
    if (((bits + lowest) & bits) == 0) return reduce<Amax>(x, axes, keep, where);
    const Var<T> lines = merged_last(x, bits, where);
    const auto last = static_cast<std::uint8_t>(lines.rank());
    const Var<T> result = record(Amax{{static_cast<std::uint8_t>(last - 1), last, KeepDims::no}}, where, lines);
    return keep == KeepDims::yes ? reshape(result, with_ones(x.shape(), bits), where) : result;
  });
}

#define WENGERT_INSTANTIATE(T)                                   \
  template Var<T> sum(Var<T>, const Axes&, KeepDims, Location);  \
  template Var<T> mean(Var<T>, const Axes&, KeepDims, Location); \
  template Var<T> amax(Var<T>, const Axes&, KeepDims, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
