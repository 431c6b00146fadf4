// Activation functions. Names, parameters, defaults and conventions at kinks are PyTorch's.
#pragma once

#include <wengert/formula/accurate_math.hpp>
#include <wengert/ops/elementwise/comparing.hpp>
#include <wengert/ops/elementwise/declare.hpp>  // after the others
#include <wengert/ops/elementwise/exponential.hpp>

namespace wengert {

namespace ops {
// The derivative of the sigmoid y of x, from both; accurate also for large x.
inline constexpr auto sigmoid_slope = library_op<"sigmoid_slope">(
    kernel::lane_sigmoid_slope,
    derivative([](auto x, auto, auto s) { return where(x > kernel::sigmoid_is_far, -s * sqrt(1 - 4 * s), 0); },
               [](auto x, auto y, auto) { return where(x > kernel::sigmoid_is_far, 0, 1 - 2 * y); }),
    notation<"y (1 − y); e⁻ˣ / (1 + e⁻ˣ)² for x > 4">);
// The derivative of softplus: a sigmoid that keeps its operand, so that its derivative is accurate where it is near 1.
inline constexpr auto softplus_slope = library_op<"softplus_slope">(
    kernel::lane_sigmoid, derivative([](auto x, auto y) { return sigmoid_slope(x, y); }), notation<"1 / (1 + e⁻ˣ)">);
inline constexpr auto sigmoid = library_op<"sigmoid">(
    kernel::lane_sigmoid, derivative([](auto, auto y) { return y * (1 - y); }), notation<"1 / (1 + e⁻ˣ)">);
inline constexpr auto relu = library_op<"relu">([](auto x) { return where(x <= 0, 0, x); }, notation<"max(x, 0)">,
                                                convention<"gradient 0 at 0; it passes at NaN">);
}  // namespace ops
WENGERT_TABLES(sigmoid_slope)
WENGERT_TABLES(softplus_slope)
/// The logistic function 1 / (1 + e⁻ˣ).
WENGERT_UNARY(sigmoid)
/// max(x, 0); its gradient at 0 is 0.
WENGERT_UNARY(relu)

// A function of one Var and one parameter.
#define WENGERT_PARAMETRIC(name, parameter)            \
  Var<float> name(const Operand<float>& x, parameter); \
  Var<double> name(const Operand<double>& x, parameter);

/// ln sigmoid(x), exact in both tails.
WENGERT_FUNCTION_1(log_sigmoid)
/// ln(x / (1 − x)), the inverse of sigmoid; NaN outside [0, 1].
WENGERT_FUNCTION_1(logit)
/// ln(1 + e^(βx)) / β, computed without overflow and without PyTorch's threshold.
WENGERT_PARAMETRIC(softplus, double beta = 1)
/// x / (1 + |x|).
WENGERT_FUNCTION_1(softsign)
/// min(max(x, 0), 6); its gradient at both kinks is 0.
WENGERT_FUNCTION_1(relu6)
/// x for x > 0, else slope·x; its gradient at 0 is the slope.
WENGERT_PARAMETRIC(leaky_relu, double slope = 0.01)
/// x for x > 0, else a·x with a learned slope a: a single one, or one for each channel along axis 1 of x (axis 0 of a
/// vector). Throws ShapeError for any other number of slopes.
///@{
Var<float> prelu(const Operand<float>& x, const Operand<float>& slope);
Var<double> prelu(const Operand<double>& x, const Operand<double>& slope);
///@}
/// x for x > 0, else α·(eˣ − 1).
WENGERT_PARAMETRIC(elu, double alpha = 1)
/// Scaled elu with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017).
WENGERT_FUNCTION_1(selu)
/// x for x > 0, else α·(e^(x/α) − 1).
WENGERT_PARAMETRIC(celu, double alpha = 1)
/// x·Φ(x), where Φ is the distribution function of the standard normal distribution (Hendrycks & Gimpel 2016).
WENGERT_FUNCTION_1(gelu)
/// The tanh approximation of gelu: x/2·(1 + tanh(√(2/π)·(x + 0.044715 x³))).
WENGERT_FUNCTION_1(gelu_tanh)
/// x·sigmoid(x), also called swish.
WENGERT_FUNCTION_1(silu)
/// x·tanh(ln(1 + eˣ)) (Misra 2019).
WENGERT_FUNCTION_1(mish)
/// min(max(x + 3, 0), 6) / 6; its gradient at both kinks is 0.
WENGERT_FUNCTION_1(hard_sigmoid)
/// x·hard_sigmoid(x); its gradient is −½ at −3 and 1 at 3, as in PyTorch.
WENGERT_FUNCTION_1(hard_swish)
/// x limited to [−1, 1]; its gradient at both kinks is 0.
WENGERT_FUNCTION_1(hard_tanh)
/// x − λ for x > λ, x + λ for x < −λ, else 0.
WENGERT_PARAMETRIC(softshrink, double lambda = 0.5)
/// x for |x| > λ, else 0.
WENGERT_PARAMETRIC(hardshrink, double lambda = 0.5)
#undef WENGERT_PARAMETRIC

}  // namespace wengert
