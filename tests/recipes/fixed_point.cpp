// A fixed-point layer: its output z solves z = tanh(0.9 z·W / ‖W‖ + x·Uᵀ + b) (a deep equilibrium model, Bai et al.
// 2019).
//
// The division by the norm makes the right-hand side a contraction, so that the iteration converges. Its steps are not
// differentiated. By the implicit function theorem, the gradient is a fixed point as well: u = g + u·∂f/∂z, where f is
// a step. `map_gradient` replaces the gradient g of the last step by that u, which `gradcheck` verifies.
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>
#include <xtensor/xview.hpp>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

struct Equilibrium {
  wg::Parameter<double> weight;
  nn::Linear<double> input, head;

  wg::Var<double> operator()(wg::Var<double> x) const {
    auto w = x.tape().variable(weight), from_input = input(x);
    const auto step = [=](wg::Var<double> z) { return tanh(0.9 * matmul(z, w) / norm(w) + from_input); };
    auto z = 0 * from_input;
    for (int i = 0; i < 30; ++i) z = stop_gradient(step(z));
    const auto solve_adjoint = [=](wg::Var<double> g) {
      auto u = g, next = step(z);
      for (int i = 0; i < 30; ++i) u = g + wg::grad(wg::seed(next, u), z)[0];
      return u;
    };
    return head(map_gradient(step(z), solve_adjoint));
  }
};

int main() {
  xt::random::seed(1);
  const wg::Tensor<double> x = xt::random::randn<double>({500, 3});
  const wg::Tensor<double> y = xt::sin(xt::sum(x, {1}, xt::keep_dims));

  wg::Generator generator(1);
  const Equilibrium network{wg::Parameter<double>(xt::random::randn<double>({32, 32})),
                            nn::Linear<double>::make(3, 32, generator), nn::Linear<double>::make(32, 1, generator)};
  const wg::Tensor<double> rows = xt::view(x, xt::range(0, 4));
  const auto report = wg::gradcheck(network, rows, wg::GradcheckOptions{.orders = 1, .mode = wg::GradcheckMode::fast});
  optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto outputs, auto targets) { return mse_loss(outputs, targets); };
  train::fit(network, optimizer, loss, train::Samples{x, y}, {.epochs = 30, .display = train::Display::quiet});

  const double r_squared = train::r_squared(train::predict(network, x), y);
  fmt::print("gradients: {}; R²: {:.3f}\n", report.ok() ? "right" : "wrong", r_squared);
  return report.ok() && r_squared > 0.9 ? 0 : 1;
}
