// Cumulative sums, products and log-sum-exps along an axis, and the product over axes.
#include "ops/attributes/axes.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace wengert {
namespace {

// The base of ops along an axis.
struct AlongAxis : attributes::AlongAxis {
  Shape shape(const Shape& x) const { return x; }
  Shape shape(const Shape&, const Shape& b) const { return b; }
  // The position of the preceding row in the direction of the op.
  std::size_t before(std::size_t row, const Lines& lines) const {
    return reversed ? row + lines.inner : row - lines.inner;
  }
};

struct Cumsum : AlongAxis {
  static constexpr std::string_view name = "cumsum";
  static constexpr std::string_view notation = "yᵢ = x₀ + … + xᵢ";
  static constexpr std::size_t arity = 1;

  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    // In double and block by block, so that the rounding error does not grow with every element.
    constexpr std::size_t block = 128, together = 64;
    const Lines lines(x.shape(), axis);
    double done[together], part[together];
    for (std::size_t o = 0; o < lines.outer; ++o)
      for (std::size_t first = 0; first < lines.inner; first += together) {
        const std::size_t width = std::min(together, lines.inner - first);
        std::fill_n(done, width, 0.0);
        std::fill_n(part, width, 0.0);
        for (std::size_t k = 0; k < lines.count; ++k) {
          const std::size_t row = (o * lines.count + (reversed ? lines.count - 1 - k : k)) * lines.inner + first;
          for (std::size_t i = 0; i < width; ++i) {
            part[i] += static_cast<double>(x.data[row + i]);
            y.data[row + i] = static_cast<T>(done[i] + part[i]);
          }
          if (k % block != block - 1) continue;
          for (std::size_t i = 0; i < width; ++i) done[i] += part[i], part[i] = 0;
        }
      }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return record(Cumsum{{axis, !reversed}}, Location::current(), g);
  }
  static std::vector<StructuralExample<Cumsum>> examples() {
    return {{{{0, false}}, {{4}}}, {{{1, false}}, {{2, 3, 2}}}, {{{1, true}}, {{2, 4}}}};
  }
};

// x shifted by one towards the end of an axis, with `first` at its beginning.
template <class T>
Var<T> shifted(Var<T> x, std::size_t axis, double first) {
  if (x.shape()[axis] == 0) return x;
  const auto along = static_cast<std::ptrdiff_t>(axis);
  const Var<T> most = slice(x, along, Slice({}, -1));
  const Var<T> line = moveaxis(most, along, -1);
  return moveaxis(pad(line, {{1, 0}}, PadMode::constant, first), -1, along);
}

// aᵢ₋₁·bᵢ, and 0 at the beginning, whatever b₀ is.
template <class T>
Var<T> times_before(Var<T> a, Var<T> b, std::size_t axis) {
  if (a.shape()[axis] == 0) return a;
  const auto along = static_cast<std::ptrdiff_t>(axis);
  const Var<T> products = slice(a, along, Slice({}, -1)) * slice(b, along, Slice(1, {}));
  return moveaxis(pad(moveaxis(products, along, -1), {{1, 0}}, PadMode::constant, 0), -1, along);
}

// The linear recurrence behind all products along an axis. Reversed, it is the adjoint with respect to b.
struct Recurrence : AlongAxis {
  static constexpr std::string_view name = "linear_recurrence";
  static constexpr std::string_view notation = "yᵢ = bᵢ + aᵢ·yᵢ₋₁, reversed yᵢ = bᵢ + aᵢ₊₁·yᵢ₊₁";
  static constexpr std::size_t arity = 2;

