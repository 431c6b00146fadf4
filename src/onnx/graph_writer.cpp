// GraphWriter: a trace as an ONNX graph.
#include "formula/expand.hpp"
#include "io/json.hpp"
#include "onnx/emit.hpp"
#include "onnx/extent_values.hpp"
#include "onnx/graph_names.hpp"
#include <wengert/base/error.hpp>
#include <wengert/base/version.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

template <class X>
TensorData tensor_data(ElementType type, const Shape& shape, const X* elements, std::size_t count) {
  TensorData tensor;
  tensor.type = type;
  tensor.shape = shape;
  tensor.bytes.assign(reinterpret_cast<const char*>(elements), count * sizeof(X));
  return tensor;
}

// Axes of the declared shape of a port: those whose extents differ between recordings have the axis's name.
template <class T>
std::vector<Dimension> declared_shape(const TracedNode<T>& node, const std::vector<DynamicAxis>& axes) {
  std::vector<Dimension> result;
  for (std::size_t axis = 0; axis < node.shapes.front().size(); ++axis) {
    Dimension dimension{node.shapes.front()[axis], {}};
    for (const Shape& shape : node.shapes)
      if (shape[axis] != node.shapes.front()[axis]) dimension.extent.reset();
    for (std::size_t k = 0; k < axes.size() && !dimension.extent; ++k) {
      if (node.shapes[1 + k][axis] == node.shapes.front()[axis]) continue;
      // Only an extent that grows by one, and by nothing else, is the axis itself.
      dimension.name = dimension.name.empty() && node.shapes[1 + k][axis] == node.shapes.front()[axis] + 1
                           ? axes[k].name
                           : fmt::format("{}_{}", axes[k].name, node.index);
    }
    result.push_back(std::move(dimension));
  }
  return result;
}

}  // namespace

template <class T>
GraphWriter<T>::GraphWriter(const Trace<T>& trace, const std::vector<NamedParameter<T>>& parameters,
                            const std::vector<Parameter<T>>& buffers)
    : trace_(trace), parameters_(parameters), buffers_(buffers) {}

template <class T>
std::string GraphWriter<T>::new_name(std::string_view stem) {
  std::string name(stem);
  for (std::size_t i = 1; !used_.insert(name).second; ++i) name = fmt::format("{}_{}", stem, i);
  return name;
}

template <class T>
std::vector<std::string> GraphWriter<T>::nodes(std::string op, std::vector<std::string> inputs, Attributes attributes,
                                               std::size_t outputs) {
  Node node;
  node.name = new_name(op);
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(new_name(node.name + "_y"));
  node.op = std::move(op);
  node.opset = 17;
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  graph_.nodes.push_back(node);
  return node.outputs;
}

// Numbers are nodes, because a reader takes an initialiser of numbers for a weight.
template <class T>
std::string GraphWriter<T>::initialiser(TensorData tensor) {
  std::string key = fmt::format("{} {} ", static_cast<int>(tensor.type), to_string(tensor.shape)) + tensor.bytes;
  const auto [found, is_new] = by_content_.emplace(std::move(key), std::string{});
  if (!is_new) return found->second;
  if (is_floating(tensor.type)) return found->second = nodes("Constant", {}, {{"value", std::move(tensor)}}, 1).front();
  tensor.name = found->second = new_name("integers");
  graph_.initialisers.push_back(std::move(tensor));
  return found->second;
}

template <class T>
std::string GraphWriter<T>::constant(const Tensor<T>& value) {
  return initialiser(tensor_data(element_type<T>, Shape(value.shape()), value.data(), value.size()));
}

template <class T>
std::string GraphWriter<T>::integers(const std::vector<std::ptrdiff_t>& values) {
  const std::vector<std::int64_t> elements(values.begin(), values.end());
  return initialiser(tensor_data(ElementType::int64, Shape{elements.size()}, elements.data(), elements.size()));
}

template <class T>
std::string GraphWriter<T>::integer(std::ptrdiff_t value) {
  const std::int64_t element = value;
  return initialiser(tensor_data(ElementType::int64, {}, &element, 1));
}

template <class T>
const Node* GraphWriter<T>::node_of(const std::string& value) const {
  const auto found = std::find_if(graph_.nodes.rbegin(), graph_.nodes.rend(), [&](const Node& node) {
    return std::find(node.outputs.begin(), node.outputs.end(), value) != node.outputs.end();
  });
  return found == graph_.nodes.rend() ? nullptr : &*found;
}

template <class T>
const TensorData* GraphWriter<T>::initialiser_of(const std::string& value) const {
  const auto found = std::find_if(graph_.initialisers.begin(), graph_.initialisers.end(),
                                  [&](const TensorData& tensor) { return tensor.name == value; });
  return found == graph_.initialisers.end() ? nullptr : &*found;
}

