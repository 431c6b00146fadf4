// RNN, GRU and LSTM: one loop over layers, directions and time steps, and a step function for each cell.
#include "nn/at_caller.hpp"
#include "nn/construction.hpp"
#include "nn/recurrent_layer.hpp"
#include <wengert/nn/recurrent.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/sequence.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace wengert::nn {
namespace {

using detail::RecurrentCell;

std::string suffix_of(std::size_t layer, bool backwards) {
  return fmt::format("_l{}{}", layer, backwards ? "_reverse" : "");
}

// Makes a module whose weights have gates · hidden rows.
template <class T, class Module>
Module made(std::string_view name, std::size_t gates, std::size_t inputs, std::size_t hidden, Generator generator,
            const RecurrentOptions& options, const Location& where) {
  const Construction construction{name, where};
  require_positive(construction, "inputs", inputs);
  require_positive(construction, "hidden units", hidden);
  require_positive(construction, "layers", options.layers);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto weights = [&](std::size_t layer, bool backwards, std::size_t width) {
    const std::string suffix = suffix_of(layer, backwards);
    const auto draw = [&](const Shape& shape, const char* member) {
      return drawn<T>(construction, shape, bound, generator, member + suffix);
    };
    RecurrentWeights<T> result{draw({gates * hidden, width}, "weight_ih"),
                               draw({gates * hidden, hidden}, "weight_hh"),
                               {},
                               {},
                               layer,
                               backwards};
    if (options.bias) {
      result.bias_ih = draw({gates * hidden}, "bias_ih");
      result.bias_hh = draw({gates * hidden}, "bias_hh");
    }
    return result;
  };
  Module module;
  for (std::size_t layer = 0; layer < options.layers; ++layer) {
    const std::size_t width = layer == 0 ? inputs : options.bidirectional ? 2 * hidden : hidden;
    module.layers.push_back(weights(layer, false, width));
    if (options.bidirectional) module.layers.push_back(weights(layer, true, width));
  }
  if (options.dropout != 0) module.dropout = Dropout::make(options.dropout, generator, where);
  return module;
}

// The state of one layer in one direction, each part (N, hidden), or of all layers and directions, each part
// (layers, N, hidden). The first part is the output.
template <class T, std::size_t parts>
using State = std::array<Var<T>, parts>;

template <class T, std::size_t parts>
struct LayersResult {
  Var<T> output;
  State<T, parts> state;
};

// Runs one layer in one direction over a sequence and returns its outputs, (N, L, hidden). `state` is the initial state
// and becomes the last one. `step` updates it, given W_ih x + b_ih and W_hh h + b_hh. A sample whose mask (N, L) is 0
// at a step keeps its state there; an empty mask stands for ones.
template <class T, std::size_t parts, class Step>
Var<T> run_layer(const RecurrentWeights<T>& weights, Var<T> x, Var<T> mask, State<T, parts>& state, const Step& step) {
  Tape<T>& tape = x.tape();
  const auto affine = [](Var<T> a, Var<T> weight, Var<T> bias) {
    const Var<T> product = matmul(a, weight);
    return bias.empty() ? product : product + bias;
  };
  const auto bias_of = [&](const auto& bias) { return bias ? tape.variable(*bias) : Var<T>(); };
  const Var<T> of_input = affine(x, transpose(tape.variable(weights.weight_ih)), bias_of(weights.bias_ih));
  const Var<T> weight = transpose(tape.variable(weights.weight_hh)), bias = bias_of(weights.bias_hh);
  const std::size_t length = x.shape()[1];
  std::vector<Var<T>> outputs(length);
  for (std::size_t k = 0; k < length; ++k) {
    const std::size_t place = weights.backwards ? length - 1 - k : k;
    const State<T, parts> before = state;
    step(slice(of_input, 1, place), affine(state[0], weight, bias), state);
    if (!mask.empty()) {
      const Var<T> real = slice(mask, 1, xt::range(place, place + 1));
      for (std::size_t p = 0; p < parts; ++p) state[p] = where(real, state[p], before[p]);
    }
    outputs[place] = state[0];
  }
  return stack(outputs, 1);
}

template <class T, class Module>
void require_fitting_input(std::string_view name, const Module& module, Var<T> x, const Location& where) {
  tape_of(x, name, where);
  if (module.layers.empty()) throw ValueError(name, "no layers: expected a module made by `make`", where);
  const RecurrentWeights<T>& first = module.layers.front();
  const std::size_t inputs = first.weight_ih.shape()[1], hidden = first.weight_hh.shape()[1];
  const Shape shape = x.shape();
  if (shape.rank() == 3 && shape[1] != 0 && shape[2] == inputs) return;
  throw ShapeError(name,
                   fmt::format("an input of shape {}: this layer ({} → {}) expects sequences (N, L, {}) of at least "
                               "one step",
                               to_string(shape), inputs, hidden, inputs),
                   where);
}

template <class T>
void require_fitting_state(std::string_view name, Var<T> given, const Shape& expected, const Location& where) {
  if (given.empty()) return;
  tape_of(given, name, where);
  if (given.shape() != expected)
    throw ShapeError(
        name, fmt::format("a state of shape {}: expected {}", to_string(given.shape()), to_string(expected)), where);
}

template <class T>
void require_fitting_lengths(std::string_view name, IndexVar<T> lengths, Var<T> x, const Location& where) {
  if (lengths.empty()) return;
  if (&lengths.tape(name, where) != &x.tape())
    throw HandleError(name, "the lengths belong to another tape than the input: expected one", where);
  if (lengths.shape(where) != Shape{x.shape()[0]})
    throw ShapeError(name,
                     fmt::format("lengths of shape {}: expected ({},), one for each sample", to_string(lengths.shape()),
                                 x.shape()[0]),
                     where);
}

// The weights of each layer.
template <class T>
std::vector<std::span<const RecurrentWeights<T>>> by_layer(const std::vector<RecurrentWeights<T>>& all) {
  std::vector<std::span<const RecurrentWeights<T>>> result;
  for (std::size_t i = 0, begin = 0; i < all.size(); ++i) {
    if (i + 1 < all.size() && all[i + 1].layer == all[i].layer) continue;
    result.emplace_back(&all[begin], i + 1 - begin);
    begin = i + 1;
  }
  return result;
}

// Whether the weights of all layers are as `make` makes them.
template <class T>
bool are_regular(const std::vector<RecurrentWeights<T>>& all, RecurrentCell cell) {
  const std::size_t hidden = all.front().weight_hh.shape()[1];
  const std::size_t gates = cell == RecurrentCell::lstm ? 4 : cell == RecurrentCell::gru ? 3 : 1;
  const auto has_bias = [&](const std::optional<Parameter<T>>& bias) {
    return bias && bias->shape() == Shape{gates * hidden};
  };
  const bool with_bias = all.front().bias_ih.has_value();
  std::size_t width = all.front().weight_ih.shape()[1];
  for (const auto directions : by_layer(all)) {
    if (directions.size() > 2) return false;
    for (const RecurrentWeights<T>& weights : directions) {
      if (weights.backwards != (&weights != &directions.front())) return false;
      if (weights.weight_ih.shape() != Shape{gates * hidden, width}) return false;
      if (weights.weight_hh.shape() != Shape{gates * hidden, hidden}) return false;
      if (with_bias ? !has_bias(weights.bias_ih) || !has_bias(weights.bias_hh) : weights.bias_ih || weights.bias_hh)
        return false;
    }
    width = directions.size() * hidden;
  }
  return true;
}

// Records each layer as a whole.
template <std::size_t parts, class T, class Module>
LayersResult<T, parts> record_layers(detail::LayerRecorder<T>& recorder, RecurrentCell cell, const Module& module,
                                     Var<T> x, const State<T, parts>& first, IndexVar<T> lengths,
                                     const Location& where) {
  std::array<std::vector<Var<T>>, parts> last;
  std::ptrdiff_t done = 0;  // the number of directions
  for (const auto directions : by_layer(module.layers)) {
    if (done > 0 && module.dropout) x = module.dropout->as_part(x);
    const auto end = done + static_cast<std::ptrdiff_t>(directions.size());
    detail::RecurrentLayer<T> layer{cell, directions, x, {}, lengths};
    for (const Var<T>& part : first) layer.state.push_back(part.empty() ? part : slice(part, 0, xt::range(done, end)));
    const detail::RecurrentLayerResult<T> result = recorder.record(layer, where);
    x = result.output;
    for (std::size_t p = 0; p < parts; ++p) last[p].push_back(result.state[p]);
    done = end;
  }
  LayersResult<T, parts> result{x, {}};
  for (std::size_t p = 0; p < parts; ++p) result.state[p] = last[p].size() == 1 ? last[p][0] : concatenate(last[p], 0);
  return result;
}

// Runs all layers over a sequence from the initial state `first`, in which an empty part stands for zeros. `step` is a
// step of the cell.
template <std::size_t parts, class T, class Module, class Step>
LayersResult<T, parts> run_layers(std::string_view name, const Module& module, Var<T> x, const State<T, parts>& first,
                                  IndexVar<T> lengths, const Location& where, RecurrentCell cell, const Step& step) {
  const Scope scope(module, x);
  require_fitting_input(name, module, x, where);
  const std::size_t samples = x.shape()[0], hidden = module.layers.front().weight_hh.shape()[1];
  for (const Var<T>& part : first) require_fitting_state(name, part, {module.layers.size(), samples, hidden}, where);
  require_fitting_lengths(name, lengths, x, where);
  return at_caller(x.tape(), where, [&] {
    if (auto* const recorder = detail::LayerRecorder<T>::of(x.tape()); recorder != nullptr) [[unlikely]]
      if (are_regular(module.layers, cell)) return record_layers(*recorder, cell, module, x, first, lengths, where);
    // Zeros in the input keep NaN out of the gradients of the weights; zeros in the outputs are part of the result.
    const Var<T> mask = lengths.empty() ? Var<T>() : sequence_mask(lengths, x.shape()[1], where);
    const Var<T> steps = mask.empty() ? mask : expand_dims(mask, 2, where);
    const auto masked = [&](Var<T> a) { return steps.empty() ? a : wengert::where(steps, a, T(0)); };
    x = masked(x);
    Var<T> zero;
    if (std::any_of(first.begin(), first.end(), [](const Var<T>& part) { return part.empty(); }))
      zero = x.tape().constant(Tensor<T>(xt::zeros<T>({samples, hidden})));
    std::array<std::vector<Var<T>>, parts> last;
    std::vector<Var<T>> outputs;  // of the current layer, one per direction
    const auto joined = [&] { return masked(outputs.size() == 1 ? outputs[0] : concatenate(outputs, 2)); };
    for (std::size_t i = 0; i < module.layers.size(); ++i) {
      if (i > 0 && module.layers[i].layer != module.layers[i - 1].layer) {
        x = module.dropout ? module.dropout->as_part(joined()) : joined();
        outputs.clear();
      }
      State<T, parts> state;
      for (std::size_t p = 0; p < parts; ++p) state[p] = first[p].empty() ? zero : slice(first[p], 0, i);
      outputs.push_back(run_layer(module.layers[i], x, mask, state, step));
      for (std::size_t p = 0; p < parts; ++p) last[p].push_back(state[p]);
    }
    LayersResult<T, parts> result{joined(), {}};
    for (std::size_t p = 0; p < parts; ++p)
      result.state[p] = last[p].size() == 1 ? expand_dims(last[p][0], 0) : stack(last[p], 0);
    return result;
  });
}

}  // namespace

