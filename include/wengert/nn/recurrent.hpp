// Recurrent layers: they read a sequence step by step and remember.
//
// Sequences are (N, L, features): samples, steps, numbers a step (PyTorch's `batch_first`). Called like any layer, they
// give what they put out at each step, (N, L, hidden); `run` gives the state after the last step as well, and takes one
// to begin from. Several layers stand one above another, each of which reads what the one below puts out; in both
// directions, a layer reads the sequence from either end, and puts out both results side by side, (N, L, 2·hidden).
//
// Parameters have PyTorch's names and begin as there, drawn evenly from ±1/√hidden: `weight_ih_l0`, and
// `weight_ih_l1_reverse` of the second layer from the end. Of the rows of a weight, the gates follow one another.
#pragma once

#include <wengert/nn/dropout.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/parameter.hpp>
#include <wengert/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wengert::nn {

/// How a recurrent module is made.
struct RecurrentOptions {
  bool bias = true;            ///< whether there is one
  std::size_t layers = 1;      ///< how many stand one above another
  bool bidirectional = false;  ///< whether each layer reads the sequence from both ends
  double dropout = 0;          ///< the probability that a number between two layers is dropped, in training
};

/// What passes a simple recurrent layer's sums on.
enum class RecurrentActivation : std::uint8_t { tanh, relu };

/// The weights of one recurrent layer in one direction.
template <class T>
struct RecurrentWeights {
  Parameter<T> weight_ih;               ///< (gates·hidden, inputs)
  Parameter<T> weight_hh;               ///< (gates·hidden, hidden)
  std::optional<Parameter<T>> bias_ih;  ///< (gates·hidden,)
  std::optional<Parameter<T>> bias_hh;  ///< (gates·hidden,)
  std::size_t layer = 0;                ///< which layer's they are, counted from 0
  bool backwards = false;               ///< whether it reads the sequence from its end

  /// What their paths end in: `_l0`, or `_l0_reverse` if they read backwards.
  std::string member_suffix() const;
};

/// The outputs of a recurrent module, and what it remembers after the last step it read.
template <class T>
struct RecurrentResult {
  Var<T> output;  ///< (N, L, hidden); in both directions (N, L, 2·hidden)
  Var<T> hidden;  ///< (layers, N, hidden): in both directions two for each layer, forwards and backwards
};
/// The state of an LSTM.
template <class T>
struct LSTMState {
  Var<T> hidden;  ///< (layers, N, hidden): in both directions two for each layer, forwards and backwards
  Var<T> cell;    ///< the same shape
};
/// The outputs of an LSTM, and its state after the last step it read.
template <class T>
struct LSTMResult {
  Var<T> output;       ///< (N, L, hidden); in both directions (N, L, 2·hidden)
  LSTMState<T> state;  ///< after the last step
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990).
template <class T>
struct RNN {
  /// Leaves the members' names out of paths.
  using UnnamedMember = void;
  std::vector<RecurrentWeights<T>> layers;                     ///< from the lowest on; of each, forwards and backwards
  std::optional<Dropout> dropout{};                            ///< of what a layer hands to the one above
  RecurrentActivation activation = RecurrentActivation::tanh;  ///< of each step

  /// Throws ValueError for a size or number of layers below 1 and a dropout probability that is not in [0, 1],
  /// MemoryError for sizes too large.
  static RNN make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                  RecurrentActivation activation = RecurrentActivation::tanh, Location where = Location::current());
  /// The output of every step, from a state of zeros. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, where).output; }
  /// The same from a state, together with the last one; an empty handle stands for zeros. Throws ShapeError unless the
  /// state is (layers, N, hidden), twice as many layers in both directions.
  RecurrentResult<T> run(Var<T> x, Var<T> hidden = {}, Location where = Location::current()) const;
};

/// The gated recurrent unit (Cho et al. 2014): r = σ(…), z = σ(…), n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)),
/// h' = (1 − z) ⊙ n + z ⊙ h. The rows of its weights, 3·hidden, are those of r, z, n.
template <class T>
struct GRU {
  /// Leaves the members' names out of paths.
  using UnnamedMember = void;
  std::vector<RecurrentWeights<T>> layers;  ///< from the lowest on; of each, forwards and backwards
  std::optional<Dropout> dropout{};         ///< of what a layer hands to the one above

  /// Throws ValueError for a size or number of layers below 1 and a dropout probability that is not in [0, 1],
  /// MemoryError for sizes too large.
  static GRU make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                  Location where = Location::current());
  /// The output of every step, from a state of zeros. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, where).output; }
  /// The same from a state, together with the last one; an empty handle stands for zeros. Throws ShapeError unless the
  /// state is (layers, N, hidden), twice as many layers in both directions.
  RecurrentResult<T> run(Var<T> x, Var<T> hidden = {}, Location where = Location::current()) const;
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997): i, f, o = σ(…), g = tanh(…), c' = f ⊙ c + i ⊙ g,
/// h' = o ⊙ tanh(c'). The rows of its weights, 4·hidden, are those of i, f, g, o.
template <class T>
struct LSTM {
  /// Leaves the members' names out of paths.
  using UnnamedMember = void;
  std::vector<RecurrentWeights<T>> layers;  ///< from the lowest on; of each, forwards and backwards
  std::optional<Dropout> dropout{};         ///< of what a layer hands to the one above

  /// Throws ValueError for a size or number of layers below 1 and a dropout probability that is not in [0, 1],
  /// MemoryError for sizes too large.
  static LSTM make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                   Location where = Location::current());
  /// The output of every step, from a state of zeros. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, where).output; }
  /// The same from a state, together with the last one; empty handles stand for zeros. Throws ShapeError unless each
  /// part of the state is (layers, N, hidden), twice as many layers in both directions.
  LSTMResult<T> run(Var<T> x, const LSTMState<T>& state = {}, Location where = Location::current()) const;
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
