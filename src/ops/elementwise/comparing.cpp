// Comparison, logic and selection ops, and clip, lerp, fmod, xlogy, logaddexp and nan_to_num.
#include "ops/elementwise/define.hpp"
#include "ops/engine_ops.hpp"
#include <wengert/ops/elementwise/exponential.hpp>
// Instantiates the ops of the header below.
#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise/comparing.hpp>
#undef WENGERT_INSTANTIATE_OPS

#include <wengert/ops/elementwise.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

constexpr auto one_where = [](auto mask, auto like) { return where(mask, lift(like, 1), 0); };

constexpr auto less_op = elementwise<"less">([](auto a, auto b) { return one_where(a < b, a); }, piecewise_constant,
                                             notation<"[a < b]">, shown_by_formula, detail::primitive);
constexpr auto less_equal_op =
    elementwise<"less_equal">([](auto a, auto b) { return one_where(a <= b, a); }, piecewise_constant,
                              notation<"[a ≤ b]">, shown_by_formula, detail::primitive);
constexpr auto greater_op =
    elementwise<"greater">([](auto a, auto b) { return one_where(a > b, a); }, piecewise_constant, notation<"[a > b]">,
                           shown_by_formula, detail::primitive);
constexpr auto greater_equal_op =
    elementwise<"greater_equal">([](auto a, auto b) { return one_where(a >= b, a); }, piecewise_constant,
                                 notation<"[a ≥ b]">, shown_by_formula, detail::primitive);
constexpr auto equal_op = elementwise<"equal">([](auto a, auto b) { return one_where(a == b, a); }, piecewise_constant,
                                               notation<"[a = b]">, shown_by_formula, detail::primitive);
constexpr auto not_equal_op =
    elementwise<"not_equal">([](auto a, auto b) { return one_where(a != b, a); }, piecewise_constant,
                             notation<"[a ≠ b]">, shown_by_formula, detail::primitive);
constexpr auto logical_and_op = elementwise<"logical_and">(
    [](auto a, auto b) { return one_where(a != 0 && b != 0, a); }, piecewise_constant, notation<"a ∧ b">);
constexpr auto logical_or_op = elementwise<"logical_or">([](auto a, auto b) { return one_where(a != 0 || b != 0, a); },
                                                         piecewise_constant, notation<"a ∨ b">);
constexpr auto logical_not_op =
    elementwise<"logical_not">([](auto x) { return one_where(x == 0, x); }, piecewise_constant, notation<"¬x">);
constexpr auto isnan_op =
    elementwise<"isnan">([](auto x) { return one_where(x != x, x); }, piecewise_constant, notation<"[x is NaN]">);
constexpr auto isfinite_op = elementwise<"isfinite">([](auto x) { return one_where(x - x == 0, x); },
                                                     piecewise_constant, notation<"[x is finite]">);
constexpr auto where_op = elementwise<"where">(
    [](auto m, auto a, auto b) { return where(m != 0, a, b); }, notation<"a where m ≠ 0, else b">,
    convention<"gradient 0 for elements not chosen, for any cotangent, and for m">, detail::primitive);

// The op that product_or_zero (formula/pullback.hpp) records.
constexpr auto masked_product_op =
    elementwise<"masked_product">([](auto g, auto slope) { return where(slope == 0, 0, g * slope); },
                                  derivative([](auto, auto slope, auto) { return where(slope == 0, 0, slope); },
                                             [](auto g, auto, auto) { return g; }),
                                  notation<"g s">, convention<"0 where s = 0, whatever g is">);
constexpr auto fmod_op =
    elementwise<"fmod">(kernel::lane_fmod,
                        derivative([](auto a, auto, auto) { return lift(a, 1); },
                                   [](auto a, auto b, auto) { return where(abs(a) < abs(b), 0, -trunc(a / b)); }),
                        input_domain([] {
                          return Domain{0.55, 0.95};
                        }),
                        notation<"a − b·trunc(a / b)">);
constexpr auto clip_op = elementwise<"clip", params<2>>(
    [](auto x, auto low, auto high) { return where(x < low, low, where(x > high, high, x)); },
    derivative([](auto x, auto low, auto high, auto) { return where(x >= low && x <= high, lift(x, 1), 0); }),
    example_parameters([] {
      return std::array{-1.0, 1.0};
    }),
    notation<"min(max(x, low), high)">, convention<"the gradient passes at both limits, not at NaN">);
