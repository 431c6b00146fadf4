// A physics-informed neural network for the heat equation (Raissi, Perdikaris and Karniadakis 2019).
//
// Trains a network u(x, t) to satisfy
//
//     u_t = u_xx / π²  for 0 < x < 1, 0 < t < 1,    u(x, 0) = sin πx,    u(0, t) = u(1, t) = 0.
//
// The training uses no known solution: the loss contains first and second derivatives of the network, which `grad`
// records as ordinary nodes and the optimiser differentiates once more. Prints the loss and the largest error against
// the exact solution e^(−t) sin πx.
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

// N² points of a regular grid on the unit square, as columns N²×1 of x and t.
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
  // u satisfies the initial and boundary conditions for any output of the layers.
  const auto u = [&](wg::Var<double> x, wg::Var<double> t) {
    return sin(pi * x) + x * (1 - x) * t * layers(wg::concatenate({x, t}, 1));
  };
  // The residual of the equation at every point. u at a point depends only on that point, so the gradient of the sum
  // holds the derivative at each point.
  const auto residual = [&](wg::Var<double> x, wg::Var<double> t) {
    const auto [u_x, u_t] = wg::grad(sum(u(x, t)), x, t);
    const auto [u_xx] = wg::grad(sum(u_x), x);
    return u_t - u_xx / (pi * pi);
  };

  const Grid points(20);
  // The loss is the sum of squares, not the mean: L-BFGS skips curvature updates from very small changes.
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
