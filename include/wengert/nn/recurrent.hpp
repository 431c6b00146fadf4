// Recurrent layers, which process a sequence step by step and carry a hidden state.
//
// Sequences are (N, L, inputs): samples, steps, features (PyTorch's `batch_first`). The call operator returns the
// output of every step, (N, L, hidden). `run` also returns the state after the last step, and accepts an initial state.
// In a stack, each layer reads the outputs of the layer below. A bidirectional layer reads the sequence from both ends
// and concatenates the results, (N, L, 2·hidden).
//
// Sequences of different lengths are padded at the end, and `lengths` (N) holds the number of real steps of each, from
// 0 to L. Then outputs at the padding are zeros, the final state of a sequence is the one after its last real step, the
// backward direction begins at that step, and padding affects no result and no gradient, even if it is NaN: PyTorch's
// pack_padded_sequence. The final state of a sequence of length 0 is its initial state.
//
// Parameters have PyTorch's names, such as `weight_ih_l0`, or `weight_ih_l1_reverse` for the backward direction of the
// second layer, and its initialisation, drawn uniformly from ±1/√hidden. The rows of a weight are grouped by gate.
#pragma once

#include <wengert/nn/dropout.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wengert::nn {

/// Options of a recurrent module.
struct RecurrentOptions {
  bool bias = true;            ///< whether there are biases
  std::size_t layers = 1;      ///< the number of stacked layers
  bool bidirectional = false;  ///< whether each layer reads the sequence from both ends
  double dropout = 0;          ///< the probability that an element between two layers is dropped, in training
};

/// The activation of an RNN.
enum class RecurrentActivation : std::uint8_t { tanh, relu };

/// The weights of one recurrent layer in one direction.
template <class T>
struct RecurrentWeights {
  Parameter<T> weight_ih;               ///< (gates·hidden, inputs)
  Parameter<T> weight_hh;               ///< (gates·hidden, hidden)
  std::optional<Parameter<T>> bias_ih;  ///< (gates·hidden,)
  std::optional<Parameter<T>> bias_hh;  ///< (gates·hidden,)
  std::size_t layer = 0;                ///< the layer they belong to, counted from 0
  bool backwards = false;               ///< whether they read the sequence from its end

  /// The suffix of their paths: `_l0`, or `_l0_reverse` for the backward direction.
  std::string member_suffix() const;
};

/// The outputs of a recurrent module and its state after the last step.
template <class T>
struct RecurrentResult {
  Var<T> output;  ///< (N, L, hidden); if bidirectional, (N, L, 2·hidden)
  Var<T> hidden;  ///< (layers, N, hidden); if bidirectional, two entries per layer, forward first
};
/// The state of an LSTM.
template <class T>
struct LSTMState {
  Var<T> hidden;  ///< (layers, N, hidden); if bidirectional, two entries per layer, forward first
  Var<T> cell;    ///< the same shape
};
/// The outputs of an LSTM and its state after the last step.
template <class T>
struct LSTMResult {
  Var<T> output;       ///< (N, L, hidden); if bidirectional, (N, L, 2·hidden)
  LSTMState<T> state;  ///< after the last step
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990).
template <class T>
struct RNN {
  /// Omits the member name from paths.
  using UnnamedMember = void;
  std::vector<RecurrentWeights<T>> layers;                     ///< bottom to top; forward direction first
  std::optional<Dropout> dropout{};                            ///< between layers
  RecurrentActivation activation = RecurrentActivation::tanh;  ///< the activation of each step

  /// Throws ValueError for a size or number of layers below 1 and a dropout probability that is not in [0, 1],
  /// MemoryError for sizes that are too large.
  static RNN make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                  RecurrentActivation activation = RecurrentActivation::tanh, Location where = Location::current());
  /// The outputs of all steps, from a zero initial state. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, {}, where).output; }
  /// The same for padded sequences.
  Var<T> operator()(Var<T> x, IndexVar<T> lengths, Location where = Location::current()) const {
    return run(x, {}, lengths, where).output;
  }
  /// The outputs and the final state, from an initial state; an empty handle stands for zeros. With `lengths`, the
  /// sequences are padded. Throws ShapeError unless the initial state is (layers, N, hidden), or (2·layers, N, hidden)
  /// if bidirectional, and the lengths are (N,); ValueError for a length that is not in 0 … L.
  RecurrentResult<T> run(Var<T> x, Var<T> hidden = {}, IndexVar<T> lengths = {},
                         Location where = Location::current()) const;
};

/// The gated recurrent unit (Cho et al. 2014): r = σ(…), z = σ(…), n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)),
/// h' = (1 − z) ⊙ n + z ⊙ h. The 3·hidden rows of its weights belong to r, z, n, in this order.
template <class T>
struct GRU {
  /// Omits the member name from paths.
  using UnnamedMember = void;
  std::vector<RecurrentWeights<T>> layers;  ///< bottom to top; forward direction first
  std::optional<Dropout> dropout{};         ///< between layers

  /// Throws ValueError for a size or number of layers below 1 and a dropout probability that is not in [0, 1],
  /// MemoryError for sizes that are too large.
  static GRU make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                  Location where = Location::current());
  /// The outputs of all steps, from a zero initial state. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, {}, where).output; }
  /// The same for padded sequences.
  Var<T> operator()(Var<T> x, IndexVar<T> lengths, Location where = Location::current()) const {
    return run(x, {}, lengths, where).output;
  }
  /// The outputs and the final state, from an initial state; an empty handle stands for zeros. With `lengths`, the
  /// sequences are padded. Throws ShapeError unless the initial state is (layers, N, hidden), or (2·layers, N, hidden)
  /// if bidirectional, and the lengths are (N,); ValueError for a length that is not in 0 … L.
  RecurrentResult<T> run(Var<T> x, Var<T> hidden = {}, IndexVar<T> lengths = {},
                         Location where = Location::current()) const;
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997): i, f, o = σ(…), g = tanh(…), c' = f ⊙ c + i ⊙ g,
/// h' = o ⊙ tanh(c'). The 4·hidden rows of its weights belong to i, f, g, o, in this order.
template <class T>
struct LSTM {
  /// Omits the member name from paths.
  using UnnamedMember = void;
  std::vector<RecurrentWeights<T>> layers;  ///< bottom to top; forward direction first
  std::optional<Dropout> dropout{};         ///< between layers

  /// Throws ValueError for a size or number of layers below 1 and a dropout probability that is not in [0, 1],
  /// MemoryError for sizes that are too large.
  static LSTM make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                   Location where = Location::current());
  /// The outputs of all steps, from a zero initial state. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, {}, where).output; }
  /// The same for padded sequences.
  Var<T> operator()(Var<T> x, IndexVar<T> lengths, Location where = Location::current()) const {
    return run(x, {}, lengths, where).output;
  }
  /// The outputs and the final state, from an initial state; empty handles stand for zeros. With `lengths`, the
  /// sequences are padded. Throws ShapeError unless each part of the initial state is (layers, N, hidden), or
  /// (2·layers, N, hidden) if bidirectional, and the lengths are (N,); ValueError for a length that is not in 0 … L.
  LSTMResult<T> run(Var<T> x, const LSTMState<T>& state = {}, IndexVar<T> lengths = {},
                    Location where = Location::current()) const;
};

#define WENGERT_EXTERN(T)                     \
  extern template struct RecurrentWeights<T>; \
  extern template struct RNN<T>;              \
  extern template struct GRU<T>;              \
  extern template struct LSTM<T>;
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
#undef WENGERT_EXTERN

}  // namespace wengert::nn
