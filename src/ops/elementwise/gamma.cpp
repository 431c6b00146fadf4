// The logarithm of the gamma function and its derivatives.
#include "ops/elementwise/define.hpp"
#include <wengert/ops/elementwise.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

namespace wengert {
namespace {

constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();
constexpr double pi = std::numbers::pi;

// Abramowitz & Stegun 6.3: the recurrence 6.3.6 up to x + 10, and there the asymptotic series 6.3.18; for x < 0, the
// reflection 6.3.7, ψ(1 − x) − ψ(x) = π / tan(πx).
constexpr auto digamma_formula = [](auto x) {
  auto z = where(x < 0, 1 - x, x);
  auto total = 1 / z;
  for (int k = 1; k < 10; ++k) total = total + 1 / (z + k);
  auto w = z + 10;
  auto v = 1 / (w * w);
  auto series =
      v * (1.0 / 12 - v * (1.0 / 120 -
                           v * (1.0 / 252 - v * (1.0 / 240 - v * (1.0 / 132 - v * (691.0 / 32760 - v * (1.0 / 12)))))));
  auto value = log(w) - 0.5 / w - series - total;
  auto offset = x - round(x);
  auto reflected = where(offset == 0, quiet_nan, value - pi / tan(pi * offset));
  return where(x == 0, -1 / x, where(x < 0, reflected, value));
};

// Σₖ 1/(z + k)ⁿ⁺¹ over k ≥ 0 for z > 0, which is |ψ⁽ⁿ⁾(z)| / n! (6.4.10): the first ten terms, plus the asymptotic
// series 6.4.11 at z + 10.
constexpr auto hurwitz_zeta = [](auto z, auto n) {
  auto total = pow(z, -n - 1);
  for (int k = 1; k < 10; ++k) total = total + pow(z + k, -n - 1);
  auto w = z + 10;
  auto v = 1 / (w * w);
  auto power = pow(w, -n);
  // `term` is (2k + n − 1)! / ((2k)! n! w²ᵏ⁺ⁿ); its factors are the Bernoulli numbers B₂ₖ.
  auto term = (n + 1) / 2 * power * v;
  auto series = power / n + power / (2 * w) + term / 6;
  term = term * (n + 2) * (n + 3) / 12 * v;
  series = series - term / 30;
  term = term * (n + 4) * (n + 5) / 30 * v;
  series = series + term / 42;
  term = term * (n + 6) * (n + 7) / 56 * v;
  series = series - term / 30;
  term = term * (n + 8) * (n + 9) / 90 * v;
  series = series + term * (5.0 / 66);
  term = term * (n + 10) * (n + 11) / 132 * v;
  return total + series - term * (691.0 / 2730);
};

// The derivative of order n ≥ 1 of digamma: (−1)ⁿ⁺¹ n! Σₖ 1/(x + k)ⁿ⁺¹ over k ≥ 0. For x < 0, the sum over all integers
// k, which runs from the nearest one in both directions, minus the sum over k < 0.
constexpr auto polygamma_formula = [](auto x, auto n, auto factorial) {
  auto even = 2 * floor(n / 2) == n;
  auto left = x < 0;
  auto sum = hurwitz_zeta(where(left, 1 - x, x), n);
  auto r = where(left, x - round(x), 0);
  auto up = hurwitz_zeta(1 + r, n), down = hurwitz_zeta(1 - r, n);
  auto everywhere = pow(where(left, r, 1), -n - 1) + where(even, up - down, up + down);
  auto of_left = everywhere - where(even, -sum, sum);
  auto magnitude = factorial * where(left, of_left, sum);
  return where(even, -magnitude, magnitude);
};

// Declared before polygamma_op, so that the op's derivative can refer to the op.
template <class X, class N>
constexpr X next_polygamma(const X& x, const N& n, const N& factorial);
constexpr auto polygamma_op = elementwise<"polygamma", params<2>>(
    polygamma_formula,
    derivative([](auto x, auto n, auto factorial, auto) { return next_polygamma(x, n + 1, factorial * (n + 1)); }),
    input_domain([] {
      return Domain{0.6, 3};
    }),
    example_parameters([] {
      return std::array{std::array{2.0, 2.0}, std::array{1.0, 1.0}, std::array{3.0, 6.0}};  // n, n!
    }),
    notation<"the n-th derivative of ψ(x)">, convention<"infinite at 0 and at negative integers">);
template <class X, class N>
constexpr X next_polygamma(const X& x, const N& n, const N& factorial) {
  return polygamma_op(x, n, factorial);
}
constexpr auto digamma_op = elementwise<"digamma">(
    digamma_formula, derivative([](auto x, auto) { return polygamma_op(x, 1, 1); }), input_domain([] {
      return Domain{0.6, 3};
    }),
    notation<"ψ(x)">, convention<"−∞ at 0, NaN at negative integers">);
constexpr auto lgamma_op = elementwise<"lgamma">(
    kernel::accurate_lgamma, derivative([](auto x, auto) { return digamma_op(x); }), input_domain([] {
      return Domain{0.6, 3};
    }),
    notation<"ln |Γ(x)|">);

template <class T>
Var<T> polygamma_of(double n, const Operand<T>& x) {
  if (!(n >= 1) || n != std::floor(n))
    throw ValueError("polygamma", fmt::format("order {}: must be an integer of at least 1", n), x.where());
  return polygamma_op(x, n, std::round(std::tgamma(n + 1)));
}

}  // namespace

WENGERT_DEFINE_1(digamma)
WENGERT_DEFINE_1(lgamma)
Var<float> polygamma(double n, const Operand<float>& x) { return polygamma_of(n, x); }
Var<double> polygamma(double n, const Operand<double>& x) { return polygamma_of(n, x); }

}  // namespace wengert
