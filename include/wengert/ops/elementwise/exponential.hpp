// Exponentials, logarithms, powers, roots, error and gamma functions.
#pragma once

#include <wengert/formula/accurate_math.hpp>
#include <wengert/ops/elementwise/declare.hpp>  // after the others

#include <limits>

namespace wengert {

namespace detail {
inline constexpr auto positive = [] { return Domain{0.3, 3.0}; };
}  // namespace detail

// ---- exponentials and logarithms -----------------------------------------------------------------------------------

namespace ops {
inline constexpr auto exp =
    library_op<"exp">(kernel::fast_exp, derivative([](auto, auto y) { return y; }), notation<"eˣ">);
inline constexpr auto exp2 = library_op<"exp2">(
    kernel::lane_exp2, derivative([](auto, auto y) { return y * 0.693147180559945309; }), notation<"2ˣ">);
inline constexpr auto expm1 =
    library_op<"expm1">(kernel::lane_expm1, derivative([](auto x, auto) { return exp(x); }), notation<"eˣ − 1">);
inline constexpr auto log = library_op<"log">(kernel::lane_log, derivative([](auto x, auto) { return 1 / x; }),
                                              input_domain(detail::positive), notation<"ln x">);
inline constexpr auto log2 =
    library_op<"log2">(kernel::lane_log2, derivative([](auto x, auto) { return 1.44269504088896341 / x; }),
                       input_domain(detail::positive), notation<"log₂ x">);
inline constexpr auto log10 =
    library_op<"log10">(kernel::lane_log10, derivative([](auto x, auto) { return 0.434294481903251828 / x; }),
                        input_domain(detail::positive), notation<"log₁₀ x">);
inline constexpr auto log1p =
    library_op<"log1p">(kernel::accurate_log1p, derivative([](auto x, auto) { return 1 / (1 + x); }), input_domain([] {
                          return Domain{-0.7, 3.0};
                        }),
                        notation<"ln(1 + x)">);
}  // namespace ops
/// eˣ.
WENGERT_UNARY(exp)
/// 2ˣ.
WENGERT_UNARY(exp2)
/// eˣ − 1, accurate for small x.
WENGERT_UNARY(expm1)
/// The natural logarithm; NaN below 0, −∞ at 0.
WENGERT_UNARY(log)
/// The logarithm to base 2; NaN below 0, −∞ at 0.
WENGERT_UNARY(log2)
/// The logarithm to base 10; NaN below 0, −∞ at 0.
WENGERT_UNARY(log10)
/// ln(1 + x), accurate for small x.
WENGERT_UNARY(log1p)

// ---- powers and roots ----------------------------------------------------------------------------------------------

namespace ops {
inline constexpr auto sqrt =
    library_op<"sqrt">(kernel::lane_sqrt, derivative([](auto, auto y) { return 0.5 / y; }),
                       input_domain(detail::positive), notation<"√x">, convention<"the gradient at 0 is +∞">);
inline constexpr auto cbrt =
    library_op<"cbrt">(kernel::lane_cbrt, derivative([](auto, auto y) { return 1 / (3 * y) / y; }),
                       input_domain(detail::positive), notation<"∛x">, convention<"the gradient at 0 is +∞">);
inline constexpr auto square =
    library_op<"square">([](auto x) { return x * x; }, derivative([](auto x, auto) { return 2 * x; }), notation<"x²">);
inline constexpr auto reciprocal =
    library_op<"reciprocal">([](auto x) { return 1 / x; }, derivative([](auto, auto y) { return -y * y; }),
                             input_domain(detail::positive), notation<"1 / x">);
inline constexpr auto rsqrt =
    library_op<"rsqrt">([](auto x) { return 1 / sqrt(x); }, derivative([](auto, auto y) { return -0.5 * y * y * y; }),
                        input_domain(detail::positive), notation<"1 / √x">);
// Defined outside the initialiser of `ops::pow`, in which the name `pow` would denote the op itself.
inline constexpr auto pow_by_base = [](auto a, auto b, auto) { return where(b == 0, 0, b * pow(a, b - 1)); };
inline constexpr auto pow_by_exponent = [](auto a, auto b, auto y) {
  return where((a == 0 && b >= 0) || (a == std::numeric_limits<double>::infinity() && b < 0), 0, y * log(a));
};
inline constexpr auto pow = library_op<"pow">(
    kernel::lane_pow, derivative(pow_by_base, pow_by_exponent), input_domain([] {
      return Domain{0.3, 2};
    }),
    notation<"aᵇ">, convention<"gradient 0 for the base where b = 0, for the exponent where a = 0 and b ≥ 0">);
// a / y, also defined where y is 0 or infinite.
inline constexpr auto ratio_to_hypot = [](auto a, auto y) {
  auto infinite = where(a - a == 0, 0, where(a > 0, lift(a, 1), -1));
  return where(y == 0, 0, where(y - y == 0 || y != y, a / y, infinite));
};
inline constexpr auto hypot = library_op<"hypot">(kernel::lane_hypot,
                                                  derivative([](auto a, auto, auto y) { return ratio_to_hypot(a, y); },
                                                             [](auto, auto b, auto y) { return ratio_to_hypot(b, y); }),
                                                  input_domain(detail::positive), notation<"√(a² + b²)">,
                                                  convention<"gradient 0 at (0, 0), where PyTorch gives NaN">);
}  // namespace ops
/// √x; NaN below 0. Its gradient at 0 is +∞.
WENGERT_UNARY(sqrt)
/// The cube root, also of negative numbers. Its gradient at 0 is +∞.
WENGERT_UNARY(cbrt)
/// x².
WENGERT_UNARY(square)
/// 1 / x.
WENGERT_UNARY(reciprocal)
/// 1 / √x; NaN below 0.
WENGERT_UNARY(rsqrt)
/// aᵇ; NaN for a negative base with a fractional exponent. The gradient of the base is 0 where b = 0, that of the
/// exponent where a = 0 and b ≥ 0.
WENGERT_BINARY(pow)
/// √(a² + b²) without overflow. Its gradient at (0, 0) is 0.
WENGERT_BINARY(hypot)

// ---- error and gamma functions -------------------------------------------------------------------------------------

namespace ops {
// exp(−x²), which is 0 for |x| > 30. |x| is limited to 30, because the derivative of −x² at ∞ would be infinite.
inline constexpr auto bell = [](auto x) {
  auto c = where(x > 30, 30, where(x < -30, -30, x));
  return exp(-c * c);
};
inline constexpr auto erf = library_op<"erf">(
    kernel::fast_erf, derivative([](auto x, auto) { return 1.12837916709551257 * bell(x); }), notation<"erf x">);
inline constexpr auto erfc = library_op<"erfc">(
    kernel::lane_erfc, derivative([](auto x, auto) { return -1.12837916709551257 * bell(x); }), notation<"1 − erf x">);
}  // namespace ops
/// The error function 2/√π ∫₀ˣ e^(−t²) dt.
WENGERT_UNARY(erf)
/// 1 − erf x, accurate for large x.
WENGERT_UNARY(erfc)

/// ln |Γ(x)|. Near its zeros at negative x, the absolute error is at most 1e-15 (1e-6 in float), but the relative error
/// is not small.
WENGERT_FUNCTION_1(lgamma)
/// ψ(x), the derivative of ln Γ(x); −∞ at +0, NaN at negative integers.
WENGERT_FUNCTION_1(digamma)
/// The n-th derivative of digamma. Throws ValueError unless n is an integer of at least 1.
///@{
Var<float> polygamma(double n, const Operand<float>& x);
Var<double> polygamma(double n, const Operand<double>& x);
///@}

}  // namespace wengert