template <class T>
std::string GraphWriter<T>::shape_tensor(const Extents& extents) {
  std::vector<std::string> pieces;
  std::vector<std::ptrdiff_t> fixed;
  const auto close = [&] {
    if (!fixed.empty()) pieces.push_back(integers(fixed));
    fixed.clear();
  };
  for (const Extent& extent : extents) {
    if (extent.fixed()) {
      fixed.push_back(extent.constant);
      continue;
    }
    close();
    std::string sum;
    for (std::size_t k = 0; k < extent.factors.size(); ++k) {
      if (extent.factors[k] == 0) continue;
      std::string term = axis_extent(k);
      if (extent.factors[k] != 1) term = nodes("Mul", {term, integers({extent.factors[k]})}, {}, 1).front();
      sum = sum.empty() ? term : nodes("Add", {sum, term}, {}, 1).front();
    }
    if (extent.constant != 0) sum = nodes("Add", {sum, integers({extent.constant})}, {}, 1).front();
    pieces.push_back(sum);
  }
  close();
  if (pieces.empty()) return integers({});
  return pieces.size() == 1 ? pieces.front() : nodes("Concat", pieces, {{"axis", std::int64_t{0}}}, 1).front();
}

template <class T>
std::string GraphWriter<T>::axis_extent(std::size_t k) {
  std::string& name = axis_extents_[k];
  if (!name.empty()) return name;
  for (std::size_t i = 0; i < trace_.nodes().size(); ++i) {
    const TracedNode<T>& node = trace_.nodes()[i];
    if (node.kind != TracedNode<T>::Kind::input) continue;
    for (std::size_t axis = 0; axis < node.shapes.front().size(); ++axis)
      if (node.shapes[1 + k][axis] != node.shapes.front()[axis])
        return name =
                   nodes("Shape", {names_[i]},
                         {{"start", static_cast<std::int64_t>(axis)}, {"end", static_cast<std::int64_t>(axis + 1)}}, 1)
                       .front();
  }
  throw ValueError(trace_.caller(), "no input has the dynamic axis");
}

template <class T>
std::string GraphWriter<T>::boolean(const std::string& mask) {
  std::string& name = booleans_[mask];
  if (name.empty()) name = nodes("Cast", {mask}, {{"to", static_cast<std::int64_t>(ElementType::boolean)}}, 1).front();
  return name;
}

template <class T>
std::string GraphWriter<T>::mask(const std::string& boolean) {
  const std::string name = nodes("Cast", {boolean}, {{"to", static_cast<std::int64_t>(element_type<T>)}}, 1).front();
  booleans_[name] = boolean;
  return name;
}

template <class T>
std::string GraphWriter<T>::expand(const Trace<T>& trace, const TracedNode<T>& node,
                                   std::span<const std::string> operands, const Location& where) {
  const Op<T>& op = trace.op(node);
  std::size_t recorded = 0;  // its parameters may follow from extents
  const Recording<T> recording = [&](Tape<T>& tape, std::span<const std::size_t>) {
    const std::span<const double> parameters = trace.parameters(node, recorded++);
    RecordedCall<T> call{.caller = trace.caller(), .options = trace.call().options};
    std::vector<Var<T>> inputs;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      inputs.push_back(tape.constant(T{0}, where));
      call.inputs.push_back({operands[i], inputs.back(), false});
    }
    call.outputs.push_back({"y", wengert::detail::expand<T>(op, inputs, parameters), false});
    return call;
  };
  const Trace<T> expansion(recording, trace, node, where);
  const auto scalar = [&](const auto& value_in) {
    const Emit<T> e(*this, trace, node, {}, where);
    const std::optional<std::string> name = scalar_of_recordings(e, value_in);
    if (!name) fail_for_parameter(e, value_in);
    return *name;
  };
  std::vector<std::string> names;
  for (const TracedNode<T>& part : expansion.nodes()) {
    if (part.kind == TracedNode<T>::Kind::input)
      names.push_back(operands[part.number]);
    else if (part.kind == TracedNode<T>::Kind::constant)
      names.push_back(scalar([&](std::size_t r) { return static_cast<double>(*expansion.value_of(part, r)); }));
    else
      names.push_back(export_node(expansion, part, names, where));
  }
  return names[expansion.outputs().front()];
}

// The names of a node's operands. Ops of ONNX broadcast, so an elementwise op takes the operands of broadcast_to where
// the result keeps its shape.
template <class T>
std::vector<std::string> GraphWriter<T>::operands_of(const Trace<T>& trace, const TracedNode<T>& node,
                                                     const std::vector<std::string>& names) const {
  std::vector<std::uint32_t> positions = node.operands;
  if (trace.op(node).shape == nullptr && positions.size() > 1) {
    const auto source = [&](std::uint32_t position) {
      const TracedNode<T>& operand = trace.nodes()[position];
      const bool repeats = operand.kind == TracedNode<T>::Kind::op && trace.op(operand).name == "broadcast_to";
      return repeats ? operand.operands.front() : position;
    };
    const auto reads = [&](std::size_t i) { return (trace.op(node).reads >> i & 1) != 0; };  // those of its formula
    const auto spans = [&](std::size_t r) {  // whether some source that is read has every extent of the result
      for (std::size_t axis = 0; axis < node.shapes[r].size(); ++axis) {
        const auto has_extent = [&](std::uint32_t position) {
          const Shape& shape = trace.nodes()[source(position)].shapes[r];
          const std::size_t missing = node.shapes[r].size() - shape.size();
          return axis >= missing && shape[axis - missing] == node.shapes[r][axis];
        };
        bool is_found = false;
        for (std::size_t i = 0; i < positions.size(); ++i)
          is_found = is_found || (reads(i) && has_extent(positions[i]));
        if (!is_found) return false;
      }
      return true;
    };
    bool all_span = true;
    for (std::size_t r = 0; r < node.shapes.size(); ++r) all_span = all_span && spans(r);
    if (all_span) std::transform(positions.begin(), positions.end(), positions.begin(), source);
  }
  std::vector<std::string> operands;
  for (const std::uint32_t position : positions) operands.push_back(names[position]);
  return operands;
}

