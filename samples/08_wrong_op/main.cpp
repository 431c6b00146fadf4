// Three ops with a wrong derivative, and what the gradient check says of each: which op, which input, in what way.
//
// Every one computes the right value, and a network with it would even learn something: only the check tells. Prints
// the three reports; each begins with the mistake in words.
#include <wengert/wengert.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;

// e^(−x²) whose derivative forgot the minus sign: it should be −2x·y.
inline constexpr auto bell = wg::elementwise<"bell">([](auto x) { return exp(-x * x); },
                                                     wg::derivative([](auto x, auto y) { return 2 * x * y; }));

// A harmonic mean whose derivatives are right but for a factor: 2ab / (a + b) has 2b² / (a + b)², not b² / (a + b)².
inline constexpr auto harmonic =
    wg::elementwise<"harmonic">([](auto a, auto b) { return 2 * a * b / (a + b); },
                                wg::derivative([](auto a, auto b, auto) { return b * b / ((a + b) * (a + b)); },
                                               [](auto a, auto b, auto) { return 2 * a * a / ((a + b) * (a + b)); }),
                                wg::input_domain([] {
                                  return wg::Domain{0.5, 2.0};
                                }));

// x·w, whose cotangents should be g·wᵀ and xᵀ·g: the second one was written the other way round, gᵀ·x, which nobody's
// shapes contradict as long as w is square.
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

  // The op is found inside a larger function, too: here between two that are right.
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
