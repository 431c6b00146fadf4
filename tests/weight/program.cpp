// A typical user program of forty lines: a custom network, an optimiser and a compiled training step.
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

#include <iostream>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;

struct Network {
  nn::Linear<float> first, second;
  nn::Dropout dropout;

  auto operator()(auto x) const { return second(dropout(relu(first(x)))); }
};

int main() {
  wg::Generator generator(1);
  Network network{nn::Linear<float>::make(2, 16, generator), nn::Linear<float>::make(16, 2, generator), nn::Dropout::make(0.1, generator)};
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});

  const wg::Tensor<float> inputs{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  const wg::Indices labels{0, 1, 1, 0};

  auto step = wg::compiled<float>([&](auto& tape, auto x) {
    auto loss = cross_entropy(network(x), tape.indices(labels));
    optimizer.update(loss);
    return loss;
  });
  for (int epoch = 0; epoch < 500; ++epoch) {
    const float loss = step(inputs).item();
    if (epoch % 100 == 0) std::cout << loss << '\n';
  }

  nn::eval_mode(network);
  wg::Tape<float> tape;
  std::cout << network(tape.borrow(inputs)) << '\n';
}