constexpr auto clip_between_op = elementwise<"clip_between">(
    [](auto x, auto low, auto high) { return minimum(maximum(x, low), high); },
    derivative([](auto x, auto low, auto high, auto) { return where(x >= low && x <= high, lift(x, 1), 0); },
               [](auto x, auto low, auto high, auto) { return where(x < low && low < high, lift(x, 1), 0); },
               [](auto x, auto low, auto high, auto) { return where(x > high || low > high, lift(x, 1), 0); }),
    notation<"min(max(x, low), high)">, convention<"the whole gradient goes to x at ties, to high where low > high">,
    called_as<"clip">);
constexpr auto lerp_op = elementwise<"lerp">(
    [](auto a, auto b, auto t) { return where(t < 0.5, a + t * (b - a), b - (b - a) * (1 - t)); },
    derivative([](auto, auto, auto t, auto) { return 1 - t; }, [](auto, auto, auto t, auto) { return t; },
               [](auto a, auto b, auto, auto) { return b - a; }),
    notation<"a + t (b − a)">);
constexpr auto xlogy_op = elementwise<"xlogy">(
    [](auto x, auto y) { return where(x == 0 && y == y, 0, x * log(y)); },
    derivative([](auto x, auto y, auto) { return where(x == 0 && y <= 0, 0, log(y)); },
               [](auto x, auto y, auto) { return where(x == 0 && y == 0, 0, x / y); }),
    input_domain(detail::positive), notation<"x ln y">, convention<"0 where x = 0, and both gradients at (0, 0)">);
// a − b, or 0 where both are the same infinity.
constexpr auto distance = [](auto a, auto b) { return where(a == b && a - a != 0, 0, a - b); };
constexpr auto logaddexp_op = elementwise<"logaddexp">(
    [](auto a, auto b) { return where(a == b, a + 0.693147180559945309, maximum(a, b) + log1p(exp(-abs(a - b)))); },
    derivative([](auto a, auto b, auto) { return ops::softplus_slope(distance(a, b)); },
               [](auto a, auto b, auto) { return ops::softplus_slope(distance(b, a)); }),
    notation<"ln(eᵃ + eᵇ)">, convention<"gradient ½ each where both are ∞, or both −∞">);
constexpr auto nan_to_num_op = elementwise<"nan_to_num", params<3>>(
    [](auto x, auto nan, auto high, auto low) {
      return where(x != x, nan, where(x - x == 0, x, where(x > 0, high, low)));
    },
    notation<"x, NaN and ±∞ replaced">, convention<"no gradient passes where a value is replaced">);

template <class T>
Var<T> checked_clip(const Operand<T>& x, double low, double high) {
  if (!(low <= high))
    throw ValueError("clip", fmt::format("limits {} and {}: low must not exceed high", low, high), x.where());
  return clip_op(x, low, high);
}

}  // namespace

WENGERT_DEFINE_2(less)
WENGERT_DEFINE_2(less_equal)
WENGERT_DEFINE_2(greater)
WENGERT_DEFINE_2(greater_equal)
WENGERT_DEFINE_2(equal)
WENGERT_DEFINE_2(not_equal)
WENGERT_DEFINE_2(logical_and)
WENGERT_DEFINE_2(logical_or)
WENGERT_DEFINE_1(logical_not)
WENGERT_DEFINE_1(isnan)
WENGERT_DEFINE_1(isfinite)
WENGERT_DEFINE_2(masked_product)
WENGERT_DEFINE_2(fmod)
WENGERT_DEFINE_2(xlogy)
WENGERT_DEFINE_2(logaddexp)
Var<float> where(const Operand<float>& mask, const Operand<float>& a, const Operand<float>& b) {
  return where_op(mask, a, b);
}
Var<double> where(const Operand<double>& mask, const Operand<double>& a, const Operand<double>& b) {
  return where_op(mask, a, b);
}
Var<float> clip(const Operand<float>& x, double low, double high) { return checked_clip(x, low, high); }
Var<double> clip(const Operand<double>& x, double low, double high) { return checked_clip(x, low, high); }
Var<float> clip(const Operand<float>& x, const Operand<float>& low, const Operand<float>& high) {
  return clip_between_op(x, low, high);
}
Var<double> clip(const Operand<double>& x, const Operand<double>& low, const Operand<double>& high) {
  return clip_between_op(x, low, high);
}
Var<float> lerp(const Operand<float>& a, const Operand<float>& b, const Operand<float>& t) { return lerp_op(a, b, t); }
Var<double> lerp(const Operand<double>& a, const Operand<double>& b, const Operand<double>& t) {
  return lerp_op(a, b, t);
}
Var<float> nan_to_num(const Operand<float>& x, double nan, double high, double low) {
  return nan_to_num_op(x, nan, high, low);
}
Var<double> nan_to_num(const Operand<double>& x, double nan, double high, double low) {
  return nan_to_num_op(x, nan, high, low);
}

}  // namespace wengert
