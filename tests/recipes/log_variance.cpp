// A regression that also learns how uncertain it is: a Gaussian likelihood with a learned log-variance.
//
// The network has two outputs, the mean and the logarithm of the variance, so that the variance is positive. The loss
// is the negative log-likelihood. The noise of the data grows with x; the figure says how well its deviation is found.
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

int main() {
  xt::random::seed(1);
  const wg::Tensor<float> x = xt::random::rand<float>({2000, 1}, -1, 1);
  const wg::Tensor<float> deviation = 0.1F + 0.2F * (x + 1);
  const wg::Tensor<float> y = xt::sin(3 * x) + deviation * xt::random::randn<float>({2000, 1});

  wg::Generator generator(1);
  const auto network =
      nn::sequential(nn::Linear<float>::make(1, 32, generator), nn::Tanh{}, nn::Linear<float>::make(32, 2, generator));
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto outputs, auto targets) {
    const auto parts = split(outputs, 2, 1);
    return gaussian_nll_loss(parts[0], targets, exp(parts[1]));
  };
  train::fit(network, optimizer, loss, train::Samples{x, y}, {.epochs = 60, .display = train::Display::quiet});

  const wg::Tensor<float> outputs = train::predict(network, x);
  const wg::Tensor<float> learned = xt::exp(0.5F * xt::view(outputs, xt::all(), xt::range(1, 2)));
  const double error = xt::mean(xt::abs(learned / deviation - 1.0F))();
  fmt::print("error of the deviation: {:.1f}%\n", 100 * error);
  return error < 0.15 ? 0 : 1;
}
