// ONNX's recurrent layers: the steps of RNN, LSTM and GRU.
#include "onnx/operand.hpp"
#include "onnx/recurrence.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <tuple>

namespace wengert::onnx::detail {
namespace {

template <class T>
using State = std::vector<Var<T>>;

template <class T>
std::size_t hidden_of(const Direction<T>& d) {
  return d.state_weight.shape()[0];
}

template <class T>
Outputs<T> rnn_of(const Call<T>& c) {
  const auto step = [&c](const Direction<T>& d) {
    return [&c, d](Var<T> x, const State<T>& state) -> State<T> {
      return {d.activations[0](at(c, x) + affine_of(c, state[0], d.state_weight, Var<T>()))};
    };
  };
  return recurrent(c, Cell<T>{.gates = 1, .parts = 1, .defaults = {"Tanh"}, .adds_state_bias = true, .step = step});
}

// Gates are in ONNX's order i, o, f, c; peepholes, in the order i, o, f.
template <class T>
Outputs<T> lstm_of(const Call<T>& c) {
  const bool input_forget = c.integer("input_forget", 0) != 0;
  const auto step = [&c, input_forget](const Direction<T>& d) {
    const std::size_t hidden = hidden_of(d);
    const Var<T> peepholes = c.has(7) ? slice(c.x(7), 0, d.number, c.where) : Var<T>();
    return [&c, d, input_forget, hidden, peepholes](Var<T> x, const State<T>& state) -> State<T> {
      const auto& [f, g, h] = std::tie(d.activations[0], d.activations[1], d.activations[2]);
      const Var<T> gates = at(c, x) + affine_of(c, state[0], d.state_weight, Var<T>()), before = state[1];
      const auto argument = [&](std::size_t gate, Var<T> cell) {
        const Var<T> own = gate_of(c, gates, gate, hidden);
        return peepholes.empty() ? own : at(c, own) + multiply(at(c, gate_of(c, peepholes, gate, hidden)), at(c, cell));
      };
      const Var<T> input = f(argument(0, before));
      const Var<T> forget = input_forget ? subtract(at(c, 1.0), at(c, input)) : f(argument(2, before));
      const Var<T> candidate = g(gate_of(c, gates, 3, hidden));
      const Var<T> cell = multiply(at(c, forget), at(c, before)) + multiply(at(c, input), at(c, candidate));
      const Var<T> output = f(argument(1, cell));
      return {at(c, output) * h(cell), cell};
    };
  };
  return recurrent(
      c,
      Cell<T>{.gates = 4, .parts = 2, .defaults = {"Sigmoid", "Tanh", "Tanh"}, .adds_state_bias = true, .step = step});
}

// Gates are in ONNX's order z, r, h.
template <class T>
Outputs<T> gru_of(const Call<T>& c) {
  const bool linear_before_reset = c.integer("linear_before_reset", 0) != 0;
  const auto step = [&c, linear_before_reset](const Direction<T>& d) {
    const std::size_t hidden = hidden_of(d);
    const auto gates = static_cast<std::ptrdiff_t>(2 * hidden);
    const auto part_of = [&](Var<T> all, const Slice& columns) {
      return all.empty() ? all : slice(all, -1, columns, c.where);
    };
    const Slice of_gates(0, gates), of_candidate(gates, {});
    const Var<T> gate_weight = part_of(d.state_weight, of_gates), gate_bias = part_of(d.state_bias, of_gates);
    const Var<T> weight = part_of(d.state_weight, of_candidate), bias = part_of(d.state_bias, of_candidate);
    return [=, &c](Var<T> x, const State<T>& state) -> State<T> {
      const Var<T> before = state[0];
      const Var<T> arguments = at(c, slice(x, -1, of_gates, c.where)) + affine_of(c, before, gate_weight, gate_bias);
      const Var<T> both = d.activations[0](arguments);
      const Var<T> update = gate_of(c, both, 0, hidden), reset = gate_of(c, both, 1, hidden);
      const Var<T> of_state = linear_before_reset ? at(c, reset) * affine_of(c, before, weight, bias)
                                                  : affine_of(c, multiply(at(c, reset), at(c, before)), weight, bias);
      const Var<T> candidate = d.activations[1](at(c, gate_of(c, x, 2, hidden)) + of_state);
      return {lerp(at(c, candidate), at(c, before), at(c, update))};
    };
  };
  return recurrent(
      c, Cell<T>{.gates = 3, .parts = 1, .defaults = {"Sigmoid", "Tanh"}, .adds_state_bias = false, .step = step});
}

}  // namespace

template <class T>
std::span<const Entry<T>> recurrent_entries() {
  static constexpr Entry<T> entries[] = {
      {"GRU", gru_of<T>},
      {"LSTM", lstm_of<T>},
      {"RNN", rnn_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> recurrent_entries<float>();
template std::span<const Entry<double>> recurrent_entries<double>();

}  // namespace wengert::onnx::detail
