// Elementwise ops against PyTorch, including special values and kinks.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("elementwise ops agree with PyTorch") {
  Oracle oracle("elementwise", {{"psi0", "digamma"},
                                {"psi1", "polygamma"},
                                {"psi2", "polygamma"},
                                {"psi3", "polygamma"},
                                {"polygamma1", "polygamma"},
                                {"polygamma2", "polygamma"},
                                {"polygamma5", "polygamma"}});
  const auto unary = [&](const std::string& name, const auto& f) {
    // PyTorch's trigamma is accurate only to 3e-10; see psi1 below.
    oracle.check(name, f, {.first = name == "digamma" ? 3e-10 : 1e-10, .second = name == "lgamma" ? 3e-10 : 1e-10});
    oracle.check(fmt::format("{}.special", name), f);
    // PyTorch's hard sigmoid multiplies by 1/6 rounded to float.
    if (oracle.has(fmt::format("{}.kinks", name), "y"))
      oracle.check(fmt::format("{}.kinks", name), f, {.first = name == "hard_sigmoid" ? 1e-7 : 1e-10});
  };
#define CHECK_OP(name) unary(#name, [](auto x) { return name(x); })
  CHECK_OP(exp);
  CHECK_OP(exp2);
  CHECK_OP(expm1);
  CHECK_OP(log);
  CHECK_OP(log2);
  CHECK_OP(log10);
  CHECK_OP(log1p);
  CHECK_OP(sqrt);
  CHECK_OP(square);
  CHECK_OP(reciprocal);
  CHECK_OP(rsqrt);
  CHECK_OP(erf);
  CHECK_OP(erfc);
  CHECK_OP(lgamma);
  CHECK_OP(digamma);
  CHECK_OP(sin);
  CHECK_OP(cos);
  CHECK_OP(tan);
  CHECK_OP(asin);
  CHECK_OP(acos);
  CHECK_OP(atan);
  CHECK_OP(sinh);
  CHECK_OP(cosh);
  CHECK_OP(tanh);
  CHECK_OP(asinh);
  CHECK_OP(acosh);
  CHECK_OP(atanh);
  CHECK_OP(abs);
  CHECK_OP(sign);
  CHECK_OP(floor);
  CHECK_OP(ceil);
  CHECK_OP(round);
  CHECK_OP(trunc);
  CHECK_OP(sigmoid);
  CHECK_OP(log_sigmoid);
  CHECK_OP(logit);
  CHECK_OP(softplus);
  CHECK_OP(softsign);
  CHECK_OP(relu);
  CHECK_OP(relu6);
  CHECK_OP(leaky_relu);
  CHECK_OP(elu);
  CHECK_OP(selu);
  CHECK_OP(celu);
  CHECK_OP(gelu);
  CHECK_OP(gelu_tanh);
  CHECK_OP(silu);
  CHECK_OP(mish);
  CHECK_OP(hard_sigmoid);
  CHECK_OP(hard_swish);
  CHECK_OP(hard_tanh);
  CHECK_OP(softshrink);
  CHECK_OP(hardshrink);
#undef CHECK_OP
  oracle.check("clip", [](auto x) { return clip(x, -1, 1); });
  oracle.check("clip.kinks", [](auto x) { return clip(x, -1, 1); });
  oracle.check("clip_between", [](auto x, auto low, auto high) { return clip(x, low, high); });
  oracle.check("clip_between.ties", [](auto x, auto low, auto high) { return clip(x, low, high); });
  oracle.check("psi0", [](auto x) { return digamma(x); });
  oracle.check("psi1", [](auto x) { return polygamma(1, x); });
  oracle.check("psi2", [](auto x) { return polygamma(2, x); });
  oracle.check("psi3", [](auto x) { return polygamma(3, x); });
  oracle.check("leaky_relu.parameter", [](auto x) { return leaky_relu(x, 0.3); });
  oracle.check("softplus.parameter", [](auto x) { return softplus(x, 2.5); });
  oracle.check("elu.parameter", [](auto x) { return elu(x, 1.7); });
  oracle.check("celu.parameter", [](auto x) { return celu(x, 1.7); });
  oracle.check("softshrink.parameter", [](auto x) { return softshrink(x, 1.2); });
  oracle.check("hardshrink.parameter", [](auto x) { return hardshrink(x, 1.2); });
  oracle.check("digamma.negative", [](auto x) { return digamma(x); });
  oracle.check("digamma.poles", [](auto x) { return digamma(x); });
  oracle.check("polygamma1", [](auto x) { return polygamma(1, x); });
  oracle.check("polygamma2", [](auto x) { return polygamma(2, x); });
  oracle.check("polygamma5", [](auto x) { return polygamma(5, x); });
  oracle.check("cbrt", [](auto x) { return cbrt(x); });
  oracle.check("nan_to_num", [](auto x) { return nan_to_num(x); }, {.in_float = 1});  // the largest float differs
  oracle.check("nan_to_num.given", [](auto x) { return nan_to_num(x, 1, 2, 3); });
  const auto binary = [&](const std::string& name, const auto& f) {
    for (const char* suffix : {"", ".ties", ".edges"})
      if (oracle.has(name + suffix, "y")) oracle.check(name + suffix, f);
  };
  binary("pow", [](auto a, auto b) { return pow(a, b); });
  binary("atan2", [](auto a, auto b) { return atan2(a, b); });
  binary("hypot", [](auto a, auto b) { return hypot(a, b); });
  binary("fmod", [](auto a, auto b) { return fmod(a, b); });
  binary("xlogy", [](auto a, auto b) { return xlogy(a, b); });
  binary("logaddexp", [](auto a, auto b) { return logaddexp(a, b); });
  binary("maximum", [](auto a, auto b) { return maximum(a, b); });
  binary("minimum", [](auto a, auto b) { return minimum(a, b); });
  oracle.check("lerp", [](auto a, auto b, auto t) { return lerp(a, b, t); });
  oracle.check("prelu", [](auto x, auto a) { return prelu(x, a); });
  oracle.check("prelu.one", [](auto x, auto a) { return prelu(x, a); });
  oracle.check_all_were_checked();
}