template <class T>
std::string RecurrentWeights<T>::member_suffix() const {
  return suffix_of(layer, backwards);
}

template <class T>
RNN<T> RNN<T>::make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options,
                    RecurrentActivation activation, Location where) {
  RNN module = made<T, RNN>("RNN", 1, inputs, hidden, generator, options, where);
  module.activation = activation;
  return module;
}
template <class T>
RecurrentResult<T> RNN<T>::run(Var<T> x, Var<T> hidden, IndexVar<T> lengths, Location where) const {
  const auto step = [&](Var<T> a, Var<T> b, State<T, 1>& state) {
    state[0] = activation == RecurrentActivation::tanh ? tanh(a + b) : relu(a + b);
  };
  const auto cell = activation == RecurrentActivation::tanh ? RecurrentCell::rnn_tanh : RecurrentCell::rnn_relu;
  const auto [output, last] = run_layers<1>("RNN", *this, x, {hidden}, lengths, where, cell, step);
  return {output, last[0]};
}

template <class T>
GRU<T> GRU<T>::make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options,
                    Location where) {
  return made<T, GRU>("GRU", 3, inputs, hidden, generator, options, where);
}
template <class T>
RecurrentResult<T> GRU<T>::run(Var<T> x, Var<T> hidden, IndexVar<T> lengths, Location where) const {
  const auto step = [](Var<T> of_input, Var<T> of_state, State<T, 1>& state) {
    const std::vector<Var<T>> a = split(of_input, 3, 1), b = split(of_state, 3, 1);
    const Var<T> r = sigmoid(a[0] + b[0]), z = sigmoid(a[1] + b[1]), n = tanh(a[2] + r * b[2]);
    state[0] = n + z * (state[0] - n);
  };
  const auto [output, last] = run_layers<1>("GRU", *this, x, {hidden}, lengths, where, RecurrentCell::gru, step);
  return {output, last[0]};
}

template <class T>
LSTM<T> LSTM<T>::make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options,
                      Location where) {
  return made<T, LSTM>("LSTM", 4, inputs, hidden, generator, options, where);
}
template <class T>
LSTMResult<T> LSTM<T>::run(Var<T> x, const LSTMState<T>& state, IndexVar<T> lengths, Location where) const {
  const auto step = [](Var<T> a, Var<T> b, State<T, 2>& now) {
    auto& [h, c] = now;
    const std::vector<Var<T>> gates = split(a + b, 4, 1);
    c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
    h = sigmoid(gates[3]) * tanh(c);
  };
  const auto [output, last] =
      run_layers<2>("LSTM", *this, x, {state.hidden, state.cell}, lengths, where, RecurrentCell::lstm, step);
  return {output, {last[0], last[1]}};
}

#define WENGERT_INSTANTIATE(T)         \
  template struct RecurrentWeights<T>; \
  template struct RNN<T>;              \
  template struct GRU<T>;              \
  template struct LSTM<T>;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
