// Reductions composed of other ops, logsumexp, norms, and the positions of extremes.
#include "kernel/softmax.hpp"
#include "ops/attributes/axes.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include <wengert/ops/control.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace wengert {
namespace {

struct PositionOfExtreme : attributes::PositionOfExtreme {
  static constexpr std::size_t arity = 1;
  static constexpr bool index_output = true;

  Shape shape_of(const char* name, const Shape& x) const {
    if (among_all ? x.elements() == 0 : x[axis] == 0)
      throw ShapeError(name, fmt::format("shape {}: {} no elements to choose from", to_string(x),
                                         among_all ? "there are" : fmt::format("axis {} has", axis)));
    Shape y;
    for (std::size_t i = 0; i < x.rank(); ++i) {
      const bool chosen_from = among_all || i == axis;
      if (!chosen_from || keep == KeepDims::yes) y.push_back(chosen_from ? 1 : x[i]);
    }
    return y;
  }
  template <class T, class Better>
  void choose(Value<const T> x, Value<std::int64_t> y, const Better& better) const {
    const Shape flat{x.size()};
    const Lines lines(among_all ? flat : x.shape(), among_all ? 0 : axis);
    for (std::size_t o = 0; o < lines.outer; ++o)
      for (std::size_t i = 0; i < lines.inner; ++i) {
        const T* line = x.data + o * lines.count * lines.inner + i;
        std::size_t best = 0;
        for (std::size_t k = 1; k < lines.count && !std::isnan(line[best * lines.inner]); ++k)
          if (std::isnan(line[k * lines.inner]) || better(line[k * lines.inner], line[best * lines.inner])) best = k;
        y.data[o * lines.inner + i] = static_cast<std::int64_t>(best);
      }
  }
};

struct Argmax : PositionOfExtreme {
  static constexpr std::string_view name = "argmax";
  static constexpr std::string_view notation = "k with xₖ = max x";
  static constexpr std::string_view convention = "the first of equal elements; NaN counts as largest";
  Shape shape(const Shape& x) const { return shape_of("argmax", x); }
  template <class T>
  void forward(Value<const T> x, Value<std::int64_t> y) const {
    choose(x, y, [](T a, T b) { return a > b; });
  }
  static std::vector<StructuralExample<Argmax>> examples() { return {}; }
};

struct Argmin : PositionOfExtreme {
  static constexpr std::string_view name = "argmin";
  static constexpr std::string_view notation = "k with xₖ = min x";
  static constexpr std::string_view convention = "the first of equal elements; NaN counts as smallest";
  Shape shape(const Shape& x) const { return shape_of("argmin", x); }
  template <class T>
  void forward(Value<const T> x, Value<std::int64_t> y) const {
    choose(x, y, [](T a, T b) { return a < b; });
  }
  static std::vector<StructuralExample<Argmin>> examples() { return {}; }
};

// The logits of the gradient: where the result y of a row is infinite, only elements equal to it contribute.
constexpr auto counting_op = elementwise<"counting_logits">(
    [](auto x, auto y) {
      return where(y - y == 0, x, where(x == y, lift(x, 0), -std::numeric_limits<double>::infinity()));
    },
    notation<"x where y is finite, else 0 where x = y, else −∞">, convention<"y has the gradient 0">);

struct LogSumExp {
  static constexpr std::string_view name = "log_sum_exp";
  static constexpr std::string_view notation = "ln Σ eˣ, row by row";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const { return Shape(std::span(x.begin(), x.rank() - 1)); }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const std::size_t count = x.shape().back();
    std::fill_n(y.data, y.size(), -std::numeric_limits<T>::infinity());
    if (x.size() == 0) return;
    kernel::log_sum_exp_rows(x.data, y.data, y.size(), count);
    for (std::size_t row = 0; row < y.size(); ++row)  // ∞ − ∞, or a NaN among the elements
      if (const T* first = x.data + row * count; std::isnan(y.data[row]))
        y.data[row] =
            std::accumulate(first, first + count, *first, [](T a, T b) { return std::isnan(a) || a > b ? a : b; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> x) const {
    return expand_dims(g, -1) * softmax(counting_op(Operand<T>(x), Operand<T>(expand_dims(y, -1))));
  }
  static std::vector<StructuralExample<LogSumExp>> examples() { return {{{}, {{3, 4}}}, {{}, {{2, 1}}}, {{}, {{5}}}}; }
};

// √Σ x² of rows whose squares may be too large or too small for T.
struct EuclideanNorm {
  static constexpr std::string_view name = "euclidean_norm";
  static constexpr std::string_view notation = "√Σ x², row by row";
  static constexpr std::string_view convention = "the gradient at 0 is 0";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const { return Shape(std::span(x.begin(), x.rank() - 1)); }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const std::size_t count = x.shape().back();
    for (std::size_t row = 0; row < y.size(); ++row) {
      const T* const first = x.data + row * count;
      double sum = squares(first, count, 1.0), scale = 1;
      if (!(sum > 1e-280 && sum < 1e300)) {  // rescaled by a power of 2, which is exact
        T largest = 0;
        for (std::size_t k = 0; k < count; ++k) largest = std::max(largest, std::abs(first[k]));
        if (largest > 0 && std::isfinite(largest)) {
          scale = std::scalbn(1.0, std::clamp(std::ilogb(largest), -1000, 1000));
          sum = squares(first, count, 1 / scale);
        }
      }
      y.data[row] = static_cast<T>(std::sqrt(sum) * scale);
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> x) const;
  static std::vector<StructuralExample<EuclideanNorm>> examples() { return {{{}, {{3, 4}}}, {{}, {{5}}}}; }

