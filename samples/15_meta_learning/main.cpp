// Model-agnostic meta-learning (MAML, Finn, Abbeel and Levine 2017) on sine curves.
//
// Learns initial weights from which one step of gradient descent on ten points of a curve fits the whole curve. The
// meta-loss is the loss after that step, so its gradient passes through the step and the gradient inside it. The step
// is optim::SGD, the rule an Optimizer applies to parameters, here applied to Vars. Prints the squared error on new
// curves before and after the step.
#include "../common/arguments.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <tuple>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
using Var = wg::Var<float>;

constexpr std::size_t tasks = 25, points = 10, width = 40;

// The weights of a 1-40-40-1 network, as Parameters or as Vars.
template <class V>
struct Weights {
  V w1, b1, w2, b2, w3, b3;
};

// Evaluates the networks of all tasks at once: x is tasks×points×1, and each weight has a leading axis of tasks.
Var predict(const Weights<Var>& w, Var x) {
  const Var h = relu(matmul(x, w.w1) + w.b1);
  return matmul(relu(matmul(h, w.w2) + w.b2), w.w3) + w.b3;
}

// A rows×columns parameter, uniform in ±1/√inputs as in PyTorch.
wg::Parameter<float> drawn(std::size_t rows, std::size_t columns, std::size_t inputs, wg::Generator& generator) {
  wg::Parameter<float> parameter(wg::Tensor<float>::from_shape({rows, columns}));
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  nn::uniform(parameter, generator, -bound, bound);
  return parameter;
}

// One sine curve amplitude · sin(x + phase) per task; `draw` returns points x and y, each tasks×points×1.
struct Curves {
  Var amplitude, phase;
  Curves(wg::Tape<float>& tape, wg::Generator& generator)
      : amplitude(0.1f + 4.9f * uniform(tape, {tasks, 1, 1}, generator)),
        phase(std::numbers::pi_v<float> * uniform(tape, {tasks, 1, 1}, generator)) {}
  std::tuple<Var, Var> draw(wg::Generator& generator) const {
    const Var x = 10 * uniform(amplitude.tape(), {tasks, points, 1}, generator) - 5;
    return {x, amplitude * sin(x + phase)};
  }
};

int main(int count, char** arguments) {
  const int steps = sample::brief(count, arguments) ? 1500 : 15000;
  wg::Generator generator(1964);
  const Weights<wg::Parameter<float>> weights{drawn(1, width, 1, generator),         drawn(1, width, 1, generator),
                                              drawn(width, width, width, generator), drawn(1, width, width, generator),
                                              drawn(width, 1, width, generator),     drawn(1, 1, width, generator)};

  // The mean squared errors on new points of the curves, before and after a step on other points of the same curves.
  const auto errors = [&](wg::Tape<float>& tape) {
    const Curves curves(tape, generator);
    const auto [x, y] = curves.draw(generator);
    const auto [new_x, new_y] = curves.draw(generator);

    std::vector<Var> begun;  // a copy of the initial weights for each task
    const auto before = map_tree(weights, [&](const auto& w) {
      begun.push_back(broadcast_to(tape.variable(w), {tasks, w.shape()[0], w.shape()[1]}));
      return begun.back();
    });
    // The loss of a task depends only on its own weights, so the gradient of the sum holds the gradient of each task.
    const auto gradients = wg::grad(sum(mean(square(predict(before, x) - y), {1, 2})), begun);
    const optim::SGD descent;
    const optim::Progress<float> at{.rate = tape.constant(0.01f), .step = tape.constant(1.0f)};
    const auto after = map_tree(before, [&, next = gradients.begin()](const Var& w) mutable {
      auto state = descent.start(w);
      return descent(w, *next++, state, at);
    });
    return std::tuple(mse_loss(predict(before, new_x), new_y), mse_loss(predict(after, new_x), new_y));
  };

  optim::Optimizer<float> optimizer(weights, optim::Adam{.rate = 1e-3});
  auto train = wg::compiled<float>([&](auto& tape) {
    const auto loss = errors(tape);
    optimizer.update(std::get<1>(loss));  // differentiates the error after the step through the step
    return loss;
  });
  auto test = wg::compiled<float>(errors);
  for (int step = 0; step <= steps; ++step) {
    if (step % (steps / 5) == 0) {
      double before = 0, after = 0;
      for (int i = 0; i < 20; ++i) {
        const auto& loss = test();
        before += loss.item(0) / 20;
        after += loss.item(1) / 20;
      }
      fmt::print("step {:>6}   error before one step {:.3f}, after {:.3f}\n", step, before, after);
    }
    train();
  }
}
