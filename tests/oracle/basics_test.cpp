// Arithmetic, comparisons, views and sums against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("arithmetic, comparisons, views and sums agree with PyTorch") {
  Oracle oracle("basics");
  for (const std::string suffix : {"", ".row", ".column"}) {
    oracle.check("add" + suffix, [](auto a, auto b) { return a + b; });
    oracle.check("subtract" + suffix, [](auto a, auto b) { return a - b; });
    oracle.check("multiply" + suffix, [](auto a, auto b) { return a * b; });
    oracle.check("divide" + suffix, [](auto a, auto b) { return a / b; });
  }
  oracle.check("negate", [](auto x) { return -x; });
  oracle.check("add_scalar", [](auto x) { return x + 0.3; });
  oracle.check("subtract_scalar", [](auto x) { return x - 0.3; });
  oracle.check("scalar_subtract", [](auto x) { return 0.3 - x; });
  oracle.check("multiply_scalar", [](auto x) { return x * 0.3; });
  oracle.check("divide_scalar", [](auto x) { return x / 0.3; });
  oracle.check("scalar_divide", [](auto x) { return 0.3 / x; });
  oracle.check("where", [](auto a, auto b) { return where(a > 0, a, b); });
  oracle.check("equal", [](auto a, auto b) { return equal(a, b); });
  oracle.check("not_equal", [](auto a, auto b) { return not_equal(a, b); });
  oracle.check("less", [](auto a, auto b) { return a < b; });
  oracle.check("less_equal", [](auto a, auto b) { return a <= b; });
  oracle.check("greater", [](auto a, auto b) { return a > b; });
  oracle.check("greater_equal", [](auto a, auto b) { return a >= b; });
  oracle.check("logical_and", [](auto a, auto b) { return logical_and(a, b); });
  oracle.check("logical_or", [](auto a, auto b) { return logical_or(a, b); });
  oracle.check("logical_not", [](auto x) { return logical_not(x); });
  oracle.check("isnan", [](auto x) { return isnan(x); });
  oracle.check("isfinite", [](auto x) { return isfinite(x); });
  oracle.check("transpose", [](auto x) { return transpose(x, {2, 0, 1}); });
  oracle.check("reshape", [](auto x) { return reshape(x, {4, 6}); });
  oracle.check("broadcast_to", [](auto x) { return broadcast_to(x, {4, 3, 5}); });
  oracle.check("sum", [](auto x) { return sum(x, {0, 2}); });
  oracle.check("sum.long", [](auto x) { return sum(x * x); });
  oracle.check("cross_entropy_with_logits",
               [](auto z, auto y) { return cross_entropy_with_logits(z, y / sum(y, 1, KeepDims::yes)); });
  oracle.check_all_were_checked();
}
