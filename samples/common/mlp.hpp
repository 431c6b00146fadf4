// A multi-layer perceptron and its loss functions, composed of generic ops.
//
// Z₁ = X·W₁ + b₁, a₁ = g(Z₁), Z₂ = a₁·W₂ + b₂, …
#pragma once

#include <wengert/nn/initialisers.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <vector>

#include <fmt/format.h>

namespace sample {

namespace wg = wengert;

enum class Activation { sigmoid, tanh, relu };
enum class LossKind { cross_entropy, binary, least_squares };

struct Layer {
  wg::Parameter<float> w, b;  // W: D×M, b: M
};

struct Mlp {
  std::vector<Layer> layers;
  Activation activation;

  /// Makes layers of the given sizes, starting with the number of inputs.
  static Mlp make(const std::vector<std::size_t>& sizes, Activation activation, wg::Generator& generator) {
    Mlp network{{}, activation};
    for (std::size_t i = 1; i < sizes.size(); ++i) {
      const wg::Tensor<float> w = xt::zeros<float>({sizes[i - 1], sizes[i]}), b = xt::zeros<float>({sizes[i]});
      network.layers.push_back({wg::Parameter<float>(w, fmt::format("W{}", i)),  //
                                wg::Parameter<float>(b, fmt::format("b{}", i))});
      wg::nn::xavier_uniform(network.layers.back().w, generator);
    }
    return network;
  }

  /// Maps N×D inputs to N×K logits: the outputs before their activation.
  wg::Var<float> operator()(wg::Var<float> x) const {
    wg::Tape<float>& tape = x.tape();
    for (const Layer& layer : layers) {
      x = matmul(x, tape.variable(layer.w)) + tape.variable(layer.b);
      if (&layer != &layers.back()) x = activate(x);
    }
    return x;
  }

 private:
  wg::Var<float> activate(wg::Var<float> x) const {
    switch (activation) {
      case Activation::tanh:
        return tanh(x);
      case Activation::relu:
        return relu(x);
      default:
        return sigmoid(x);
    }
  }
};

/// The loss of a batch, including the activation of the outputs.
struct LossFunction {
  LossKind kind;

  /// Returns the loss of N×K logits for N labels.
  wg::Var<float> operator()(wg::Var<float> logits, wg::IndexVar<float> labels) const {
    if (kind == LossKind::cross_entropy) return cross_entropy(logits, labels);  // −1/N Σ y ln softmax(z)
    const wg::Var<float> y = one_hot(labels, logits.shape()[1]);
    if (kind == LossKind::binary) return binary_cross_entropy_with_logits(logits, y);
    return squared_error(sigmoid(logits), y);  // 1/(2N) Σ (a − y)²
  }
};

}  // namespace sample
