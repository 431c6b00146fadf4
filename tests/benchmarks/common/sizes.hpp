// Sizes and initial weights of the benchmark models.
#pragma once

#include "inputs.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace bench {

// Name and shape of a layer's weights, initially uniform in ±1/√(number of inputs).
struct Weights {
  const char* name;
  std::array<std::size_t, 4> extents;
  std::size_t rank;
  std::size_t inputs;
};

// 784-128-10 perceptron: sigmoid, softmax cross entropy, gradient descent.
namespace mlp {
inline constexpr std::size_t inputs = 784, hidden = 128, classes = 10;
inline constexpr float rate = 0.1F;
inline constexpr std::array<Weights, 4> weights{{{"w1", {inputs, hidden}, 2, inputs},
                                                 {"b1", {hidden}, 1, inputs},
                                                 {"w2", {hidden, classes}, 2, hidden},
                                                 {"b2", {classes}, 1, hidden}}};
}  // namespace mlp

// x ← tanh(x)·c + x on 16 floats, 1,000 times.
namespace chain {
inline constexpr std::size_t width = 16, steps = 1000, ops = 3 * steps;
}  // namespace chain

// Sum over the rows of one tensor.
namespace slices {
inline constexpr std::size_t width = 16;
}  // namespace slices

// Recurrent network whose loop over time steps is written by hand.
namespace rnn {
inline constexpr std::size_t batch = 8, inputs = 16, hidden = 32;
}  // namespace rnn

// ADBench's LSTM: state of 14, diagonal weights, predicts the next character.
namespace lstm {
inline constexpr std::size_t width = 14, characters = 1001, steps = characters - 1;
// Number of ops in the objective: per step 17 for each layer and 9 for input, output and loss.
constexpr std::size_t ops(std::size_t layers) { return steps * (17 * layers + 9); }
}  // namespace lstm

// ADBench's Gaussian mixture with a Wishart prior.
namespace gmm {
inline constexpr std::size_t points = 10000, components = 50;
inline constexpr double gamma = 1, m = 0;
// Terms of the objective that do not depend on the parameters, from the densities and the prior.
inline double constant(std::size_t dimensions) {
  const double pi = std::numbers::pi, n = static_cast<double>(points), d = static_cast<double>(dimensions);
  const double freedom = d + m + 1;
  double log_gamma = 0.25 * d * (d - 1) * std::log(pi);  // multivariate log-gamma function
  for (std::size_t j = 0; j < dimensions; ++j) log_gamma += std::lgamma(0.5 * (freedom - static_cast<double>(j)));
  const double prior = freedom * d * (std::log(gamma) - 0.5 * std::log(2.0)) - log_gamma;
  return -0.5 * n * d * std::log(2 * pi) - static_cast<double>(components) * prior;
}
}  // namespace gmm

// LeNet-5 with relu and max pooling, on images of 28×28 pixels.
namespace cnn {
inline constexpr std::size_t batch = 64, pixels = 28, classes = 10;
inline constexpr float rate = 0.1F;
inline constexpr std::array<Weights, 10> weights{{{"k1", {6, 1, 5, 5}, 4, 25},
                                                  {"c1", {6}, 1, 25},
                                                  {"k2", {16, 6, 5, 5}, 4, 150},
                                                  {"c2", {16}, 1, 150},
                                                  {"w3", {400, 120}, 2, 400},
                                                  {"b3", {120}, 1, 400},
                                                  {"w4", {120, 84}, 2, 120},
                                                  {"b4", {84}, 1, 120},
                                                  {"w5", {84, classes}, 2, 84},
                                                  {"b5", {classes}, 1, 84}}};
}  // namespace cnn

// Two transformer blocks with layer normalisation before attention and before the two linear layers.
namespace transformer {
inline constexpr std::size_t blocks = 2, width = 128, heads = 4, length = 64, batch = 16, inner = 4 * width;
inline constexpr float rate = 10;  // the loss is a mean over all elements
// Weights of one block. Those of the normalisations are random too, so that none is 0 or 1.
inline constexpr std::size_t weights_a_block = 16;
inline constexpr std::array<Weights, weights_a_block> weights{{{"scale1", {width}, 1, 1},
                                                               {"shift1", {width}, 1, width},
                                                               {"query", {width, width}, 2, width},
                                                               {"query_bias", {width}, 1, width},
                                                               {"key", {width, width}, 2, width},
                                                               {"key_bias", {width}, 1, width},
                                                               {"value", {width, width}, 2, width},
                                                               {"value_bias", {width}, 1, width},
                                                               {"merge", {width, width}, 2, width},
                                                               {"merge_bias", {width}, 1, width},
                                                               {"scale2", {width}, 1, 1},
                                                               {"shift2", {width}, 1, width},
                                                               {"inner", {width, inner}, 2, width},
                                                               {"inner_bias", {inner}, 1, width},
                                                               {"outer", {inner, width}, 2, inner},
                                                               {"outer_bias", {width}, 1, inner}}};
}  // namespace transformer

// GRU classifier over sequences of uniformly drawn lengths.
namespace sequences {
inline constexpr std::size_t samples = 320, batch = 32, inputs = 16, hidden = 64, classes = 4, buckets = 5;
inline std::size_t steps(std::size_t sample) { return 5 + static_cast<std::size_t>(196 * uniform(0, sample)); }
}  // namespace sequences

// Eight elementwise ops on 10⁷ floats.
namespace elementwise {
inline constexpr std::size_t size = 10'000'000;
}  // namespace elementwise

/// Fills a layer's weights with numbers uniform in ±1/√(number of inputs).
template <class T>
void fill_weights(std::span<T> elements, std::uint64_t stream, std::size_t inputs) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  fill(elements, stream, -bound, bound);
}

}  // namespace bench
