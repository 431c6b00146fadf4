#include <wengert/ops/elementwise.hpp>

namespace wengert {
namespace {

// One op for two Vars, one for a Var and a scalar: a scalar is a parameter, so `2 * x` is a single node.
constexpr auto add_op = elementwise<"add">([](auto a, auto b) { return a + b; }, passes_cotangent<1, 1>,
                                           notation<"a + b">, shown_by_formula);
constexpr auto subtract_op = elementwise<"subtract">([](auto a, auto b) { return a - b; }, passes_cotangent<1, -1>,
                                                     notation<"a − b">, shown_by_formula);
constexpr auto negate_op =
    elementwise<"negate">([](auto x) { return -x; }, passes_cotangent<-1>, notation<"−x">, shown_by_formula);
constexpr auto multiply_op =
    elementwise<"multiply">([](auto a, auto b) { return a * b; },
                            derivative([](auto, auto b, auto) { return b; }, [](auto a, auto, auto) { return a; }),
                            notation<"a · b">, shown_by_formula);
constexpr auto divide_op = elementwise<"divide">(
    [](auto a, auto b) { return a / b; },
    derivative([](auto, auto b, auto) { return 1 / b; }, [](auto, auto b, auto y) { return -y / b; }), input_domain([] {
      return Domain{0.4, 2.0};
    }),
    notation<"a / b">, shown_by_formula);
constexpr auto add_scalar = elementwise<"add_scalar", params<1>>(
    [](auto x, auto c) { return x + c; }, passes_cotangent<1>, notation<"x + c">, shown_by_formula);
constexpr auto multiply_scalar = elementwise<"multiply_scalar", params<1>>(
    [](auto x, auto c) { return x * c; }, scales_by_parameter, notation<"c · x">, shown_by_formula);
constexpr auto divide_scalar = elementwise<"divide_scalar", params<1>>(
    [](auto x, auto c) { return x / c; }, derivative([](auto, auto c, auto) { return 1 / c; }), notation<"x / c">,
    shown_by_formula);
constexpr auto scalar_divide = elementwise<"scalar_divide", params<1>>(
    [](auto x, auto c) { return c / x; }, derivative([](auto x, auto, auto y) { return -y / x; }), input_domain([] {
      return Domain{0.4, 2.0};
    }),
    notation<"c / x">, shown_by_formula);

}  // namespace

// For float and double.
#define WENGERT_ARITHMETIC(T)                                                                               \
  Var<T> add(Operand<T> a, Operand<T> b) {                                                                  \
    if (b.is_scalar()) return add_scalar(a, b.scalar());                                                    \
    return a.is_scalar() ? add_scalar(b, a.scalar()) : add_op(a, b);                                        \
  }                                                                                                         \
  Var<T> subtract(Operand<T> a, Operand<T> b) {                                                             \
    if (b.is_scalar()) return add_scalar(a, -b.scalar());                                                   \
    return a.is_scalar() ? add_scalar(Operand<T>(negate_op(b), a.where()), a.scalar()) : subtract_op(a, b); \
  }                                                                                                         \
  Var<T> multiply(Operand<T> a, Operand<T> b) {                                                             \
    if (b.is_scalar()) return multiply_scalar(a, b.scalar());                                               \
    return a.is_scalar() ? multiply_scalar(b, a.scalar()) : multiply_op(a, b);                              \
  }                                                                                                         \
  Var<T> divide(Operand<T> a, Operand<T> b) {                                                               \
    if (b.is_scalar()) return divide_scalar(a, b.scalar());                                                 \
    return a.is_scalar() ? scalar_divide(b, a.scalar()) : divide_op(a, b);                                  \
  }                                                                                                         \
  Var<T> negate(Operand<T> x) { return negate_op(x); }
WENGERT_ARITHMETIC(float)
WENGERT_ARITHMETIC(double)
#undef WENGERT_ARITHMETIC

}  // namespace wengert
