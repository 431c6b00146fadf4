#include "nn/making.hpp"
#include <wengert/nn/recurrent.hpp>
#include <wengert/op.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <vector>

namespace wengert::nn {
namespace {

// A layer whose weights have `gates` times `hidden` rows.
template <class T, class Layer>
Layer made(std::string_view module, std::size_t gates, std::size_t inputs, std::size_t hidden, Generator generator,
           const RecurrentOptions& options, const Location& where) {
  require_positive(module, "inputs", inputs, where);
  require_positive(module, "hidden units", hidden, where);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto draw = [&](const Shape& shape, const char* name) { return drawn<T>(shape, bound, generator, name); };
  Layer layer{draw({gates * hidden, inputs}, "weight_ih_l0"), draw({gates * hidden, hidden}, "weight_hh_l0"), {}, {}};
  if (options.bias) {
    layer.bias_ih_l0 = draw({gates * hidden}, "bias_ih_l0");
    layer.bias_hh_l0 = draw({gates * hidden}, "bias_hh_l0");
  }
  layer.backwards = options.backwards;
  return layer;
}

// What a step reads of the input: all steps at once, W_ih x + b_ih; and of the state.
template <class T, class Layer>
class Steps {
 public:
  Steps(std::string_view module, const Layer& layer, Var<T> x, const Location& where)
      : tape_(tape_of(x, module, where)), layer_(layer), hidden_(layer.weight_hh_l0.shape()[1]) {
    const Shape shape = x.shape();
    const std::size_t inputs = layer.weight_ih_l0.shape()[1];
    if (shape.rank() != 3 || shape[1] == 0 || shape[2] != inputs)
      throw ShapeError(
          module,
          fmt::format("an input of shape {}: this layer ({} → {}) expects sequences (N, L, {}) of at least "
                      "one step",
                      to_string(shape), inputs, hidden_, inputs),
          where);
    samples_ = shape[0];
    length_ = shape[1];
  }

  // Records W_ih x + b_ih for all steps, and the weights of the state.
  void begin(Var<T> x) {
    input_ = matmul(x, transpose(tape_.variable(layer_.weight_ih_l0)));
    if (layer_.bias_ih_l0) input_ = input_ + tape_.variable(*layer_.bias_ih_l0);
    weight_ = transpose(tape_.variable(layer_.weight_hh_l0));
    if (layer_.bias_hh_l0) bias_ = tape_.variable(*layer_.bias_hh_l0);
  }
  // A state as it was given, or zeros.
  Var<T> state(std::string_view module, Var<T> given, const Location& where) const {
    const Shape expected{samples_, hidden_};
    if (given.empty()) return tape_.constant(Tensor<T>(xt::zeros<T>(xt::dynamic_shape<std::size_t>(expected))));
    tape_of(given, module, where);
    if (given.shape() != expected)
      throw ShapeError(module,
                       fmt::format("a state of shape {}: expected {}", to_string(given.shape()), to_string(expected)),
                       where);
    return given;
  }
  // The part of the k-th step that is read.
  Var<T> input(std::size_t k) const { return slice(input_, 1, place(k)); }
  Var<T> of_state(Var<T> hidden) const {
    const Var<T> product = matmul(hidden, weight_);
    return bias_.empty() ? product : product + bias_;
  }
  std::size_t length() const { return length_; }
  // The outputs, in the order in which they were made, in that of the steps.
  Var<T> output(std::vector<Var<T>> outputs) const {
    if (layer_.backwards) std::reverse(outputs.begin(), outputs.end());
    return stack(outputs, 1);
  }
  Tape<T>& tape() const { return tape_; }

 private:
  std::size_t place(std::size_t k) const { return layer_.backwards ? length_ - 1 - k : k; }

  Tape<T>& tape_;
  const Layer& layer_;
  std::size_t hidden_, samples_ = 0, length_ = 0;
  Var<T> input_, weight_, bias_;
};

}  // namespace

template <class T>
RNN<T> RNN<T>::make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options,
                    RecurrentActivation activation, Location where) {
  RNN layer = made<T, RNN>("RNN", 1, inputs, hidden, generator, options, where);
  layer.activation = activation;
  return layer;
}
template <class T>
RecurrentResult<T> RNN<T>::run(Var<T> x, Var<T> hidden, Location where) const {
  Steps<T, RNN> steps("RNN", *this, x, where);
  return atomically(steps.tape(), where, [&] {
    Var<T> h = steps.state("RNN", hidden, where);
    steps.begin(x);
    std::vector<Var<T>> outputs;
    for (std::size_t k = 0; k < steps.length(); ++k) {
      const Var<T> sum = steps.input(k) + steps.of_state(h);
      h = activation == RecurrentActivation::tanh ? tanh(sum) : relu(sum);
      outputs.push_back(h);
    }
    return RecurrentResult<T>{steps.output(outputs), h};
  });
}

template <class T>
GRU<T> GRU<T>::make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options,
                    Location where) {
  return made<T, GRU>("GRU", 3, inputs, hidden, generator, options, where);
}
template <class T>
RecurrentResult<T> GRU<T>::run(Var<T> x, Var<T> hidden, Location where) const {
  Steps<T, GRU> steps("GRU", *this, x, where);
  return atomically(steps.tape(), where, [&] {
    Var<T> h = steps.state("GRU", hidden, where);
    steps.begin(x);
    std::vector<Var<T>> outputs;
    for (std::size_t k = 0; k < steps.length(); ++k) {
      const std::vector<Var<T>> a = split(steps.input(k), 3, 1), b = split(steps.of_state(h), 3, 1);
      const Var<T> r = sigmoid(a[0] + b[0]), z = sigmoid(a[1] + b[1]), n = tanh(a[2] + r * b[2]);
      h = n + z * (h - n);
      outputs.push_back(h);
    }
    return RecurrentResult<T>{steps.output(outputs), h};
  });
}

template <class T>
LSTM<T> LSTM<T>::make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options,
                      Location where) {
  return made<T, LSTM>("LSTM", 4, inputs, hidden, generator, options, where);
}
template <class T>
LSTMResult<T> LSTM<T>::run(Var<T> x, const LSTMState<T>& state, Location where) const {
  Steps<T, LSTM> steps("LSTM", *this, x, where);
  return atomically(steps.tape(), where, [&] {
    Var<T> h = steps.state("LSTM", state.hidden, where), c = steps.state("LSTM", state.cell, where);
    steps.begin(x);
    std::vector<Var<T>> outputs;
    for (std::size_t k = 0; k < steps.length(); ++k) {
      const std::vector<Var<T>> gates = split(steps.input(k) + steps.of_state(h), 4, 1);
      c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
      h = sigmoid(gates[3]) * tanh(c);
      outputs.push_back(h);
    }
    return LSTMResult<T>{steps.output(outputs), {h, c}};
  });
}

#define WENGERT_INSTANTIATE(T) \
  template struct RNN<T>;      \
  template struct GRU<T>;      \
  template struct LSTM<T>;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
