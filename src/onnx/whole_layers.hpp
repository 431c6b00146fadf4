// WholeLayers: recurrent layers recorded as nodes of ONNX, whatever the number of steps.
#pragma once

#include "nn/recurrent_layer.hpp"
#include "onnx/graph.hpp"
#include <wengert/base/error.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wengert::onnx::detail {

/// The attributes of the ops `recurrent_layer`, a node of ONNX with its first output, and `recurrent_state`, another
/// output of the node that is its operand.
struct WholeNode {
  static constexpr std::size_t lengths = 4;  ///< the input of an RNN, GRU or LSTM that holds the lengths

  const Node* node;      // its op and attributes; it belongs to the tape or to a module
  std::uint32_t inputs;  // those that it has, one bit each
  std::uint32_t output;  // counted from 0
  Shape shape;           // of the output

  friend bool operator==(const WholeNode& a, const WholeNode& b) {
    return a.node->op == b.node->op && a.node->attributes == b.node->attributes && a.inputs == b.inputs &&
           a.output == b.output;
  }
};

/// Thrown where the gradient of a layer that was recorded as a whole is needed: that is computed from its steps.
struct NeedsSteps {};

/// During its lifetime, recurrent layers on a tape, those of modules and those of Models, are recorded as one op each,
/// which has a shape but no values.
template <class T>
class WholeLayers final : public nn::detail::LayerRecorder<T> {
 public:
  explicit WholeLayers(Tape<T>& tape) : nn::detail::LayerRecorder<T>(tape), tape_(tape) {}

  nn::detail::RecurrentLayerResult<T> record(const nn::detail::RecurrentLayer<T>& layer,
                                             const Location& where) override;
  /// Records an RNN, GRU or LSTM with the inputs and all outputs of the standard. An empty handle stands for an input
  /// that is left out. The node, of which op and attributes count, must outlive what is recorded.
  std::vector<Var<T>> record(const Node& node, std::span<const Var<T>> inputs, std::span<const Shape> outputs,
                             const Location& where);
  /// The thread's innermost one if it is for this tape; otherwise null.
  static WholeLayers* of(const Tape<T>& tape) {
    return static_cast<WholeLayers*>(nn::detail::LayerRecorder<T>::of(tape));  // there are no other recorders
  }

 private:
  Tape<T>& tape_;
};

extern template class WholeLayers<float>;
extern template class WholeLayers<double>;

}  // namespace wengert::onnx::detail
