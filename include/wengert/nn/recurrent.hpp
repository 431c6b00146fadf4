// Recurrent layers: they read a sequence step by step and remember.
//
// Sequences are (N, L, features): samples, steps, numbers a step (PyTorch's `batch_first`). Called like any layer, they
// give what they put out at each step, (N, L, hidden); `run` gives the state after the last step as well, and takes one
// to begin from. One layer each: stack them with `sequential`. Parameters have PyTorch's names and begin as there,
// drawn evenly from ±1/√hidden; of the rows of a weight, the gates follow one another.
#pragma once

#include <wengert/ops/random.hpp>
#include <wengert/parameter.hpp>
#include <wengert/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wengert::nn {

/// How a recurrent layer is made.
struct RecurrentOptions {
  bool bias = true;        ///< whether there is one
  bool backwards = false;  ///< reads the sequence from its end; step t of the result still belongs to step t of x
};

/// What passes a simple recurrent layer's sums on.
enum class RecurrentActivation : std::uint8_t { tanh, relu };

/// The outputs of a layer, and what it remembers after the last step it read.
template <class T>
struct RecurrentResult {
  Var<T> output;  ///< (N, L, hidden)
  Var<T> hidden;  ///< (N, hidden)
};
/// The state of an LSTM.
template <class T>
struct LSTMState {
  Var<T> hidden;  ///< (N, hidden)
  Var<T> cell;    ///< (N, hidden)
};
/// The outputs of an LSTM, and its state after the last step it read.
template <class T>
struct LSTMResult {
  Var<T> output;       ///< (N, L, hidden)
  LSTMState<T> state;  ///< after the last step
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990).
template <class T>
struct RNN {
  Parameter<T> weight_ih_l0;                                   ///< (hidden, inputs)
  Parameter<T> weight_hh_l0;                                   ///< (hidden, hidden)
  std::optional<Parameter<T>> bias_ih_l0;                      ///< (hidden,)
  std::optional<Parameter<T>> bias_hh_l0;                      ///< (hidden,)
  bool backwards = false;                                      ///< whether a sequence is read from its end
  RecurrentActivation activation = RecurrentActivation::tanh;  ///< of each step

  /// Throws ValueError for a size of 0.
  static RNN make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                  RecurrentActivation activation = RecurrentActivation::tanh, Location where = Location::current());
  /// The output of every step, from a state of zeros. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, where).output; }
  /// The same from a state, together with the last one; an empty handle stands for zeros.
  RecurrentResult<T> run(Var<T> x, Var<T> hidden = {}, Location where = Location::current()) const;
};

/// The gated recurrent unit (Cho et al. 2014): r = σ(…), z = σ(…), n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)),
/// h' = (1 − z) ⊙ n + z ⊙ h. The rows of its weights are those of r, z, n.
template <class T>
struct GRU {
  Parameter<T> weight_ih_l0;               ///< (3·hidden, inputs)
  Parameter<T> weight_hh_l0;               ///< (3·hidden, hidden)
  std::optional<Parameter<T>> bias_ih_l0;  ///< (3·hidden,)
  std::optional<Parameter<T>> bias_hh_l0;  ///< (3·hidden,)
  bool backwards = false;                  ///< whether a sequence is read from its end

  /// Throws ValueError for a size of 0.
  static GRU make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                  Location where = Location::current());
  /// The output of every step, from a state of zeros. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, where).output; }
  /// The same from a state, together with the last one; an empty handle stands for zeros.
  RecurrentResult<T> run(Var<T> x, Var<T> hidden = {}, Location where = Location::current()) const;
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997): i, f, o = σ(…), g = tanh(…), c' = f ⊙ c + i ⊙ g,
/// h' = o ⊙ tanh(c'). The rows of its weights are those of i, f, g, o.
template <class T>
struct LSTM {
  Parameter<T> weight_ih_l0;               ///< (4·hidden, inputs)
  Parameter<T> weight_hh_l0;               ///< (4·hidden, hidden)
  std::optional<Parameter<T>> bias_ih_l0;  ///< (4·hidden,)
  std::optional<Parameter<T>> bias_hh_l0;  ///< (4·hidden,)
  bool backwards = false;                  ///< whether a sequence is read from its end

  /// Throws ValueError for a size of 0.
  static LSTM make(std::size_t inputs, std::size_t hidden, Generator generator, const RecurrentOptions& options = {},
                   Location where = Location::current());
  /// The output of every step, from a state of zeros. Throws ShapeError unless x is (N, L, inputs) with L ≥ 1.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return run(x, {}, where).output; }
  /// The same from a state, together with the last one; empty handles stand for zeros.
  LSTMResult<T> run(Var<T> x, const LSTMState<T>& state = {}, Location where = Location::current()) const;
};

#define WENGERT_EXTERN(T)        \
  extern template struct RNN<T>; \
  extern template struct GRU<T>; \
  extern template struct LSTM<T>;
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
#undef WENGERT_EXTERN

}  // namespace wengert::nn
