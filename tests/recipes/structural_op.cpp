// A structural op with an integer attribute: a delay by k steps, yᵢ = xᵢ₋ₖ, with zeros before the beginning.
//
// An op that is not elementwise is a struct: its shape rule, its forward function on raw elements, and its vjp. Data
// members are its attributes. The vjp of a delay is a delay by −k, so there are derivatives of any order, which
// `gradcheck` verifies. Then the op is used: a signal and its echo are given, and the strength of the echo is learned.
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;
namespace optim = wengert::optim;

template <class T>
wg::Var<T> delay(wg::Var<T> x, std::ptrdiff_t steps, wg::Location where = wg::Location::current());

struct Delay {
  static constexpr std::string_view name = "delay", notation = "xᵢ₋ₖ";
  static constexpr std::size_t arity = 1;
  std::ptrdiff_t steps = 0;

  wg::Shape shape(const wg::Shape& x) const {
    if (x.rank() != 1) throw wg::ShapeError(name, fmt::format("shape {} is not that of a vector", to_string(x)));
    return x;
  }
  template <class T>
  void forward(wg::Value<const T> x, wg::Value<T> y) const {
    const auto n = static_cast<std::ptrdiff_t>(x.size());
    for (std::ptrdiff_t i = 0; i < n; ++i) y.data[i] = i - steps >= 0 && i - steps < n ? x.data[i - steps] : 0;
  }
  template <class T>
  wg::Var<T> vjp(wg::Var<T> g, wg::Var<T>, wg::Var<T>) const {
    return delay(g, -steps);
  }
  static std::vector<wg::StructuralExample<Delay>> examples() { return {{{2}, {{5}}}, {{-1}, {{4}}}}; }
};

template <class T>
wg::Var<T> delay(wg::Var<T> x, std::ptrdiff_t steps, wg::Location where) {
  return record(Delay{steps}, where, x);
}

int main() {
  xt::random::seed(1);
  const wg::Tensor<double> signal = xt::random::randn<double>({100});
  const auto report = wg::gradcheck([](auto x) { return delay(x, 3); }, signal);

  const wg::Parameter<double> strength(0.0);
  optim::Optimizer<double> optimizer(strength, optim::SGD{.rate = 0.1});
  wg::Tape<double> tape;
  for (int step = 0; step < 100; ++step) {
    tape.clear();
    auto x = tape.constant(signal);
    optimizer.update(mse_loss(x + tape.variable(strength) * delay(x, 7), x + 0.6 * delay(x, 7)));
    tape.commit();
  }
  fmt::print("gradients: {}; strength of the echo: {:.4f}\n", report.ok() ? "right" : "wrong", strength.value()());
  return report.ok() && std::abs(strength.value()() - 0.6) < 1e-3 ? 0 : 1;
}
