// Activation ops: formulas and derivatives, and prelu with one slope per channel.
#include "ops/elementwise/define.hpp"
#include <wengert/ops/elementwise/comparing.hpp>
#include <wengert/ops/elementwise/exponential.hpp>
// Instantiates the ops of the header below.
#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise/activations.hpp>
#undef WENGERT_INSTANTIATE_OPS

#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

constexpr auto log_sigmoid_op = elementwise<"log_sigmoid">(
    [](auto x) { return minimum(x, 0) - log1p(exp(-abs(x))); },
    derivative([](auto x, auto) { return ops::softplus_slope(-x); }), notation<"−ln(1 + e⁻ˣ)">);
constexpr auto logit_op =
    elementwise<"logit">([](auto x) { return log(x / (1 - x)); },
                         derivative([](auto x, auto) { return 1 / (x * (1 - x)); }), input_domain([] {
                           return Domain{0.1, 0.9};
                         }),
                         notation<"ln(x / (1 − x))">);
constexpr auto softplus_op = elementwise<"softplus", params<1>>(
    [](auto x, auto beta) { return maximum(x, 0) + log1p(exp(-abs(beta * x))) / beta; },
    derivative([](auto x, auto beta, auto) { return ops::softplus_slope(beta * x); }), notation<"ln(1 + e^(βx)) / β">);
constexpr auto softsign_op =
    elementwise<"softsign">([](auto x) { return x / (1 + abs(x)); }, derivative([](auto x, auto) {
                              auto d = 1 / (1 + abs(x));
                              return d * d;
                            }),
                            notation<"x / (1 + |x|)">);

// The derivatives follow from the formulas, whose constant branches include the kinks. hard_swish has its own.
constexpr auto relu6_op =
    elementwise<"relu6">([](auto x) { return where(x <= 0, 0, where(x >= 6, 6, x)); }, notation<"min(max(x, 0), 6)">,
                         convention<"gradient 0 at both kinks; it passes at NaN">);
constexpr auto hard_tanh_op =
    elementwise<"hard_tanh">([](auto x) { return where(x <= -1, -1, where(x >= 1, 1, x)); },
                             notation<"min(max(x, −1), 1)">, convention<"gradient 0 at both kinks; it passes at NaN">);
constexpr auto hard_sigmoid_op = elementwise<"hard_sigmoid">(
    [](auto x) { return where(x <= -3, 0, where(x >= 3, 1, x / 6 + 0.5)); }, notation<"min(max(x + 3, 0), 6) / 6">,
    convention<"gradient 0 at both kinks; it passes at NaN">);
constexpr auto hard_swish_op =
    elementwise<"hard_swish">([](auto x) { return where(x <= -3, 0, where(x >= 3, x, x * (x + 3) / 6)); },
                              derivative([](auto x, auto) { return where(x < -3, 0, where(x < 3, x / 3 + 0.5, 1)); }),
                              notation<"x min(max(x + 3, 0), 6) / 6">, convention<"gradient −½ at −3, 1 at 3">);

constexpr auto leaky_relu_op = elementwise<"leaky_relu", params<1>>(
    [](auto x, auto slope) { return where(x > 0, x, slope * x); }, example_parameters([] { return std::array{0.2}; }),
    notation<"x for x > 0, else c x">, convention<"the gradient at 0 is the slope">);
constexpr auto prelu_op =
    elementwise<"prelu">([](auto x, auto a) { return where(x > 0, x, a * x); }, notation<"x for x > 0, else a x">,
                         convention<"the gradient at 0 is the slope">);
constexpr auto elu_op = elementwise<"elu", params<1>>(
    [](auto x, auto alpha) { return where(x > 0, x, alpha * expm1(minimum(x, 0))); },
    derivative([](auto x, auto alpha, auto) { return where(x > 0, lift(x, 1), alpha * exp(where(x > 0, 0, x))); }),
    notation<"x for x > 0, else α (eˣ − 1)">, convention<"the gradient at 0 is α">);
constexpr auto celu_op = elementwise<"celu", params<1>>(
    [](auto x, auto alpha) { return where(x > 0, x, alpha * expm1(minimum(x, 0) / alpha)); },
    derivative([](auto x, auto alpha, auto) { return where(x > 0, lift(x, 1), exp(where(x > 0, 0, x) / alpha)); }),
    notation<"x for x > 0, else α (e^(x/α) − 1)">);
constexpr double selu_scale = 1.0507009873554804934193349852946;
constexpr double selu_alpha = 1.6732632423543772848170429916717;
constexpr auto selu_op =
    elementwise<"selu">([](auto x) { return selu_scale * where(x > 0, x, selu_alpha * expm1(minimum(x, 0))); },
                        derivative([](auto x, auto) {
                          return selu_scale * where(x > 0, lift(x, 1), selu_alpha * exp(where(x > 0, 0, x)));
                        }),
                        notation<"λ elu(x, α)">);

// x clamped to ±limit, beyond which a derivative is constant, but its factors 0 and ∞ would give NaN.
constexpr auto limited = [](auto x, auto limit) { return where(x > limit, limit, where(x < -limit, -limit, x)); };
constexpr auto gelu_slope_op =
    elementwise<"gelu_slope">(kernel::lane_gelu_slope, derivative([](auto x, auto) {
                                auto c = limited(x, 40);
                                return kernel::normal_density * (2 - c * c) * exp(-0.5 * c * c);
                              }),
                              notation<"Φ(x) + x Φ'(x)">);
