// A physical model fitted to measurements: a damped pendulum, 200 Runge-Kutta steps, L-BFGS.
//
// The angle a obeys a″ = −k sin a − d a′. Eight pendulums are simulated with the true k and d and measured with noise.
// L-BFGS then finds k and d from the gradient through all steps of the simulation.
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

#include <vector>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;
namespace optim = wengert::optim;
using Var = wg::Var<double>;

// The derivative of (angles, speeds), given k and d.
Var derivative(Var state, Var constants) {
  auto angle = slice(state, {0}), speed = slice(state, {1});
  return wg::stack({speed, -slice(constants, {0}) * sin(angle) - slice(constants, {1}) * speed});
}

// The angles at each step, (201, 8).
Var simulate(Var state, Var constants) {
  const double h = 0.05;
  std::vector<Var> angles{slice(state, {0})};
  for (int step = 0; step < 200; ++step) {
    auto k1 = derivative(state, constants), k2 = derivative(state + h / 2 * k1, constants);
    auto k3 = derivative(state + h / 2 * k2, constants), k4 = derivative(state + h * k3, constants);
    state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    angles.push_back(slice(state, {0}));
  }
  return wg::stack(angles);
}

int main() {
  xt::random::seed(1);
  const wg::Tensor<double> start = xt::random::randn<double>({2, 8}), truth{9.81, 0.3};
  wg::Tape<double> tape;
  const wg::Tensor<double> measured =
      simulate(tape.constant(start), tape.constant(truth)).value() + 0.01 * xt::random::randn<double>({201, 8});

  const wg::Parameter<double> constants(wg::Tensor<double>{8, 0});
  optim::LBFGS<double> optimizer(constants, {.max_iterations = 50});
  optimizer.step([&](auto& t) { return mse_loss(simulate(t.constant(start), t.variable(constants)), measured); });

  const double error = xt::amax(xt::abs(constants.value() - truth))();
  fmt::print("k = {:.3f}, d = {:.3f}, error {:.1e}\n", constants.value()(0), constants.value()(1), error);
  return error < 0.01 ? 0 : 1;
}
