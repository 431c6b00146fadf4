// Elementwise ops: each is one block of formula, derivative, domain and function.
//
// All broadcast as NumPy does and take Vars, scalars and tensors, at least one of them a Var. Every function can also
// be used inside a formula of `elementwise(...)`. Conventions at kinks and ties are PyTorch's and stand beside each op.
#pragma once

#include <wengert/elementwise.hpp>

// Declares the function `name` on Vars and inside formulas for the op object `ops::name`, whose tables are compiled
// once: in src/ops/elementwise.cpp, which defines WENGERT_INSTANTIATE_OPS.
#if defined(WENGERT_INSTANTIATE_OPS)
#define WENGERT_TABLES(name)                                                         \
  template struct ElementwiseTable<float, std::remove_const_t<decltype(ops::name)>>; \
  template struct ElementwiseTable<double, std::remove_const_t<decltype(ops::name)>>;
#else
#define WENGERT_TABLES(name)                                                                \
  extern template struct ElementwiseTable<float, std::remove_const_t<decltype(ops::name)>>; \
  extern template struct ElementwiseTable<double, std::remove_const_t<decltype(ops::name)>>;
#endif
#define WENGERT_UNARY(name)                                           \
  inline Var<float> name(Operand<float> x) { return ops::name(x); }   \
  inline Var<double> name(Operand<double> x) { return ops::name(x); } \
  template <Number X>                                                 \
  WENGERT_INLINE auto name(const X& x) {                              \
    return ops::name(x);                                              \
  }                                                                   \
  WENGERT_TABLES(name)
#define WENGERT_BINARY(name)                                                                                    \
  inline Var<float> name(Operand<float> a, Operand<float> b) { return ops::name(a, b); }                        \
  inline Var<double> name(Operand<double> a, Operand<double> b) { return ops::name(a, b); }                     \
  template <class A, class B>                                                                                   \
  requires(Number<A> || Number<B>) WENGERT_INLINE auto name(const A& a, const B& b) { return ops::name(a, b); } \
  WENGERT_TABLES(name)