constexpr auto gelu_op = elementwise<"gelu">(
    kernel::lane_gelu, derivative([](auto x, auto) { return gelu_slope_op(x); }), notation<"x Φ(x)">);
// Large formulas are marked always_inline: g++ would compile them out of line, without the kernel's target.
// ½ (1 + tanh u) is computed as the sigmoid of 2u, which is accurate in the left tail too.
constexpr auto gelu_tanh_op = elementwise<"gelu_tanh">(
    [](auto x) __attribute__((always_inline)) {
      auto c = limited(x, 30);
      return where(x > 30, x, c * ops::softplus_slope(1.59576912160573071 * c * (1 + 0.044715 * c * c)));
    },
    notation<"x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))">);
constexpr auto silu_op = elementwise<"silu">([](auto x) { return x * sigmoid(x); },
                                             derivative([](auto x, auto) __attribute__((always_inline)) {
                                               auto c = limited(x, 1000), s = ops::softplus_slope(c);
                                               return s + c * ops::sigmoid_slope(c, s);
                                             }),
                                             notation<"x / (1 + e⁻ˣ)">);
// tanh with a derivative that is accurate where tanh is close to ±1.
constexpr auto tanh_with_operand = elementwise<"tanh_with_operand">(
    kernel::fast_tanh, derivative([](auto x, auto y) { return ops::tanh_slope(x, y); }), notation<"tanh x">);
constexpr auto mish_op = elementwise<"mish">([](auto x) { return x * tanh(maximum(x, 0) + log1p(exp(-abs(x)))); },
                                             derivative([](auto x, auto) __attribute__((always_inline)) {
                                               auto c = limited(x, 1000), u = softplus_op(c, 1),
                                                    t = tanh_with_operand(u);
                                               return t + c * ops::tanh_slope(u, t) * ops::softplus_slope(c);
                                             }),
                                             notation<"x tanh ln(1 + eˣ)">);
constexpr auto softshrink_op = elementwise<"softshrink", params<1>>(
    [](auto x, auto lambda) { return where(x > lambda, x - lambda, where(x < -lambda, x + lambda, 0 * x)); },
    derivative([](auto x, auto lambda, auto) { return where(x > lambda || x < -lambda, lift(x, 1), 0); }),
    example_parameters([] { return std::array{0.5}; }), notation<"x moved by λ towards 0">,
    convention<"gradient 0 where |x| = λ and at NaN">);
constexpr auto hardshrink_op = elementwise<"hardshrink", params<1>>(
    [](auto x, auto lambda) { return where(x >= -lambda && x <= lambda, 0, x); },
    example_parameters([] { return std::array{0.5}; }), notation<"x where |x| > λ, else 0">,
    convention<"gradient 0 where |x| = λ; it passes at NaN">);

template <class T>
Var<T> per_channel(const Operand<T>& x, const Operand<T>& slope) {
  if (!x.is_var() || x.handle().empty() || !slope.is_var() || slope.handle().empty()) return prelu_op(x, slope);
  const Var<T> input = x.handle(), slopes = slope.handle();
  if (&tape_of(input, "prelu", x.where()) != &tape_of(slopes, "prelu", x.where()))
    throw HandleError("prelu", "the slopes belong to another tape: record all operands on one tape", x.where());
  const std::size_t count = slopes.size(), rank = input.rank();
  if (count == 1) return prelu_op(x, Operand<T>(reshape(slopes, {}, x.where()), x.where()));
  const std::size_t axis = rank > 1 ? 1 : 0;
  if (slopes.rank() != 1 || rank == 0 || input.shape()[axis] != count)
    throw ShapeError("prelu",
                     fmt::format("input {} and slopes {}: expected one slope, or one for each channel along axis {}",
                                 to_string(input.shape()), to_string(slopes.shape()), axis),
                     x.where());
  Shape shape = input.shape();
  for (std::size_t i = 0; i < rank; ++i) shape[i] = i == axis ? count : 1;
  return atomically(input.tape(), x.where(),
                    [&] { return prelu_op(x, Operand<T>(reshape(slopes, shape, x.where()), x.where())); });
}

}  // namespace

WENGERT_DEFINE_1(log_sigmoid)
WENGERT_DEFINE_1(logit)
WENGERT_DEFINE_PARAMETRIC(softplus)
WENGERT_DEFINE_1(softsign)
WENGERT_DEFINE_1(relu6)
WENGERT_DEFINE_PARAMETRIC(leaky_relu)
WENGERT_DEFINE_PARAMETRIC(elu)
WENGERT_DEFINE_1(selu)
WENGERT_DEFINE_PARAMETRIC(celu)
WENGERT_DEFINE_1(gelu)
WENGERT_DEFINE_1(gelu_tanh)
WENGERT_DEFINE_1(silu)
WENGERT_DEFINE_1(mish)
WENGERT_DEFINE_1(hard_sigmoid)
WENGERT_DEFINE_1(hard_swish)
WENGERT_DEFINE_1(hard_tanh)
WENGERT_DEFINE_PARAMETRIC(softshrink)
WENGERT_DEFINE_PARAMETRIC(hardshrink)
Var<float> prelu(const Operand<float>& x, const Operand<float>& slope) { return per_channel(x, slope); }
Var<double> prelu(const Operand<double>& x, const Operand<double>& slope) { return per_channel(x, slope); }

}  // namespace wengert
