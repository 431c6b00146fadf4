// Trigonometric and hyperbolic functions and their inverses. Angles are in radians.
#pragma once

#include <wengert/formula/accurate_math.hpp>
#include <wengert/ops/elementwise/declare.hpp>  // after the others
#include <wengert/ops/elementwise/exponential.hpp>

#include <limits>

namespace wengert {

namespace detail {
inline constexpr auto inside_one = [] { return Domain{-0.8, 0.8}; };
}  // namespace detail

namespace ops {
// 1 − x², accurate near |x| = 1, with a derivative that is accurate near 0.
inline constexpr auto one_less_square = [](auto x) { return where(x * x < 0.25, 1 - x * x, (1 - x) * (1 + x)); };
inline constexpr auto sin =
    library_op<"sin">(kernel::lane_sin, derivative([](auto x, auto) { return cos(x); }), notation<"sin x">);
inline constexpr auto cos =
    library_op<"cos">(kernel::lane_cos, derivative([](auto x, auto) { return -sin(x); }), notation<"cos x">);
inline constexpr auto tan =
    library_op<"tan">(kernel::lane_tan, derivative([](auto, auto y) { return 1 + y * y; }), input_domain([] {
                        return Domain{-1.2, 1.2};
                      }),
                      notation<"tan x">);
inline constexpr auto asin =
    library_op<"asin">(kernel::lane_asin, derivative([](auto x, auto) { return 1 / sqrt(one_less_square(x)); }),
                       input_domain(detail::inside_one), notation<"arcsin x">);
inline constexpr auto acos =
    library_op<"acos">(kernel::lane_acos, derivative([](auto x, auto) { return -1 / sqrt(one_less_square(x)); }),
                       input_domain(detail::inside_one), notation<"arccos x">);
inline constexpr auto atan = library_op<"atan">(kernel::lane_atan, derivative([](auto x, auto) {
                                                  auto y = 1 / hypot(x, 1);  // x² would overflow
                                                  return y * y;
                                                }),
                                                notation<"arctan x">);
// x / (x² + y²), and 0 where either is infinite.
inline constexpr auto over_square_sum = library_op<"over_square_sum">(
    [](auto x, auto y) {
      auto h = hypot(x, y);
      return where(h == std::numeric_limits<double>::infinity(), 0, x / h / h);
    },
    derivative(
        [](auto x, auto y, auto) {
          auto h = hypot(x, y);
          return where(h == std::numeric_limits<double>::infinity(), 0, (y - x) / h * ((y + x) / h) / h / h);
        },
        [](auto x, auto y, auto) {
          auto h = hypot(x, y);
          return where(h == std::numeric_limits<double>::infinity(), 0, -2 * (x / h) * (y / h) / h / h);
        }),
    input_domain(detail::positive), notation<"x / (x² + y²)">, convention<"0 where x or y is infinite">);
inline constexpr auto atan2 = library_op<"atan2">(
    kernel::lane_atan2,
    derivative([](auto a, auto b, auto) { return over_square_sum(b, a); },
               [](auto a, auto b, auto) { return -over_square_sum(a, b); }),
    input_domain(detail::positive), notation<"the angle of (b, a)">, convention<"gradient NaN at (0, 0)">);
inline constexpr auto sinh =
    library_op<"sinh">(kernel::accurate_sinh, derivative([](auto x, auto) { return cosh(x); }), notation<"sinh x">);
inline constexpr auto cosh =
    library_op<"cosh">(kernel::accurate_cosh, derivative([](auto x, auto) { return sinh(x); }), notation<"cosh x">);
// The derivative of the hyperbolic tangent y of x, from both; accurate also for large |x|.
inline constexpr auto tanh_slope = library_op<"tanh_slope">(
    kernel::lane_tanh_slope,
    derivative([](auto x, auto,
                  auto s) { return where(x * x > kernel::tanh_is_far, where(x > 0, -2 * s, 2 * s) * sqrt(1 - s), 0); },
               [](auto x, auto y, auto) { return where(x * x > kernel::tanh_is_far, 0, -2 * y); }),
    notation<"1 − y²; 1 / cosh² x for |x| > 2">);
inline constexpr auto tanh =
    library_op<"tanh">(kernel::fast_tanh, derivative([](auto, auto y) { return 1 - y * y; }), notation<"tanh x">);
inline constexpr auto asinh = library_op<"asinh">(
    kernel::accurate_asinh, derivative([](auto x, auto) { return 1 / hypot(x, 1); }), notation<"arsinh x">);
inline constexpr auto acosh = library_op<"acosh">(
    kernel::accurate_acosh, derivative([](auto x, auto) { return 1 / sqrt(x - 1) / sqrt(x + 1); }), input_domain([] {
      return Domain{1.3, 4};
    }),
    notation<"arcosh x">);
inline constexpr auto atanh =
    library_op<"atanh">(kernel::lane_atanh, derivative([](auto x, auto) { return 1 / one_less_square(x); }),
                        input_domain(detail::inside_one), notation<"artanh x">);
}  // namespace ops
WENGERT_TABLES(over_square_sum)
WENGERT_TABLES(tanh_slope)
/// sin x.
WENGERT_UNARY_FUNCTION(sin)
/// cos x.
WENGERT_UNARY(cos)
WENGERT_TABLES(sin)
/// tan x.
WENGERT_UNARY(tan)
/// The angle in [−π/2, π/2] whose sine is x; NaN outside [−1, 1].
WENGERT_UNARY(asin)
/// The angle in [0, π] whose cosine is x; NaN outside [−1, 1].
WENGERT_UNARY(acos)
/// The angle in [−π/2, π/2] whose tangent is x.
WENGERT_UNARY(atan)
/// The angle in [−π, π] of the point with coordinates (b, a): arctan(a / b) for b > 0.
WENGERT_BINARY(atan2)
/// The hyperbolic sine.
WENGERT_UNARY_FUNCTION(sinh)
/// The hyperbolic cosine.
WENGERT_UNARY(cosh)
WENGERT_TABLES(sinh)
/// The hyperbolic tangent.
WENGERT_UNARY(tanh)
/// The inverse hyperbolic sine.
WENGERT_UNARY(asinh)
/// The inverse hyperbolic cosine; NaN below 1.
WENGERT_UNARY(acosh)
/// The inverse hyperbolic tangent; NaN outside [−1, 1].
WENGERT_UNARY(atanh)

}  // namespace wengert
