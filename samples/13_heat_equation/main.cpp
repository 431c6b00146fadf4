// A physics-informed network (Raissi, Perdikaris and Karniadakis 2019) for the heat equation: a network u(x, t) is
// trained until it satisfies
//
//     u_t = u_xx / π²  for 0 < x < 1, 0 < t < 1,    u(x, 0) = sin πx,    u(0, t) = u(1, t) = 0.
//
// No solution is shown to it: the loss holds first and second derivatives of the network, which `grad` records as
// ordinary nodes, and is differentiated once more by the optimiser. Prints the loss, and the largest error against the
// exact solution e^(−t) sin πx.
#include "../common/arguments.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;

constexpr double pi = std::numbers::pi;

// N² points of a grid over the unit square, as columns N²×1 of x and t.
struct Grid {
  wg::Tensor<double> x, t;
  explicit Grid(std::size_t n) : x(wg::Tensor<double>::from_shape({n * n, 1})), t(x) {
    for (std::size_t i = 0; i < n * n; ++i) {
      x(i, 0) = static_cast<double>(i % n) / static_cast<double>(n - 1);
      t(i, 0) = static_cast<double>(i / n) / static_cast<double>(n - 1);
    }
  }
};

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  wg::Generator generator(1964);
  const auto layers = nn::sequential(nn::Linear<double>::make(2, 24, generator), nn::Tanh{},
                                     nn::Linear<double>::make(24, 24, generator), nn::Tanh{},
                                     nn::Linear<double>::make(24, 1, generator));
  // u vanishes at both ends and begins as sin πx whatever the layers say: what they learn is how it goes on.
  const auto u = [&](wg::Var<double> x, wg::Var<double> t) {
    return sin(pi * x) + x * (1 - x) * t * layers(wg::concatenate({x, t}, 1));
  };
  // How far u is from satisfying the equation, at every point. A point's u depends on that point alone, so the gradient
  // of the sum is the derivative at each.
  const auto residual = [&](wg::Var<double> x, wg::Var<double> t) {
    const auto [u_x, u_t] = wg::grad(sum(u(x, t)), x, t);
    const auto [u_xx] = wg::grad(sum(u_x), x);
    return u_t - u_xx / (pi * pi);
  };

  const Grid points(20);
  // The sum of squares, not their mean: L-BFGS passes over changes that are too small to learn a curvature from.
  optim::LBFGS<double> optimizer(layers, {.max_iterations = 100, .change_tolerance = 1e-12});
  const int rounds = brief ? 1 : 10;
  for (int round = 1; round <= rounds; ++round) {
    const auto report = optimizer.step([&](wg::Tape<double>& tape) {
      return sum(square(residual(tape.variable(points.x), tape.variable(points.t))));
    });
    fmt::print("after {:>4} iterations   loss {:.3e}\n", 100 * round, report.loss);
  }

  const Grid fine(101);
  wg::Tape<double> tape;
  const auto learned = u(tape.borrow(fine.x), tape.borrow(fine.t)).value();
  double worst = 0;
  for (std::size_t i = 0; i < learned.size(); ++i)
    worst = std::max(worst, std::abs(learned(i, 0) - std::exp(-fine.t(i, 0)) * std::sin(pi * fine.x(i, 0))));
  fmt::print("largest error: {:.2e}\n", worst);
}