 private:
  template <class T>
  static double squares(const T* x, std::size_t count, double scale) {
    constexpr std::size_t together = 8;
    double part[together] = {};
    std::size_t k = 0;
    for (; k + together <= count; k += together)
      for (std::size_t j = 0; j < together; ++j) {
        const double e = static_cast<double>(x[k + j]) * scale;
        part[j] += e * e;
      }
    for (; k < count; ++k) part[0] += (static_cast<double>(x[k]) * scale) * (static_cast<double>(x[k]) * scale);
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
  }
};
constexpr auto unit_op =
    elementwise<"unit_component">([](auto x, auto y) { return ops::ratio_to_hypot(x, y); }, input_domain([] {
                                    return Domain{0.4, 2};
                                  }),
                                  notation<"x / y">, convention<"0 where y = 0, ±1 where x is infinite">);
template <class T>
auto EuclideanNorm::vjp(Var<T> g, Var<T> y, Var<T> x) const {
  return expand_dims(g, -1) * unit_op(Operand<T>(x), Operand<T>(expand_dims(y, -1)));
}

// The position along an axis, or among all elements.
template <class Op, class T>
IndexVar<T> position_of(Var<T> x, std::optional<std::ptrdiff_t> axis, KeepDims keep, const Location& where) {
  return atomically(tape_of(x, Op::name, where), where, [&] {
    const std::size_t along = axis ? normalise_axis_or_scalar(*axis, x.rank(), Op::name) : 0;
    return record(Op{{along, keep, !axis || x.rank() == 0}}, where, x);
  });
}

// (Σ |x|ᵖ)^(1/p) row by row, with gradient 0 at 0, computed as m times the norm of x / m. With m = max |x|, held
// constant, powers neither overflow nor underflow to a sum of 0.
template <class T>
Var<T> norm_by_powers(Var<T> x, double p) {
  const Var<T> size = abs(x), largest = stop_gradient(amax(size, -1, KeepDims::yes));
  const Var<T> m = where(greater(largest, 0) * isfinite(largest), largest, 1);
  const Var<T> powers = sum(pow(size / m, p), -1), zero = equal(powers, 0);
  return where(zero, 0, reshape(m, powers.shape()) * pow(where(zero, 1, powers), 1 / p));
}

// x minus its mean. Far from 0, the mean is inexact; subtracting the mean of the differences corrects that.
template <class T>
Var<T> centred(Var<T> x, const Axes& axes, const Location& where) {
  const Var<T> roughly = x - mean(x, axes, KeepDims::yes, where);
  return roughly - mean(roughly, axes, KeepDims::yes, where);
}

// The number of elements of x per element of `reduced`; 1 if `reduced` is empty.
template <class T>
double elements_of_each(Var<T> x, Var<T> reduced) {
  return reduced.size() == 0 ? 1.0 : static_cast<double>(x.size()) / static_cast<double>(reduced.size());
}

// Throws ShapeError if a reduced axis has no elements.
template <class T>
void require_elements(const char* name, Var<T> x, const Axes& axes) {
  const std::uint32_t reduced = axes.bits(x.rank(), name);
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    if ((reduced >> axis & 1) != 0 && x.shape()[axis] == 0)
      throw ShapeError(name,
                       fmt::format("shape {}: axis {} has no elements to choose from", to_string(x.shape()), axis));
}

WENGERT_REGISTER_COMPOSITE(amin, "min x", "ties share the gradient evenly", amin(x, -1))
WENGERT_REGISTER_COMPOSITE(var, "Σ (x − mean)² / (n − ddof)", "", var(x, {}, KeepDims::yes))
WENGERT_REGISTER_COMPOSITE(stddev, "√var x", "the gradient is 0 where all elements are equal", stddev(x))
WENGERT_REGISTER_COMPOSITE(logsumexp, "ln Σ eˣ", "elements equal to the row's infinite maximum share its gradient",
                           logsumexp(x, -1))
WENGERT_REGISTER_COMPOSITE(norm, "(Σ |x|ᵖ)^(1/p)", "the gradient is 0 where the norm is 0", norm(x, 3))

}  // namespace

template <class T>
Var<T> amin(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  return atomically(tape_of(x, "amin", where), where, [&] {
    require_elements("amin", x, axes);
    return negate(Operand<T>(amax(negate(Operand<T>(x, where)), axes, keep, where), where));
  });
}

template <class T>
Var<T> var(Var<T> x, const Axes& axes, KeepDims keep, double ddof, Location where) {
  return atomically(tape_of(x, "var", where), where, [&] {
    axes.bits(x.rank(), "var");
    const Var<T> squares = sum(square(centred(x, axes, where)), axes, keep, where);
    return squares / (elements_of_each(x, squares) - ddof);
  });
}

template <class T>
Var<T> stddev(Var<T> x, const Axes& axes, KeepDims keep, double ddof, Location where) {
  return atomically(tape_of(x, "stddev", where), where, [&] {
    axes.bits(x.rank(), "stddev");
    const Var<T> length = norm(centred(x, axes, where), 2, axes, keep, where);
    return length / std::sqrt(elements_of_each(x, length) - ddof);
  });
}

template <class T>
Var<T> logsumexp(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  return atomically(tape_of(x, "logsumexp", where), where, [&] {
    const std::uint32_t reduced = axes.bits(x.rank(), "logsumexp");
    if (reduced == 0) return x;
    const Var<T> result = record(LogSumExp{}, where, merged_last(x, reduced, where));
    return keep == KeepDims::yes ? reshape(result, with_ones(x.shape(), reduced), where) : result;
  });
}

template <class T>
Var<T> norm(Var<T> x, double p, const Axes& axes, KeepDims keep, Location where) {
  if (!(p >= 1)) throw ValueError("norm", fmt::format("p = {}: must be at least 1", p), where);
  return atomically(tape_of(x, "norm", where), where, [&] {
    axes.bits(x.rank(), "norm");
    if (std::isinf(p)) require_elements("norm", x, axes);
    if (p == 1 || (x.size() == 0 && !std::isinf(p))) return sum(abs(x), axes, keep, where);
    if (std::isinf(p)) return amax(abs(x), axes, keep, where);
    const std::uint32_t reduced = axes.bits(x.rank(), "norm");
    if (reduced == 0) return abs(x);
    const Var<T> rows = merged_last(x, reduced, where);
    const Var<T> result = p == 2 ? record(EuclideanNorm{}, where, rows) : norm_by_powers(rows, p);
    return keep == KeepDims::yes ? reshape(result, with_ones(x.shape(), reduced), where) : result;
  });
}

template <class T>
Var<T> count_nonzero(Var<T> x, const Axes& axes, KeepDims keep, Location where) {
  return atomically(tape_of(x, "count_nonzero", where), where, [&] {
    axes.bits(x.rank(), "count_nonzero");
    return sum(not_equal(x, 0), axes, keep, where);
  });
}

template <class T>
IndexVar<T> argmax(Var<T> x, std::optional<std::ptrdiff_t> axis, KeepDims keep, Location where) {
  return position_of<Argmax>(x, axis, keep, where);
}

template <class T>
IndexVar<T> argmin(Var<T> x, std::optional<std::ptrdiff_t> axis, KeepDims keep, Location where) {
  return position_of<Argmin>(x, axis, keep, where);
}

template <class T>
bool all(Var<T> x, Location where) {
  tape_of(x, "all", where);
  const Tensor<T> value = x.value(where);
  return std::all_of(value.begin(), value.end(), [](T v) { return v != 0; });
}

template <class T>
bool any(Var<T> x, Location where) {
  tape_of(x, "any", where);
  const Tensor<T> value = x.value(where);
  return std::any_of(value.begin(), value.end(), [](T v) { return v != 0; });
}

#define WENGERT_INSTANTIATE(T)                                                            \
  template Var<T> amin(Var<T>, const Axes&, KeepDims, Location);                          \
  template Var<T> var(Var<T>, const Axes&, KeepDims, double, Location);                   \
  template Var<T> stddev(Var<T>, const Axes&, KeepDims, double, Location);                \
  template Var<T> logsumexp(Var<T>, const Axes&, KeepDims, Location);                     \
  template Var<T> norm(Var<T>, double, const Axes&, KeepDims, Location);                  \
  template Var<T> count_nonzero(Var<T>, const Axes&, KeepDims, Location);                 \
  template IndexVar<T> argmax(Var<T>, std::optional<std::ptrdiff_t>, KeepDims, Location); \
  template IndexVar<T> argmin(Var<T>, std::optional<std::ptrdiff_t>, KeepDims, Location); \
  template bool all(Var<T>, Location);                                                    \
  template bool any(Var<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
