// Recurrent layers with initial states and lengths as networks, and the options under which they are saved.
#pragma once

#include "../testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace wengert::testing {

/// What a recurrent layer is given besides sequences.
struct RecurrentInputs {
  bool state = false, lengths = false;
};

/// A recurrent layer as a network whose outputs are those of `run`.
template <class T, class Layer>
struct RecurrentNetwork {
  static constexpr bool is_lstm = std::is_same_v<Layer, nn::LSTM<T>>;
  Layer layer;

  auto operator()(Var<T> x) const { return layer.run(x); }
  auto operator()(Var<T> x, IndexVar<T> lengths) const { return layer.run(x, {}, lengths); }
  auto operator()(Var<T> x, Var<T> h) const requires(!is_lstm) { return layer.run(x, h); }
  auto operator()(Var<T> x, Var<T> h, IndexVar<T> lengths) const requires(!is_lstm) { return layer.run(x, h, lengths); }
  auto operator()(Var<T> x, Var<T> h, Var<T> c) const requires is_lstm { return layer.run(x, {h, c}); }
  auto operator()(Var<T> x, Var<T> h, Var<T> c, IndexVar<T> lengths) const requires is_lstm {
    return layer.run(x, {h, c}, lengths);
  }
};

/// The outputs of `run` in order.
///@{
template <class T>
std::vector<Var<T>> in_order(const nn::RecurrentResult<T>& result) {
  return {result.output, result.hidden};
}
template <class T>
std::vector<Var<T>> in_order(const nn::LSTMResult<T>& result) {
  return {result.output, result.state.hidden, result.state.cell};
}
///@}

inline constexpr std::size_t recurrent_inputs = 3, recurrent_units = 4;

/// Calls f(name, network) for layers of all kinds.
template <class T, class F>
void for_each_recurrent_network(const F& f) {
  Generator generator(5);
  const auto call = [&]<class Layer>(const std::string& name, const Layer& layer) {
    f(name, RecurrentNetwork<T, Layer>{layer});
  };
  const nn::RecurrentOptions both{.bidirectional = true};
  const nn::RecurrentOptions without_bias{.bias = false};
  const nn::RecurrentOptions stacked{.layers = 2, .bidirectional = true, .dropout = 0.5};
  constexpr std::size_t in = recurrent_inputs, units = recurrent_units;
  const auto relu = nn::RecurrentActivation::relu;
  call("rnn", nn::RNN<T>::make(in, units, generator));
  call("rnn_relu_stacked", nn::RNN<T>::make(in, units, generator, stacked, relu));
  call("rnn_without_bias", nn::RNN<T>::make(in, units, generator, without_bias));
  call("gru", nn::GRU<T>::make(in, units, generator));
  call("gru_both", nn::GRU<T>::make(in, units, generator, both));
  call("gru_stacked", nn::GRU<T>::make(in, units, generator, stacked));
  call("gru_without_bias", nn::GRU<T>::make(in, units, generator, without_bias));
  call("lstm", nn::LSTM<T>::make(in, units, generator));
  call("lstm_layers", nn::LSTM<T>::make(in, units, generator, {.layers = 3}));
  call("lstm_stacked", nn::LSTM<T>::make(in, units, generator, stacked));
  call("lstm_without_bias", nn::LSTM<T>::make(in, units, generator, without_bias));
}

/// The inputs of a recurrent network for samples of some steps: sequences, the parts of the state, the lengths.
template <class T>
struct RecurrentValues {
  std::vector<Tensor<T>> numbers;
  Indices lengths = Indices::from_shape({0});

