// What RNN, LSTM and GRU share: their operands, their activations, and the loop over directions and steps.
#pragma once

#include "onnx/call.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

namespace wengert::onnx::detail {

/// An activation of a cell, which first limits its argument to ±clip if the node asks for it.
template <class T>
using Activation = std::function<Var<T>(Var<T>)>;

/// The weights and activations of one direction. Biases that the node leaves out are empty handles.
template <class T>
struct Direction {
  Var<T> input_weight, state_weight;  ///< transposed: (inputs, gates · hidden), (hidden, gates · hidden)
  Var<T> input_bias, state_bias;      ///< (gates · hidden)
  std::vector<Activation<T>> activations;
  std::size_t number = 0;  ///< 0, or 1 for the second of two
  bool backwards = false;
};

/// How a cell differs from others.
template <class T>
struct Cell {
  std::size_t gates, parts;           ///< the parts of its state: h, and c of an LSTM
  std::vector<const char*> defaults;  ///< the activations of one direction
  bool adds_state_bias;               ///< whether the bias of the state is added to the projected inputs
  /// Makes the step of one direction: the next state, from the projected input (N, gates · hidden) and the state.
  std::function<std::function<std::vector<Var<T>>(Var<T>, const std::vector<Var<T>>&)>(const Direction<T>&)> step;
};

/// Runs a cell over the steps of input 0 in all directions: Y, and the final state, in ONNX's layout.
template <class T>
Outputs<T> recurrent(const Call<T>& c, const Cell<T>& cell);

/// Gate number `gate` of (N, gates · hidden).
template <class T>
Var<T> gate_of(const Call<T>& c, Var<T> gates, std::size_t gate, std::size_t hidden);
/// a · weight + bias, for a bias that may be an empty handle.
template <class T>
Var<T> affine_of(const Call<T>& c, Var<T> a, Var<T> weight, Var<T> bias);

}  // namespace wengert::onnx::detail