  template <class T>
  void forward(Value<const T> a, Value<const T> b, Value<T> y) const {
    const Lines lines(b.shape(), axis);
    lines.each_row(reversed, [&](std::size_t row, std::size_t k) {
      const std::size_t last = before(row, lines), factor = reversed ? last : row;
      for (std::size_t i = 0; i < lines.inner; ++i)
        y.data[row + i] = k == 0 ? b.data[row + i] : b.data[row + i] + a.data[factor + i] * y.data[last + i];
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> a, Var<T>) const {
    const Var<T> of_b = record(Recurrence{{axis, !reversed}}, Location::current(), a, g);
    return std::tuple([=, *this] { return reversed ? times_before(of_b, y, axis) : times_before(y, of_b, axis); },
                      of_b);
  }
  static std::vector<StructuralExample<Recurrence>> examples() {
    return {{{{0, false}}, {{4}, {4}}}, {{{1, true}}, {{2, 3, 2}, {2, 3, 2}}}};
  }
};

// The cumulative product, each element included.
template <class T>
Var<T> products(Var<T> x, std::size_t axis, const Location& where) {
  const auto along = static_cast<std::ptrdiff_t>(axis);
  const std::size_t extent = x.shape()[axis];
  if (extent == 0) return x;
  const Var<T> first = moveaxis(slice(x, along, Slice({}, 1), where), along, -1, where);
  const Var<T> start = moveaxis(pad(first, {{0, extent - 1}}, PadMode::constant, 0, where), -1, along, where);
  return record(Recurrence{{axis, false}}, where, x, start);
}

// Σⱼ gⱼ ∂yⱼ/∂xᵢ for y = logcumsumexp(x).
template <class T>
Var<T> gathered_shares(Var<T> x, Var<T> g, std::size_t axis);

// The share of exp xᵢ in exp x₀ + … + exp xᵢ, or that of all terms before it. Both are computed from the largest
// element so far and the sum relative to it: y − x, for y = logcumsumexp(x), loses digits if y is large.
struct CumulativeShare : attributes::CumulativeShare {
  static constexpr std::string_view name = "cumulative_share";
  static constexpr std::string_view notation = "exp xᵢ / (exp x₀ + … + exp xᵢ), or 1 − that";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const Lines lines(x.shape(), axis);
    const auto relative = [](T a, T b) { return a == b ? T(1) : std::exp(a - b); };  // also where a − b is ∞ − ∞
    for (std::size_t o = 0; o < lines.outer; ++o)
      for (std::size_t i = 0; i < lines.inner; ++i) {
        T largest = -std::numeric_limits<T>::infinity(), sum = 0;
        for (std::size_t k = 0; k < lines.count; ++k) {
          const std::size_t at = (o * lines.count + k) * lines.inner + i;
          const T here = x.data[at], top = here > largest || std::isnan(here) ? here : largest;
          const T before_it = k == 0 ? T(0) : sum * relative(largest, top), own = relative(here, top);
          largest = top;
          sum = before_it + own;
          y.data[at] = (of_those_before ? before_it : own) / sum;
        }
      }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> x) const {
    const Var<T> own = of_those_before ? record(CumulativeShare{{axis, false, false}}, Location::current(), x) : y;
    const Var<T> h = of_those_before ? -g * own : g * own;
    return h - gathered_shares(x, h, axis);
  }
  static std::vector<StructuralExample<CumulativeShare>> examples() {
    return {{{{0, false, false}}, {{4}}}, {{{1, false, true}}, {{2, 3, 2}}}};
  }
};

template <class T>
Var<T> gathered_shares(Var<T> x, Var<T> g, std::size_t axis) {
  const Var<T> before = record(CumulativeShare{{axis, false, true}}, Location::current(), x);
  const Var<T> own = record(CumulativeShare{{axis, false, false}}, Location::current(), x);
  return own * record(Recurrence{{axis, true}}, Location::current(), before, g);
}

struct LogCumsumExp : AlongAxis {
  static constexpr std::string_view name = "logcumsumexp";
  static constexpr std::string_view notation = "yᵢ = ln(exp x₀ + … + exp xᵢ)";
  static constexpr std::size_t arity = 1;

  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const Lines lines(x.shape(), axis);
    lines.each_row(reversed, [&](std::size_t row, std::size_t k) {
      for (std::size_t i = 0; i < lines.inner; ++i)
        y.data[row + i] = k == 0 ? x.data[row + i] : log_of_sum(y.data[before(row, lines) + i], x.data[row + i]);
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    return gathered_shares(x, g, axis);
  }
  static std::vector<StructuralExample<LogCumsumExp>> examples() {
    return {{{{0, false}}, {{4}}}, {{{1, false}}, {{2, 3, 2}}}};
  }

 private:
  template <class T>
  static T log_of_sum(T a, T b) {
    const T high = std::max(a, b), low = std::min(a, b);
    if (std::isnan(a) || std::isnan(b)) return a + b;
    return std::isinf(high) ? high : high + std::log1p(std::exp(low - high));
  }
};

// The product over the last axis.
struct Prod {
  static constexpr std::string_view name = "prod";
  static constexpr std::string_view notation = "Π x";
  static constexpr std::string_view convention = "the gradient is correct where elements are 0";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const { return Shape(std::span(x.begin(), x.rank() - 1)); }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const std::size_t count = x.shape().back();
    for (std::size_t o = 0; o < y.size(); ++o) {
      T product = 1;
      for (std::size_t k = 0; k < count; ++k) product *= x.data[o * count + k];
      y.data[o] = product;
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    // The product of all other elements is the product of those before times the product of those after.
    const std::size_t last = x.rank() - 1;
    const auto of_those_before = [&](Var<T> z) { return shifted(products(z, last, Location::current()), last, 1); };
    const Var<T> others = of_those_before(x) * flip(of_those_before(flip(x, -1)), -1);
    return expand_dims(g, -1) * others;
  }
  static std::vector<StructuralExample<Prod>> examples() { return {{{}, {{3}}}, {{}, {{2, 4}}}, {{}, {{1, 1}}}}; }
};

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

template <class T>
Var<T> cumsum(Var<T> x, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of(x, Cumsum::name, where), where, [&] {
    return record(Cumsum{{normalise_axis_or_scalar(axis, x.rank(), Cumsum::name), false}}, where, x);
  });
}

template <class T>
Var<T> cumprod(Var<T> x, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of(x, "cumprod", where), where, [&] {
    const std::size_t along = normalise_axis_or_scalar(axis, x.rank(), "cumprod");
    return x.rank() == 0 ? x : products(x, along, where);
  });
}

