// Runs the gradient check on three ops with wrong derivatives. It names the op, the input and the kind of mistake.
//
// Each op computes the right value, and a network that uses it still learns to some degree, so only the check finds the
// mistake. Prints the three reports; each begins with a description of the mistake.
#include <wengert/wengert.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;

// e^(−x²) with the wrong sign in the derivative, which should be −2x·y.
inline constexpr auto bell = wg::elementwise<"bell">([](auto x) { return exp(-x * x); },
                                                     wg::derivative([](auto x, auto y) { return 2 * x * y; }));

// Harmonic mean 2ab / (a + b) with a factor missing: ∂/∂a is 2b² / (a + b)², not b² / (a + b)².
inline constexpr auto harmonic =
    wg::elementwise<"harmonic">([](auto a, auto b) { return 2 * a * b / (a + b); },
                                wg::derivative([](auto a, auto b, auto) { return b * b / ((a + b) * (a + b)); },
                                               [](auto a, auto b, auto) { return 2 * a * a / ((a + b) * (a + b)); }),
                                wg::input_domain([] {
                                  return wg::Domain{0.5, 2.0};
                                }));

// x·w, whose cotangents are g·wᵀ and xᵀ·g. The second one is written as gᵀ·x, which passes the shape check if w is
// square.
struct Project {
  static constexpr std::string_view name = "project";
  static constexpr std::string_view notation = "x w";
  static constexpr std::size_t arity = 2;

  wg::Shape shape(const wg::Shape& x, const wg::Shape& w) const {
    if (x.rank() != 2 || w != wg::Shape{x[1], x[1]})
      throw wg::ShapeError(name, fmt::format("shapes {} and {}: expected N×D and D×D", to_string(x), to_string(w)));
    return x;
  }
  template <class T>
  void forward(wg::Value<const T> x, wg::Value<const T> w, wg::Value<T> y) const {
    const std::size_t n = y.shape()[0], d = y.shape()[1];
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < d; ++j) {
        y.data[i * d + j] = 0;
        for (std::size_t k = 0; k < d; ++k) y.data[i * d + j] += x.data[i * d + k] * w.data[k * d + j];
      }
  }
  template <class T>
  auto vjp(wg::Var<T> g, wg::Var<T>, wg::Var<T> x, wg::Var<T> w) const {
    return std::tuple([=] { return matmul(g, transpose(w)); }, [=] { return matmul(transpose(g), x); });
  }
  static std::vector<wg::StructuralExample<Project>> examples() { return {{{}, {{3, 2}, {2, 2}}}}; }
};
template <class T>
wg::Var<T> project(wg::Var<T> x, wg::Var<T> w, wg::Location where = wg::Location::current()) {
  return record(Project{}, where, x, w);
}

int main() {
  xt::random::seed(1964);
  const wg::Tensor<double> x = xt::random::randn<double>({4, 3}), w = xt::random::randn<double>({3, 3}),
                           positive = xt::random::rand<double>({4}, 0.5, 2.0),
                           other = xt::random::rand<double>({4}, 0.5, 2.0);

  // The check also finds the op inside a larger function, here between two correct ops.
  const auto sign =
      wg::gradcheck([](auto a, auto b) { return sum(tanh(bell(matmul(a, b)))); }, wg::named("x", x), wg::named("w", w));
  const auto factor =
      wg::gradcheck([](auto a, auto b) { return harmonic(a, b); }, wg::named("a", positive), wg::named("b", other));
  const auto transposed =
      wg::gradcheck([](auto a, auto b) { return square(project(a, b)); }, wg::named("x", x), wg::named("w", w));
  bool found = true;
  for (const auto& report : {sign, factor, transposed}) {
    fmt::print("{}\n\n", report.to_string());
    found = found && report.verdict() == wg::Verdict::wrong;
  }
  fmt::print("wrong ops found: {} of 3\n", int{!sign.ok()} + int{!factor.ok()} + int{!transposed.ok()});
  return found ? 0 : 1;
}
