// Arithmetic ops: add, subtract, multiply, divide and negate; a scalar operand becomes a parameter of the op.
#include "ops/engine_ops.hpp"
#include "ops/linear_ops.hpp"
#include <wengert/ops/elementwise.hpp>

#include <array>
#include <type_traits>

namespace wengert {
namespace {

// One op for two Vars, another for a Var and a scalar: the scalar is a parameter, so `2 * x` is a single node.
constexpr auto add_op = elementwise<"add">([](auto a, auto b) { return a + b; }, passes_cotangent<1, 1>,
                                           notation<"a + b">, shown_by_formula, detail::primitive);
constexpr auto subtract_op = elementwise<"subtract">([](auto a, auto b) { return a - b; }, passes_cotangent<1, -1>,
                                                     notation<"a − b">, shown_by_formula, detail::primitive);
constexpr auto negate_op = elementwise<"negate">([](auto x) { return -x; }, passes_cotangent<-1>, notation<"−x">,
                                                 shown_by_formula, detail::primitive);
constexpr auto multiply_op = elementwise<"multiply">([](auto a, auto b) { return a * b; }, multiplies_inputs,
                                                     notation<"a · b">, shown_by_formula, detail::primitive);
constexpr auto divide_op = elementwise<"divide">(
    [](auto a, auto b) { return a / b; },
    derivative([](auto, auto b, auto) { return 1 / b; }, [](auto, auto b, auto y) { return -y / b; }), input_domain([] {
      return Domain{0.4, 2.0};
    }),
    notation<"a / b">, shown_by_formula, detail::primitive);
constexpr auto add_scalar =
    elementwise<"add_scalar", params<1>>([](auto x, auto c) { return x + c; }, passes_cotangent<1>, notation<"x + c">,
                                         called_as<"add">, shown_by_formula, detail::primitive);
constexpr auto subtract_scalar = elementwise<"subtract_scalar", params<1>>(
    [](auto x, auto c) { return x - c; }, passes_cotangent<1>, notation<"x − c">, called_as<"subtract">,
    shown_by_formula, detail::primitive);
constexpr auto scalar_subtract = elementwise<"scalar_subtract", params<1>>(
    [](auto x, auto c) { return c - x; }, passes_cotangent<-1>, notation<"c − x">, called_as<"subtract">,
    shown_by_formula, detail::primitive);
constexpr auto multiply_scalar = elementwise<"multiply_scalar", params<1>>(
    [](auto x, auto c) { return x * c; }, scales_by_parameter, notation<"c · x">, called_as<"multiply">,
    shown_by_formula, detail::primitive);
constexpr auto divide_scalar = elementwise<"divide_scalar", params<1>>(
    [](auto x, auto c) { return x / c; }, derivative([](auto, auto c, auto) { return 1 / c; }), notation<"x / c">,
    called_as<"divide">, shown_by_formula, detail::primitive);
constexpr auto scalar_divide = elementwise<"scalar_divide", params<1>>(
    [](auto x, auto c) { return c / x; }, derivative([](auto x, auto, auto y) { return -y / x; }), input_domain([] {
      return Domain{0.4, 2.0};
    }),
    notation<"c / x">, called_as<"divide">, shown_by_formula, detail::primitive);

template <class T>
bool enter_add() {
  LinearOps<T>::add = &ElementwiseTable<T, std::remove_const_t<decltype(add_op)>>::table;
  return true;
}
[[maybe_unused]] const bool add_entered = enter_add<float>() && enter_add<double>();

}  // namespace

// For float and double.
#define WENGERT_ARITHMETIC(T)                                                  \
  Var<T> add(const Operand<T>& a, const Operand<T>& b) {                       \
    if (b.is_scalar()) return add_scalar(a, b.scalar());                       \
    return a.is_scalar() ? add_scalar(b, a.scalar()) : add_op(a, b);           \
  }                                                                            \
  Var<T> subtract(const Operand<T>& a, const Operand<T>& b) {                  \
    if (b.is_scalar()) return subtract_scalar(a, b.scalar());                  \
    return a.is_scalar() ? scalar_subtract(b, a.scalar()) : subtract_op(a, b); \
  }                                                                            \
  Var<T> multiply(const Operand<T>& a, const Operand<T>& b) {                  \
    if (b.is_scalar()) return multiply_scalar(a, b.scalar());                  \
    return a.is_scalar() ? multiply_scalar(b, a.scalar()) : multiply_op(a, b); \
  }                                                                            \
  Var<T> divide(const Operand<T>& a, const Operand<T>& b) {                    \
    if (b.is_scalar()) return divide_scalar(a, b.scalar());                    \
    return a.is_scalar() ? scalar_divide(b, a.scalar()) : divide_op(a, b);     \
  }                                                                            \
  Var<T> negate(const Operand<T>& x) { return negate_op(x); }
WENGERT_ARITHMETIC(float)
WENGERT_ARITHMETIC(double)
#undef WENGERT_ARITHMETIC

namespace detail {

template <class T>
Var<T> sum_of_two(Var<T> a, Var<T> b) {
  using Table = ElementwiseTable<T, std::remove_const_t<decltype(add_op)>>;
  const std::array<Var<T>, 2> both{a, b};
  return a.tape().record(Table::table, nullptr, 0, both, Location::current());
}
template Var<float> sum_of_two(Var<float>, Var<float>);
template Var<double> sum_of_two(Var<double>, Var<double>);

}  // namespace detail
}  // namespace wengert
