// How recurrent layers that were recorded as wholes are exported.
#include "onnx/emit.hpp"
#include "onnx/whole_layers.hpp"

#include <cstdint>

namespace wengert::onnx::detail {

namespace {

template <class T>
WholeNode whole_node(const Emit<T>& e) {
  return e.template fixed<WholeNode>([](const WholeNode& a) { return a; });
}

template <class T>
std::string emit_recurrent_layer(const Emit<T>& e) {
  const WholeNode whole = whole_node(e);
  std::vector<std::string> inputs;
  std::size_t taken = 0;
  for (std::size_t i = 0; whole.inputs >> i != 0; ++i)
    inputs.push_back((whole.inputs >> i & 1) != 0 ? e.x(taken++) : "");
  if (inputs.size() > WholeNode::lengths && !inputs[WholeNode::lengths].empty())
    inputs[WholeNode::lengths] =
        e.node("Cast", {inputs[WholeNode::lengths]}, {{"to", static_cast<std::int64_t>(ElementType::int32)}});
  const std::size_t outputs = whole.node->op == "LSTM" ? 3 : 2;
  return e.nodes(whole.node->op, std::move(inputs), whole.node->attributes, outputs).front();
}

template <class T>
std::string emit_recurrent_state(const Emit<T>& e) {
  return e.graph.node_of(e.x())->outputs[whole_node(e).output];
}

}  // namespace

template <class T>
std::span<const Mapping<T>> recurrent_mappings() {
  static constexpr Mapping<T> all[] = {
      {"recurrent_layer", "GRU, LSTM or RNN", emit_recurrent_layer<T>},
      {"recurrent_state", "an output of its operand", emit_recurrent_state<T>},
  };
  return all;
}

template std::span<const Mapping<float>> recurrent_mappings<float>();
template std::span<const Mapping<double>> recurrent_mappings<double>();

}  // namespace wengert::onnx::detail
