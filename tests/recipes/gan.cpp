// A generative adversarial network: points on a circle.
//
// Two networks, each with an optimiser of its own and a compiled step. The discriminator's step holds the points of the
// generator constant; the generator's step changes only the generator, though its loss runs through the discriminator.
// The figures are the distance of new points from the circle and that of their mean from its centre: a generator that
// makes the same point again and again would fail the second.
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <numbers>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;

int main() {
  wg::Generator random(1);
  const auto mlp = [&](std::size_t inputs, std::size_t outputs) {
    return nn::sequential(nn::Linear<float>::make(inputs, 64, random), nn::LeakyReLU{.slope = 0.2},
                          nn::Linear<float>::make(64, 64, random), nn::LeakyReLU{.slope = 0.2},
                          nn::Linear<float>::make(64, outputs, random));
  };
  const auto generator = mlp(4, 2), discriminator = mlp(2, 1);
  const optim::Adam rule{.rate = 1e-3, .beta1 = 0.5};
  optim::Optimizer<float> generator_optimizer(generator, rule), discriminator_optimizer(discriminator, rule);
  const auto generate = [&](auto& tape) { return generator(wg::normal(tape, {128, 4}, random)); };

  auto discriminator_step = wg::compiled<float>([&](auto& tape, auto real) {
    auto fake = stop_gradient(generate(tape));
    auto loss = mean(softplus(-discriminator(real))) + mean(softplus(discriminator(fake)));
    discriminator_optimizer.update(loss);
    return loss;
  });
  auto generator_step = wg::compiled<float>([&](auto& tape) {
    auto loss = mean(softplus(-discriminator(generate(tape))));
    generator_optimizer.update(loss);
    return loss;
  });
  xt::random::seed(1);
  for (int step = 0; step < 1500; ++step) {
    const wg::Tensor<float> angle = xt::random::rand<float>({128}, 0, 2 * std::numbers::pi_v<float>);
    discriminator_step(wg::Tensor<float>(xt::stack(xt::xtuple(xt::cos(angle), xt::sin(angle)), 1)));
    generator_step();
  }

  wg::Tape<float> tape;
  const auto points = generate(tape);
  const double error = mean(abs(norm(points, 2, {1}) - 1)).item(), offset = norm(mean(points, {0})).item();
  fmt::print("mean distance from the circle: {:.3f}; from its centre to the mean point: {:.3f}\n", error, offset);
  return error < 0.1 && offset < 0.3 ? 0 : 1;
}
