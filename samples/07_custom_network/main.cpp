// Trains a custom network with residual blocks to classify points on three spirals.
//
// A network is a plain struct of layers with an operator(): no base class, no registration, no names as strings.
// Prints the path and shape of each parameter, the training loss, and the accuracy on new points.
#include "../common/arguments.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train/metrics.hpp>
#include <wengert/wengert.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

// Residual block x + W₂ relu(W₁ x). The skip connection keeps deep chains of blocks trainable.
template <class T>
struct Block {
  nn::Linear<T> inner, outer;

  static Block make(std::size_t width, wg::Generator& generator) {
    return {nn::Linear<T>::make(width, width, generator), nn::Linear<T>::make(width, width, generator)};
  }
  wg::Var<T> operator()(wg::Var<T> x) const { return x + outer(relu(inner(x))); }
};

// The network. Members may be layers, structs of layers, and vectors of either.
template <class T>
struct SpiralNetwork {
  nn::Linear<T> lift;
  std::vector<Block<T>> blocks;
  nn::Linear<T> classify;

  static SpiralNetwork make(std::size_t width, std::size_t depth, wg::Generator& generator) {
    SpiralNetwork network{nn::Linear<T>::make(2, width, generator), {}, nn::Linear<T>::make(width, 3, generator)};
    for (std::size_t i = 0; i < depth; ++i) network.blocks.push_back(Block<T>::make(width, generator));
    return network;
  }
  wg::Var<T> operator()(wg::Var<T> x) const {
    x = lift(x);
    for (const Block<T>& block : blocks) x = block(x);
    return classify(relu(x));
  }
};

// Draws `count` points (N×2) and labels (N) on three spiral arms of 1¼ turns, with noise of up to 1/20 turn.
void draw_spirals(std::size_t count, unsigned seed, wg::Tensor<float>& points, wg::Indices& labels) {
  points = wg::Tensor<float>::from_shape({count, 2});
  labels = wg::Indices::from_shape({count});
  std::mt19937 generator(seed);
  const auto draw = [&] { return static_cast<float>(generator() >> 8) * 0x1p-24f; };
  for (std::size_t i = 0; i < count; ++i) {
    const float radius = std::sqrt(draw());
    const float angle =
        2 * std::numbers::pi_v<float> * (1.25f * radius + static_cast<float>(i % 3) / 3 + 0.05f * draw());
    points(i, 0) = radius * std::cos(angle);
    points(i, 1) = radius * std::sin(angle);
    labels(i) = static_cast<std::int64_t>(i % 3);
  }
}

int main(int count, char** arguments) {
  const int steps = sample::brief(count, arguments) ? 300 : 1500;
  wg::Tensor<float> points, new_points;
  wg::Indices labels, new_labels;
  draw_spirals(300, 1, points, labels);
  draw_spirals(3000, 2, new_points, new_labels);

  wg::Generator generator(1964);
  const auto network = SpiralNetwork<float>::make(32, 3, generator);
  for (const auto& [path, parameter] : nn::named_parameters(network))
    fmt::print("{:<24} {}\n", path, to_string(parameter.shape()));
  fmt::print("{} trainable parameters\n\n", nn::parameter_count(network));

  // One training step (forward, backward, Adam update), recorded on the first call and replayed afterwards.
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 3e-3});
  auto step = wg::compiled<float>([&](auto&, auto x, auto y) {
    const auto loss = cross_entropy(network(x), y);
    optimizer.update(loss);
    return loss;
  });
  for (int i = 0; i <= steps; ++i) {
    const float loss = step(points, labels).item();
    if (i % (steps / 5) == 0) fmt::print("step {:>5}   loss {:.4f}\n", i, loss);
  }

  wg::Tape<float> tape;
  const auto logits = network(tape.borrow(new_points)).value();
  fmt::print("accuracy: {:.1f}%\n", 100 * train::accuracy(logits, new_labels));
}
