#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("elementwise ops agree with PyTorch") {
  Oracle oracle("elementwise");
  const auto unary = [&](const std::string& name, const auto& f) {
    oracle.check(name, f);
    oracle.check(fmt::format("{}.special", name), f);
  };
  unary("exp", [](auto x) { return exp(x); });
  unary("log", [](auto x) { return log(x); });
  unary("tanh", [](auto x) { return tanh(x); });
  unary("sigmoid", [](auto x) { return sigmoid(x); });
  oracle.check("maximum", [](auto a, auto b) { return maximum(a, b); });
  oracle.check_all_were_checked();
}
