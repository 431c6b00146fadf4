// Layers of recurrent modules as wholes, for exporters to formats that have such layers.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/nn/recurrent.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace wengert::nn::detail {

/// The equations of a recurrent layer, as RNN, GRU and LSTM state them.
enum class RecurrentCell : std::uint8_t { rnn_tanh, rnn_relu, gru, lstm };

/// One layer of a recurrent module and its arguments.
template <class T>
struct RecurrentLayer {
  RecurrentCell cell;
  /// One direction, or the forward and the backward one: of one size, and both with biases or both without.
  std::span<const RecurrentWeights<T>> directions;
  Var<T> x;                   ///< (N, L, inputs)
  std::vector<Var<T>> state;  ///< the initial one, each part (directions, N, hidden); an empty handle stands for zeros
  IndexVar<T> lengths;        ///< (N,); an empty handle stands for L
};
/// The results of a layer.
template <class T>
struct RecurrentLayerResult {
  Var<T> output;              ///< (N, L, directions · hidden)
  std::vector<Var<T>> state;  ///< the last one, each part (directions, N, hidden)
};

/// During its lifetime, the recurrent modules that its thread calls on its tape pass it their layers instead of
/// recording them step by step.
template <class T>
class LayerRecorder {
 public:
  /// A tape that computes no values.
  explicit LayerRecorder(const Tape<T>& tape);
  virtual ~LayerRecorder();
  LayerRecorder(const LayerRecorder&) = delete;
  LayerRecorder& operator=(const LayerRecorder&) = delete;

  /// Records a layer.
  virtual RecurrentLayerResult<T> record(const RecurrentLayer<T>& layer, const Location& where) = 0;
  /// The thread's innermost recorder if it is one for this tape; otherwise null.
  static LayerRecorder* of(const Tape<T>& tape);

 private:
  const Tape<T>& tape_;
  LayerRecorder* before_;
};

extern template class LayerRecorder<float>;
extern template class LayerRecorder<double>;

}  // namespace wengert::nn::detail