namespace wengert {

// ---- exponentials and logarithms -----------------------------------------------------------------------------------

namespace ops {
inline constexpr auto exp =
    elementwise<"exp">(kernel::lane_exp, derivative([](auto, auto y) { return y; }), notation<"eˣ">);
}
/// eˣ.
WENGERT_UNARY(exp)

namespace ops {
inline constexpr auto log =
    elementwise<"log">(kernel::lane_log, derivative([](auto x, auto) { return 1 / x; }), input_domain([] {
                         return Domain{0.3, 3.0};
                       }),
                       notation<"ln x">);
}
/// The natural logarithm; NaN below 0, −∞ at 0.
WENGERT_UNARY(log)

namespace ops {
inline constexpr auto expm1 =
    elementwise<"expm1">(kernel::lane_expm1, derivative([](auto, auto y) { return y + 1; }), notation<"eˣ − 1">);
}
/// eˣ − 1, exact for small x.
WENGERT_UNARY(expm1)

namespace ops {
inline constexpr auto log1p =
    elementwise<"log1p">(kernel::lane_log1p, derivative([](auto x, auto) { return 1 / (1 + x); }), input_domain([] {
                           return Domain{-0.7, 3.0};
                         }),
                         notation<"ln(1 + x)">);
}
/// ln(1 + x), exact for small x.
WENGERT_UNARY(log1p)

// ---- powers --------------------------------------------------------------------------------------------------------

namespace ops {
inline constexpr auto sqrt =
    elementwise<"sqrt">(kernel::lane_sqrt, derivative([](auto, auto y) { return 0.5 / y; }), input_domain([] {
                          return Domain{0.3, 3.0};
                        }),
                        notation<"√x">);
}
/// √x; NaN below 0. Its gradient at 0 is +∞.
WENGERT_UNARY(sqrt)

namespace ops {
inline constexpr auto square =
    elementwise<"square">([](auto x) { return x * x; }, derivative([](auto x, auto) { return 2 * x; }), notation<"x²">);
}
/// x².
WENGERT_UNARY(square)

namespace ops {
// Outside the op's own initialiser, in which its name could not be used.
inline constexpr auto pow_by_base = [](auto a, auto b, auto) { return where(b == 0, 0, b * pow(a, b - 1)); };
inline constexpr auto pow_by_exponent = [](auto a, auto b, auto y) { return where(a == 0 && b >= 0, 0, y * log(a)); };
inline constexpr auto pow =
    elementwise<"pow">(kernel::lane_pow, derivative(pow_by_base, pow_by_exponent), input_domain([] {
                         return Domain{0.3, 2};
                       }),
                       notation<"aᵇ">);
}  // namespace ops
/// aᵇ; NaN for a negative base with a fractional exponent. The gradient of the base is 0 where b = 0, that of the
/// exponent is 0 where a = 0 and b ≥ 0.
WENGERT_BINARY(pow)

// ---- trigonometric and hyperbolic ----------------------------------------------------------------------------------

namespace ops {
inline constexpr auto sin =
    elementwise<"sin">(kernel::lane_sin, derivative([](auto x, auto) { return cos(x); }), notation<"sin x">);
inline constexpr auto cos =
    elementwise<"cos">(kernel::lane_cos, derivative([](auto x, auto) { return -sin(x); }), notation<"cos x">);
inline constexpr auto tanh =
    elementwise<"tanh">(kernel::lane_tanh, derivative([](auto, auto y) { return 1 - y * y; }), notation<"tanh x">);
}  // namespace ops
/// sin x, x in radians.
WENGERT_UNARY(sin)
/// cos x, x in radians.
WENGERT_UNARY(cos)
/// The hyperbolic tangent.
WENGERT_UNARY(tanh)

// ---- comparing and choosing ----------------------------------------------------------------------------------------

namespace ops {
inline constexpr auto abs = elementwise<"abs">(
    [](auto x) { return where(x > 0, x, 0 - x); },
    derivative([](auto x, auto) { return where(x > 0, lift(x, 1), where(x < 0, lift(x, -1), 0)); }), notation<"|x|">);
inline constexpr auto maximum = elementwise<"maximum">(
    [](auto a, auto b) { return where(a > b || a != a, a, b); },
    derivative([](auto a, auto b, auto) { return where(a > b, lift(a, 1), where(a == b, lift(a, 0.5), 0)); },
               [](auto a, auto b, auto) { return where(b > a, lift(a, 1), where(a == b, lift(a, 0.5), 0)); }),
    notation<"max(a, b)">);
inline constexpr auto minimum = elementwise<"minimum">(
    [](auto a, auto b) { return where(a < b || a != a, a, b); },
    derivative([](auto a, auto b, auto) { return where(a < b, lift(a, 1), where(a == b, lift(a, 0.5), 0)); },
               [](auto a, auto b, auto) { return where(b < a, lift(a, 1), where(a == b, lift(a, 0.5), 0)); }),
    notation<"min(a, b)">);
}  // namespace ops
/// |x|; its gradient at 0 is 0.
WENGERT_UNARY(abs)
/// The larger of two; NaN if either is. A tie gives each half of the gradient.
WENGERT_BINARY(maximum)
/// The smaller of two; NaN if either is. A tie gives each half of the gradient.
WENGERT_BINARY(minimum)

// ---- activations ---------------------------------------------------------------------------------------------------

namespace ops {
// With e = exp(−|x|) neither branch overflows, and the left tail keeps its relative precision down to the denormals.
inline constexpr auto sigmoid = elementwise<"sigmoid">(
    [](auto x) {
      auto e = exp(-abs(x));
      return where(x < 0, e, lift(e, 1)) / (1 + e);
    },
    derivative([](auto, auto y) { return y * (1 - y); }), notation<"1 / (1 + e⁻ˣ)">);
inline constexpr auto relu =
    elementwise<"relu">([](auto x) { return where(x <= 0, 0, x); },
                        derivative([](auto x, auto) { return where(x > 0, lift(x, 1), 0); }), notation<"max(x, 0)">);
}  // namespace ops
/// The logistic function 1 / (1 + e⁻ˣ).
WENGERT_UNARY(sigmoid)
/// max(x, 0); its gradient at 0 is 0.
WENGERT_UNARY(relu)

// ---- arithmetic: the functions behind the operators of Var
// -----------------------------------------------------------

/// a + b.
template <class T>
Var<T> add(Operand<T> a, Operand<T> b);
/// a − b.
template <class T>
Var<T> subtract(Operand<T> a, Operand<T> b);
/// a · b, element by element.
template <class T>
Var<T> multiply(Operand<T> a, Operand<T> b);
/// a / b, element by element.
template <class T>
Var<T> divide(Operand<T> a, Operand<T> b);
/// −x.
template <class T>
Var<T> negate(Operand<T> x);
/// 1 where a < b, otherwise 0; without gradient.
template <class T>
Var<T> less(Operand<T> a, Operand<T> b);
/// 1 where a ≤ b, otherwise 0; without gradient.
template <class T>
Var<T> less_equal(Operand<T> a, Operand<T> b);
/// 1 where a = b, otherwise 0; without gradient.
template <class T>
Var<T> equal(Operand<T> a, Operand<T> b);
/// a where the mask is not 0, elsewhere b; the mask gets no gradient.
template <class T>
Var<T> select(Operand<T> mask, Operand<T> a, Operand<T> b);

}  // namespace wengert

#undef WENGERT_UNARY
#undef WENGERT_BINARY
#undef WENGERT_TABLES
