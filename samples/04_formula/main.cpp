// The second way to add an op: a scalar formula, which is compiled to one vectorised kernel.
//
// Derivatives of any order follow from the formula; each is one fused kernel.
#include <wengert/wengert.hpp>

#include <cstddef>

#include <fmt/format.h>
#include <xtensor/xbuilder.hpp>

namespace wg = wengert;

// x·sigmoid(x) (Ramachandran et al. 2017).
inline constexpr auto swish = wg::elementwise<"swish">([](auto x) { return x / (1 + exp(-x)); });

// Parameters come last. Use `where` for branches; an `if` on a comparison does not compile.
inline constexpr auto leaky =
    wg::elementwise<"leaky", wg::params<1>>([](auto x, auto slope) { return where(x > 0, x, slope * x); });

// Several inputs, with explicit derivatives: one per input, as functions of the inputs and the output y. They are
// optional; without them, the quotient rule gives the same derivatives.
inline constexpr auto ratio =
    wg::elementwise<"ratio">([](auto a, auto b) { return a / (a + b); },
                             wg::derivative([](auto a, auto b, auto y) { return (1 - y) / (a + b); },
                                            [](auto a, auto b, auto y) { return -y / (a + b); }),
                             wg::input_domain([] {
                               return wg::Domain{0.2, 2.0};
                             }),
                             wg::notation<"a / (a + b)">);

int main() {
  wg::Tape<float> tape;
  const auto x = tape.variable(wg::Tensor<float>{-2, -1, 0, 1, 2}, "x");
  const auto y = swish(x);
  const auto [dy] = wg::grad(sum(y), x);    // recorded as nodes …
  const auto [ddy] = wg::grad(sum(dy), x);  // … so that it can be differentiated again
  for (std::size_t i = 0; i < 5; ++i)
    fmt::print("x {:5.1f}   swish {:8.5f}   first {:8.5f}   second {:8.5f}\n", x.value()(i), y.value()(i),
               dy.value()(i), ddy.value()(i));
  fmt::print("\nThe formulas, read off the tape:\n{}\n", wg::explain(sum(y)).to_string());

  const wg::Tensor<double> points = xt::linspace<double>(0.25, 2, 8);
  bool ok = true;
  for (const auto& report : {wg::gradcheck([](auto v) { return swish(v - 1); }, points),
                             wg::gradcheck([](auto v) { return leaky(v - 1.1, 0.1); }, points),
                             wg::gradcheck([](auto a, auto b) { return ratio(a, b); }, points, 2 * points)}) {
    fmt::print("{}\n", report.to_string());
    ok = ok && report.ok();
  }
  return ok ? 0 : 1;
}