template <class T>
Var<T> logcumsumexp(Var<T> x, std::ptrdiff_t axis, Location where) {
  return atomically(tape_of(x, LogCumsumExp::name, where), where, [&] {
    const std::size_t along = normalise_axis_or_scalar(axis, x.rank(), LogCumsumExp::name);
    return x.rank() == 0 ? x : record(LogCumsumExp{{along, false}}, where, x);
  });
}

template <class T>
Var<T> prod(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  return atomically(tape_of(x, Prod::name, where), where, [&] {
    const std::uint32_t reduced = axes.bits(x.rank(), Prod::name);
    if (reduced == 0) return x;
    const Var<T> product = record(Prod{}, where, merged_last(x, reduced, where));
    return keep == KeepDims::yes ? reshape(product, with_ones(x.shape(), reduced), where) : product;
  });
}

namespace {
WENGERT_REGISTER_COMPOSITE(cumprod, "yᵢ = x₀ · … · xᵢ", "the gradient is correct where elements are 0", cumprod(x, 0))
}

#define WENGERT_INSTANTIATE(T)                                    \
  template Var<T> cumsum(Var<T>, std::ptrdiff_t, Location);       \
  template Var<T> cumprod(Var<T>, std::ptrdiff_t, Location);      \
  template Var<T> logcumsumexp(Var<T>, std::ptrdiff_t, Location); \
  template Var<T> prod(Var<T>, const Axes&, KeepDims, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