  template <class Layer>
  RecurrentValues(const RecurrentNetwork<T, Layer>& network, RecurrentInputs given, std::size_t samples,
                  std::size_t steps) {
    const std::size_t parts = !given.state ? 0 : RecurrentNetwork<T, Layer>::is_lstm ? 2 : 1;
    numbers.push_back(random_tensor<T>({samples, steps, recurrent_inputs}, 1));
    for (std::size_t part = 0; part < parts; ++part)
      numbers.push_back(
          random_tensor<T>({network.layer.layers.size(), samples, recurrent_units}, static_cast<unsigned>(2 + part)));
    if (!given.lengths) return;
    lengths = Indices::from_shape({samples});  // from L down to 0; elements of the padding are NaN
    for (std::size_t i = 0; i < samples; ++i) {
      const std::size_t length = i < steps ? steps - i : 0;
      lengths(i) = static_cast<std::int64_t>(length);
      xt::view(numbers[0], i, xt::range(length, steps)) = std::numeric_limits<T>::quiet_NaN();
    }
  }
};

/// Calls f with as many inputs as a recurrent network has: the numbers, mapped by `number`, and the lengths, by
/// `integers`.
template <class T, class Layer, class Number, class Integers, class F>
auto with_recurrent_inputs(const RecurrentNetwork<T, Layer>&, RecurrentInputs given, const RecurrentValues<T>& values,
                           const Number& number, const Integers& integers, const F& f) {
  const auto& x = values.numbers;
  if constexpr (RecurrentNetwork<T, Layer>::is_lstm) {
    if (given.state && given.lengths) return f(number(x[0]), number(x[1]), number(x[2]), integers(values.lengths));
    if (given.state) return f(number(x[0]), number(x[1]), number(x[2]));
  } else {
    if (given.state && given.lengths) return f(number(x[0]), number(x[1]), integers(values.lengths));
    if (given.state) return f(number(x[0]), number(x[1]));
  }
  if (given.lengths) return f(number(x[0]), integers(values.lengths));
  return f(number(x[0]));
}

/// Options under which a recurrent network has open numbers of samples and steps.
inline onnx::SaveOptions open_batch_and_length(std::size_t numbers, bool with_lengths) {
  onnx::DynamicAxis batch{"batch", {{0, 0}}};
  for (std::size_t i = 1; i < numbers; ++i) batch.places.push_back({i, 1});
  if (with_lengths) batch.places.push_back({numbers, 0});
  return {.axes = {batch, {"length", {{0, 1}}}}};
}

/// Saves a recurrent network with open numbers of samples and steps.
template <class T, class Layer>
void save_recurrent(const RecurrentNetwork<T, Layer>& network, RecurrentInputs given, const std::filesystem::path& path,
                    onnx::SaveOptions options = {.axes = {}}) {
  const RecurrentValues<T> sample(network, given, 2, 3);
  if (options.axes.empty()) options.axes = open_batch_and_length(sample.numbers.size(), given.lengths).axes;
  with_recurrent_inputs(
      network, given, sample, [](const Tensor<T>& x) { return Shape(x.shape()); },
      [](const Indices& lengths) { return lengths; },
      [&](const auto&... inputs) { onnx::save(network, std::tuple(inputs...), path, options); });
}

/// The outputs of the network.
template <class T, class Layer>
std::vector<Var<T>> outputs_of(const RecurrentNetwork<T, Layer>& network, RecurrentInputs given,
                               const RecurrentValues<T>& values, Tape<T>& tape) {
  return with_recurrent_inputs(
      network, given, values, [&](const Tensor<T>& x) { return tape.constant(x); },
      [&](const Indices& lengths) { return tape.indices(lengths); },
      [&](const auto&... inputs) { return in_order(network(inputs...)); });
}
/// The outputs of its file.
template <class T>
std::vector<Var<T>> outputs_of(const onnx::Model<T>& model, RecurrentInputs given, const RecurrentValues<T>& values,
                               Tape<T>& tape) {
  std::vector<onnx::Value<T>> inputs;
  for (const Tensor<T>& x : values.numbers) inputs.emplace_back(tape.constant(x));
  if (given.lengths) inputs.emplace_back(tape.indices(values.lengths));
  std::vector<Var<T>> outputs;
  for (const onnx::Value<T>& output : model.run(tape, inputs)) outputs.push_back(output.var(tape));
  return outputs;
}

}  // namespace wengert::testing