template <class T>
std::string GraphWriter<T>::export_node(const Trace<T>& trace, const TracedNode<T>& node,
                                        const std::vector<std::string>& names, const Location& where) {
  const Op<T>& op = trace.op(node);
  const std::vector<std::string> operands = operands_of(trace, node, names);
  if (op.stands_for) return operands.front();
  const auto mapping = mappings<T>().find(op.name);
  if (mapping != mappings<T>().end()) {
    std::string name = mapping->second.emit(Emit<T>(*this, trace, node, operands, where));
    if (!name.empty()) return name;
  }
  if (op.formula != nullptr) return expand(trace, node, operands, where);
  trace.fail(node.index,
             op.draw == nullptr
                 ? fmt::format("the op {} has no counterpart in ONNX", op.name)
                 : fmt::format("the op {} draws random numbers, which a file cannot repeat: leave it out, or save "
                               "what it draws as an input",
                               op.name),
             where);
}

template <class T>
void GraphWriter<T>::drop_unused() {
  std::set<std::string, std::less<>> used;
  for (const auto* ports : {&graph_.inputs, &graph_.outputs})  // an input may have a default value
    for (const Port& port : *ports) used.insert(port.name);
  std::vector<Node> kept;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    if (std::none_of(node->outputs.begin(), node->outputs.end(), [&](const auto& name) { return used.contains(name); }))
      continue;
    used.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  graph_.nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  std::erase_if(graph_.initialisers, [&](const TensorData& tensor) { return !used.contains(tensor.name); });
}

template <class T>
ModelFile GraphWriter<T>::write(const SaveOptions& options) {
  const auto& call = trace_.call();
  for (const auto& port : call.inputs) used_.insert(port.name);
  for (const auto& port : call.outputs) used_.insert(port.name);
  for (const auto& parameter : parameters_) used_.insert(parameter.name);
  used_.insert("");
  for (const TracedNode<T>& node : trace_.nodes()) {
    const TapeNode<T>& recorded = trace_.node(node);
    if (node.kind == TracedNode<T>::Kind::input)
      names_.push_back(call.inputs[node.number].name);
    else if (node.kind == TracedNode<T>::Kind::parameter)
      names_.push_back(parameter(node));
    else if (node.kind == TracedNode<T>::Kind::constant)
      names_.push_back(constant(node));
    else
      names_.push_back(export_node(trace_, node, names_, recorded.where));
  }
  ModelFile file;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const auto input = std::find_if(trace_.nodes().begin(), trace_.nodes().end(), [&](const TracedNode<T>& node) {
      return node.kind == TracedNode<T>::Kind::input && node.number == i;
    });
    const auto& [name, handle, integers, initial] = call.inputs[i];
    graph_.inputs.push_back(
        {name, integers ? ElementType::int64 : element_type<T>, declared_shape(*input, options.axes)});
    if (initial && call.defaults) add_parameter(name, *initial);
  }
  for (std::size_t i = 0; i < call.outputs.size(); ++i) {  // an Identity gives each output its name
    const TracedNode<T>& node = trace_.nodes()[trace_.outputs()[i]];
    Node identity;
    identity.op = "Identity";
    identity.opset = 17;
    identity.name = new_name("Identity");
    identity.inputs = {names_[trace_.outputs()[i]]};
    identity.outputs = {call.outputs[i].name};
    graph_.nodes.push_back(std::move(identity));
    graph_.outputs.push_back({call.outputs[i].name, call.outputs[i].integers ? ElementType::int64 : element_type<T>,
                              declared_shape(node, options.axes)});
  }
  drop_unused();
  number_names(graph_);
  graph_.name = "network";
  file.ir_version = 8;
  file.opsets = {{"", 17}};
  file.graph = std::move(graph_);
  file.metadata = options.metadata;
  if (!call.state.empty()) {
    io::JsonWriter state;
    state.begin_object();
    for (const auto& [input, output] : call.state) state.key(input).string(output);
    file.metadata["state"] = state.end_object().text();
  }
  if (!buffer_names_.empty()) file.metadata[buffers_key] = json_of_names(buffer_names_);
  file.metadata["producer_name"] = "wengert";
  file.metadata["producer_version"] = WENGERT_VERSION;
  if (!options.doc.empty()) file.metadata["doc_string"] = options.doc;
  return file;
}

template class GraphWriter<float>;
template class GraphWriter<double>;

}  // namespace wengert::onnx::detail
