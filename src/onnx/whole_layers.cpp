// WholeLayers: the ops that stand for nodes of ONNX, and layers of recurrent modules in its conventions.
#include "onnx/whole_layers.hpp"

#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/sequence.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>
#include <wengert/tape/op.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace wengert::onnx::detail {
namespace {

using nn::detail::RecurrentCell;

Shape whole_node_shape(const void* attributes, std::span<const Shape* const>) {
  return static_cast<const WholeNode*>(attributes)->shape;
}

// Neither op is ever computed, so the lengths are not marked as integers.
template <class T>
constexpr Op<T> recurrent_layer_op{.name = "recurrent_layer",
                                   .shape = whole_node_shape,
                                   .takes_strides = true,
                                   .vjp = [](Pullback<T>&) { throw NeedsSteps{}; },
                                   .attribute_bytes = sizeof(WholeNode)};
template <class T>
constexpr Op<T> recurrent_state_op{.name = "recurrent_state",
                                   .shape = whole_node_shape,
                                   .vjp = [](Pullback<T>&) { throw NeedsSteps{}; },
                                   .attribute_bytes = sizeof(WholeNode)};

// How ONNX names a cell, and where it finds its gates: the blocks of rows in its own order.
struct CellInOnnx {
  const char* op;
  std::vector<std::size_t> gates;
  Node node(std::size_t hidden, std::size_t directions) const {
    Node node;
    node.op = op;
    node.opset = 17;
    node.attributes["hidden_size"] = static_cast<std::int64_t>(hidden);
    if (directions == 2) node.attributes["direction"] = std::string("bidirectional");
    return node;
  }
};
CellInOnnx in_onnx(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::lstm:
      return {"LSTM", {0, 3, 1, 2}};  // i, f, g, o become i, o, f, c
    case RecurrentCell::gru:
      return {"GRU", {1, 0, 2}};  // r, z, n become z, r, h
    default:
      return {"RNN", {0}};
  }
}

}  // namespace

template <class T>
std::vector<Var<T>> WholeLayers<T>::record(const Node& node, std::span<const Var<T>> inputs,
                                           std::span<const Shape> outputs, const Location& where) {
  WholeNode whole{&node, 0, 0, outputs[0]};
  std::vector<Var<T>> operands;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].empty()) continue;
    whole.inputs |= 1u << i;
    operands.push_back(inputs[i]);
  }
  std::vector<Var<T>> results{tape_.record(recurrent_layer_op<T>, &whole, sizeof whole, operands, where)};
  for (std::size_t k = 1; k < outputs.size(); ++k) {
    whole.output = static_cast<std::uint32_t>(k);
    whole.shape = outputs[k];
    results.push_back(tape_.record(recurrent_state_op<T>, &whole, sizeof whole, std::span(results).first(1), where));
  }
  return results;
}

template <class T>
nn::detail::RecurrentLayerResult<T> WholeLayers<T>::record(const nn::detail::RecurrentLayer<T>& layer,
                                                           const Location& where) {
  const CellInOnnx cell = in_onnx(layer.cell);
  const auto& weights = layer.directions.front();
  const std::size_t samples = layer.x.shape()[0], steps = layer.x.shape()[1], inputs = layer.x.shape()[2];
  const std::size_t hidden = weights.weight_hh.shape()[1], directions = layer.directions.size();
  const std::size_t rows = cell.gates.size() * hidden;

  std::vector<Var<T>> blocks;
  const auto add_gates = [&](const Parameter<T>& parameter) {
    const Var<T> all = tape_.variable(parameter, where);
    if (cell.gates.size() == 1) return blocks.push_back(all);
    const std::vector<Var<T>> parts = split(all, static_cast<std::ptrdiff_t>(cell.gates.size()), 0, where);
    for (const std::size_t gate : cell.gates) blocks.push_back(parts[gate]);
  };
  const auto joined = [&](const Shape& shape) {
    const Var<T> all = blocks.size() == 1 ? blocks[0] : concatenate(blocks, 0, where);
    blocks.clear();
    return reshape(all, shape, where);
  };
  std::vector<Var<T>> operands{swapaxes(layer.x, 0, 1, where)};
  for (const auto& one : layer.directions) add_gates(one.weight_ih);
  operands.push_back(joined({directions, rows, inputs}));
  for (const auto& one : layer.directions) add_gates(one.weight_hh);
  operands.push_back(joined({directions, rows, hidden}));
  if (weights.bias_ih) {
    for (const auto& one : layer.directions) {
      add_gates(*one.bias_ih);
      add_gates(*one.bias_hh);
    }
    operands.push_back(joined({directions, 2 * rows}));
  } else {
    operands.emplace_back();
  }
  operands.push_back(layer.lengths.empty() ? Var<T>() : layer.lengths.handle());
  operands.insert(operands.end(), layer.state.begin(), layer.state.end());

  const auto node = std::make_shared<Node>(cell.node(hidden, directions));
  if (layer.cell == RecurrentCell::rnn_relu)
    node->attributes["activations"] = std::vector<std::string>(directions, "Relu");
  if (layer.cell == RecurrentCell::gru) node->attributes["linear_before_reset"] = std::int64_t{1};
  tape_.keep_alive(node, where);
  std::vector<Shape> outputs(1 + layer.state.size(), Shape{directions, samples, hidden});
  outputs[0] = {steps, directions, samples, hidden};
  std::vector<Var<T>> results = record(*node, operands, outputs, where);
  const Var<T> output = directions == 1 ? swapaxes(squeeze(results[0], 1, where), 0, 1, where)
                                        : reshape(transpose(results[0], {2, 0, 1, 3}, where),
                                                  Shape{samples, steps, directions * hidden}, where);
  results.erase(results.begin());
  if (!layer.lengths.empty()) {  // ONNX Runtime ends a sequence without steps with zeros
    const Var<T> has_steps = sequence_mask(layer.lengths, 1, where);
    for (std::size_t part = 0; part < results.size(); ++part)
      if (!layer.state[part].empty())
        results[part] = wengert::where(Operand<T>(has_steps, where), Operand<T>(results[part], where),
                                       Operand<T>(layer.state[part], where));
  }
  return {output, std::move(results)};
}

template class WholeLayers<float>;
template class WholeLayers<double>;

}  // namespace wengert::onnx::detail
