// The tutorial's network, a multi-layer perceptron, as a graph of generic ops: Z₁ = X·W₁ + b₁, a₁ = g(Z₁), Z₂ = a₁·W₂ +
// b₂, …
#pragma once

#include <wengert/wengert.hpp>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace sample {

namespace wg = wengert;

enum class Activation { sigmoid, tanh, relu };
enum class Cost { cross_entropy, binary, least_squares };

class Mlp {
 public:
  /// Layers of these sizes, inputs first. Weights are drawn evenly from ±√(6 / (inputs + outputs)) (Glorot and Bengio,
  /// 2010).
  Mlp(const std::vector<std::size_t>& sizes, Activation activation, Cost cost, std::mt19937_64& generator)
      : activation_(activation), cost_(cost) {
    for (std::size_t layer = 1; layer < sizes.size(); ++layer) {
      const std::size_t inputs = sizes[layer - 1], outputs = sizes[layer];
      const double bound = std::sqrt(6.0 / static_cast<double>(inputs + outputs));
      auto weight = wg::Tensor<float>::from_shape({inputs, outputs});
      for (float& w : weight) w = static_cast<float>(bound * (static_cast<double>(generator() >> 11) * 0x1p-52 - 1));
      parameters_.emplace_back(std::move(weight), fmt::format("W{}", layer));
      parameters_.emplace_back(wg::Tensor<float>(xt::zeros<float>({outputs})), fmt::format("b{}", layer));
    }
  }

  /// The output before its activation: N×D inputs to N×K logits. `p` are the parameters as recorded on the tape.
  wg::Var<float> logits(wg::Var<float> x, const std::vector<wg::Var<float>>& p) const {
    for (std::size_t i = 0; i + 1 < p.size(); i += 2) {
      x = matmul(x, p[i]) + p[i + 1];
      if (i + 2 < p.size()) x = activate(x);
    }
    return x;
  }

  /// The cost of a batch with N×K targets.
  wg::Var<float> cost(wg::Var<float> logits, wg::Var<float> targets) const {
    switch (cost_) {
      case Cost::least_squares:
        return squared_error(sigmoid(logits), targets);
      case Cost::binary:
        return binary_cross_entropy_with_logits(logits, targets);
      default:
        return cross_entropy_with_logits(logits, targets);
    }
  }

  /// W₁, b₁, W₂, b₂, …
  std::vector<wg::Parameter<float>>& parameters() { return parameters_; }
  const std::vector<wg::Parameter<float>>& parameters() const { return parameters_; }

 private:
  wg::Var<float> activate(wg::Var<float> x) const {
    switch (activation_) {
      case Activation::tanh:
        return tanh(x);
      case Activation::relu:
        return relu(x);
      default:
        return sigmoid(x);
    }
  }

  Activation activation_;
  Cost cost_;
  std::vector<wg::Parameter<float>> parameters_;
};

}  // namespace sample
