// Comparison, selection and rounding. Comparisons return masks: 1 where they hold, otherwise 0, without gradient.
#pragma once

#include <wengert/ops/elementwise/declare.hpp>  // after the others

#include <limits>

namespace wengert {

namespace ops {
inline constexpr auto abs =
    library_op<"abs">([](auto x) { return where(x > 0, x, 0 - x); },
                      derivative([](auto x, auto) { return where(x > 0, lift(x, 1), where(x < 0, lift(x, -1), 0)); }),
                      notation<"|x|">, convention<"gradient 0 at 0">);
inline constexpr auto sign =
    library_op<"sign">([](auto x) { return where(x > 0, lift(x, 1), where(x < 0, lift(x, -1), 0)); },
                       piecewise_constant, notation<"sgn x">, convention<"0 at 0 and for NaN">);
inline constexpr auto maximum = library_op<"maximum">(
    [](auto a, auto b) { return where(a > b || a != a, a, b); },
    derivative([](auto a, auto b, auto) { return where(a > b, lift(a, 1), where(a == b, lift(a, 0.5), 0)); },
               [](auto a, auto b, auto) { return where(b > a, lift(a, 1), where(a == b, lift(a, 0.5), 0)); }),
    notation<"max(a, b)">, convention<"a tie gives each operand half of the gradient">);
inline constexpr auto minimum = library_op<"minimum">(
    [](auto a, auto b) { return where(a < b || a != a, a, b); },
    derivative([](auto a, auto b, auto) { return where(a < b, lift(a, 1), where(a == b, lift(a, 0.5), 0)); },
               [](auto a, auto b, auto) { return where(b < a, lift(a, 1), where(a == b, lift(a, 0.5), 0)); }),
    notation<"min(a, b)">, convention<"a tie gives each operand half of the gradient">);
inline constexpr auto floor = library_op<"floor">(kernel::lane_floor, piecewise_constant, notation<"⌊x⌋">);
inline constexpr auto ceil = library_op<"ceil">(kernel::lane_ceil, piecewise_constant, notation<"⌈x⌉">);
inline constexpr auto round = library_op<"round">(kernel::lane_rint, piecewise_constant, notation<"x rounded">,
                                                  convention<"halves round to even">);
inline constexpr auto trunc =
    library_op<"trunc">(kernel::lane_trunc, piecewise_constant, notation<"x rounded towards 0">);
}  // namespace ops
/// |x|; its gradient at 0 is 0.
WENGERT_UNARY(abs)
/// The sign of x: −1, 0 or 1; without gradient.
WENGERT_UNARY(sign)
/// The larger of two; NaN if either is. At a tie, each gets half of the gradient.
WENGERT_BINARY(maximum)
/// The smaller of two; NaN if either is. At a tie, each gets half of the gradient.
WENGERT_BINARY(minimum)
/// The largest integer not above x; without gradient.
WENGERT_UNARY(floor)
/// The smallest integer not below x; without gradient.
WENGERT_UNARY(ceil)
/// The nearest integer; halves round to the even neighbour. Without gradient.
WENGERT_UNARY(round)
/// x rounded towards 0; without gradient.
WENGERT_UNARY(trunc)

/// The remainder of a / b, which has the sign of a (C's fmod).
WENGERT_FUNCTION_2(fmod)
/// 1 where a < b, otherwise 0.
WENGERT_FUNCTION_2(less)
/// 1 where a ≤ b, otherwise 0.
WENGERT_FUNCTION_2(less_equal)
/// 1 where a > b, otherwise 0.
WENGERT_FUNCTION_2(greater)
/// 1 where a ≥ b, otherwise 0.
WENGERT_FUNCTION_2(greater_equal)
/// 1 where a = b, otherwise 0.
WENGERT_FUNCTION_2(equal)
/// 1 where a ≠ b, otherwise 0; NaN differs from itself.
WENGERT_FUNCTION_2(not_equal)
/// 1 where both are nonzero, otherwise 0.
WENGERT_FUNCTION_2(logical_and)
/// 1 where at least one is nonzero, otherwise 0.
WENGERT_FUNCTION_2(logical_or)
/// 1 where x is 0, otherwise 0.
WENGERT_FUNCTION_1(logical_not)
/// 1 where x is NaN, otherwise 0.
WENGERT_FUNCTION_1(isnan)
/// 1 where x is neither infinite nor NaN, otherwise 0.
WENGERT_FUNCTION_1(isfinite)

/// a where the mask is not 0, otherwise b; the mask gets no gradient.
///@{
Var<float> where(const Operand<float>& mask, const Operand<float>& a, const Operand<float>& b);
Var<double> where(const Operand<double>& mask, const Operand<double>& a, const Operand<double>& b);
///@}
/// x limited to [low, high]; the gradient passes through where low ≤ x ≤ high. Throws ValueError if low > high.
///@{
Var<float> clip(const Operand<float>& x, double low, double high);
Var<double> clip(const Operand<double>& x, double low, double high);
///@}
/// x limited element by element; all operands broadcast. NaN if any operand is NaN, and `high` where low > high.
///
/// The gradient is PyTorch's: that of x where low ≤ x ≤ high, ties included; of `low` where x < low < high; of `high`
/// where x > high or low > high.
///@{
Var<float> clip(const Operand<float>& x, const Operand<float>& low, const Operand<float>& high);
Var<double> clip(const Operand<double>& x, const Operand<double>& low, const Operand<double>& high);
///@}
/// a + t·(b − a): a for t = 0, b for t = 1.
///@{
Var<float> lerp(const Operand<float>& a, const Operand<float>& b, const Operand<float>& t);
Var<double> lerp(const Operand<double>& a, const Operand<double>& b, const Operand<double>& t);
///@}
/// x·ln y, and 0 where x is 0.
WENGERT_FUNCTION_2(xlogy)
/// ln(eᵃ + eᵇ) without overflow.
WENGERT_FUNCTION_2(logaddexp)
/// x with NaN and ±∞ replaced, by default by 0 and the largest finite numbers; no gradient passes where it is replaced.
///@{
Var<float> nan_to_num(const Operand<float>& x, double nan = 0,
                      double positive_infinity = std::numeric_limits<float>::max(),
                      double negative_infinity = std::numeric_limits<float>::lowest());
Var<double> nan_to_num(const Operand<double>& x, double nan = 0,
                       double positive_infinity = std::numeric_limits<double>::max(),
                       double negative_infinity = std::numeric_limits<double>::lowest());
///@}

}  // namespace wengert
