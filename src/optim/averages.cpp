#include "optim/averages.hpp"

#include <wengert/elementwise.hpp>

namespace wengert::optim {
namespace {

constexpr auto root_op = elementwise<"root">(
    [](auto x) { return sqrt(x); }, derivative([](auto, auto y) { return where(y == 0, 0, 0.5 / y); }),
    input_domain([] {
      return Domain{0.3, 3.0};
    }),
    notation<"√x">, convention<"gradient 0 at 0">);

}  // namespace

Var<float> root(const Operand<float>& x) { return root_op(x); }
Var<double> root(const Operand<double>& x) { return root_op(x); }

}  // namespace wengert::optim
