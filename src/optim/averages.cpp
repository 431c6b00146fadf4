// Elementwise ops of the update rules: moving averages, division by a root, and the descent step.
#include "optim/averages.hpp"

#include <wengert/formula/elementwise.hpp>

namespace wengert::optim {
namespace {

// Averages move by the fraction 1 − β, which is computed from β in double.
constexpr auto moving_average_op = elementwise<"moving_average", params<1>>(
    [](auto average, auto x, auto fraction) { return average + fraction * (x - average); },
    notation<"average moved to x">);
constexpr auto moving_average_of_square_op = elementwise<"moving_average_of_square", params<1>>(
    [](auto average, auto x, auto fraction) { return average + fraction * (x * x - average); },
    notation<"average moved to x²">);
// The gradient of √v at 0 is defined as 0: if g has always been 0, v does not depend on g to first order.
constexpr auto root =
    elementwise<"root">([](auto v) { return sqrt(v); },
                        derivative([](auto, auto y) { return where(y == 0, 0, 0.5 / y); }), input_domain([] {
                          return Domain{0.3, 3.0};
                        }),
                        notation<"√v">, convention<"gradient 0 at 0">);
constexpr auto over_root_op = elementwise<"over_root", params<1>>(
    [](auto x, auto v, auto c, auto epsilon) { return x / (c * root(v) + epsilon); }, input_domain([] {
      return Domain{0.3, 3.0};
    }),
    notation<"x / (c · √v + ε)">);
constexpr auto descend_op =
    elementwise<"descend">([](auto w, auto rate, auto d) { return w - rate * d; }, notation<"w − rate · d">);

}  // namespace

#define WENGERT_RULE_OPS(T)                                                                         \
  Var<T> moving_average(const Operand<T>& average, const Operand<T>& x, double beta) {              \
    return moving_average_op(average, x, 1 - beta);                                                 \
  }                                                                                                 \
  Var<T> moving_average_of_square(const Operand<T>& average, const Operand<T>& x, double beta) {    \
    return moving_average_of_square_op(average, x, 1 - beta);                                       \
  }                                                                                                 \
  Var<T> over_root(const Operand<T>& x, const Operand<T>& v, const Operand<T>& c, double epsilon) { \
    return over_root_op(x, v, c, epsilon);                                                          \
  }                                                                                                 \
  Var<T> descend(const Operand<T>& w, const Operand<T>& rate, const Operand<T>& d) { return descend_op(w, rate, d); }
WENGERT_RULE_OPS(float)
WENGERT_RULE_OPS(double)
#undef WENGERT_RULE_OPS

}  // namespace wengert::optim
