// ModelReader: the functions of a model, whose bodies replace the nodes that call them.
#include "io/in_quotes.hpp"
#include "onnx/model_reader.hpp"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

namespace wengert::onnx::detail {
namespace {

std::size_t memory_of(const Graph& graph);
std::size_t memory_of(const Node& node);

std::size_t memory_of(const std::string& text) { return sizeof text + text.size(); }
std::size_t memory_of(const TensorData& tensor) { return sizeof tensor + tensor.name.size() + tensor.bytes.size(); }
std::size_t memory_of(const Port& port) {
  std::size_t sum = sizeof port + port.name.size();
  if (port.shape)
    for (const Dimension& dimension : *port.shape) sum += sizeof dimension + dimension.name.size();
  return sum;
}
std::size_t memory_of(const std::shared_ptr<const Graph>& body) { return memory_of(*body); }
template <class Number>
std::size_t memory_of(Number) requires std::is_arithmetic_v<Number> {
  return sizeof(Number);
}
template <class Element>
std::size_t memory_of(const std::vector<Element>& elements) {
  std::size_t sum = sizeof elements;
  for (const Element& element : elements) sum += memory_of(element);
  return sum;
}
std::size_t memory_of(const Node& node) {
  std::size_t sum = sizeof node + node.op.size() + node.domain.size() + node.name.size() + memory_of(node.inputs) +
                    memory_of(node.outputs);
  for (const auto& [name, attribute] : node.attributes)
    sum += memory_of(name) + sizeof attribute + std::visit([](const auto& held) { return memory_of(held); }, attribute);
  return sum;
}
// A body that several nodes share counts for each, as it is visited for each.
std::size_t memory_of(const Graph& graph) {
  return sizeof graph + graph.name.size() + memory_of(graph.nodes) + memory_of(graph.initialisers) +
         memory_of(graph.inputs) + memory_of(graph.outputs);
}

}  // namespace

std::string description_of(const proto::FunctionProto& function) {
  return "function " + io::in_quotes(function.domain() + (function.domain().empty() ? "" : ".") + function.name());
}

std::vector<std::string> unknown_fields_of(const google::protobuf::UnknownFieldSet& fields, int number) {
  std::vector<std::string> contents;
  for (int i = 0; i < fields.field_count(); ++i)
    if (const auto& field = fields.field(i);
        field.number() == number && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      contents.push_back(field.length_delimited());
  return contents;
}

namespace {

// The attributes of a function that have a default value, a field of IR version 9.
template <class Function>
std::vector<proto::AttributeProto> defaults_of(const Function& function, const Source& source) {
  std::vector<proto::AttributeProto> defaults;
  if constexpr (requires { function.attribute_proto(); })
    defaults.assign(function.attribute_proto().begin(), function.attribute_proto().end());
  for (const std::string& bytes : unknown_fields_of(function.unknown_fields(), 11))
    if (!defaults.emplace_back().ParseFromString(bytes))
      source.fail(fmt::format("{}: the default value of an attribute is damaged", description_of(function)));
  return defaults;
}

// Overloads, a field of IR version 10, are functions of one name.
template <class Message>
bool is_overloaded(const Message& message, int field) {
  if constexpr (requires { message.overload(); }) return !message.overload().empty();
  const auto names = unknown_fields_of(message.unknown_fields(), field);
  return std::ranges::any_of(names, [](const std::string& name) { return !name.empty(); });
}

}  // namespace

void ModelReader::refuse_overload(const proto::NodeProto& from, const Node& node) const {
  if (is_overloaded(from, 8))
    source_.fail(fmt::format("{}: it calls an overload of a function, which is not supported", node.description()));
}

void ModelReader::add_functions(const proto::ModelProto& model, const Opsets& opsets) {
  if (model.functions_size() == 0) return;
  for (const proto::FunctionProto& body : model.functions()) {
    if (is_overloaded(body, 13))
      source_.fail(fmt::format("{} is an overload, which is not supported", description_of(body)));
    Function function{&body, opsets, defaults_of(body, source_)};
    add_opsets(body.opset_import(), description_of(body), function.opsets);
    if (!functions_.emplace(std::pair(domain_of(body.domain()), body.name()), std::move(function)).second)
      source_.fail(fmt::format("{} is defined twice", description_of(body)));
  }
  collect_names(model.graph());
}

void ModelReader::collect_names(const proto::GraphProto& graph) {
  for (const auto& input : graph.input()) taken_.insert(input.name());
  for (const auto& tensor : graph.initializer()) taken_.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) taken_.insert(tensor.values().name());
  for (const proto::NodeProto& node : graph.node()) {
    taken_.insert(node.input().begin(), node.input().end());
    taken_.insert(node.output().begin(), node.output().end());
    for (const proto::AttributeProto& attribute : node.attribute())
      if (attribute.has_g()) collect_names(attribute.g());
  }
}

ModelReader::Function* ModelReader::find_function(const Node& node) {
  const auto found = functions_.find({node.domain, node.op});
  return found != functions_.end() ? &found->second : nullptr;
}

std::string ModelReader::name_of_value(const std::string& name, Scope& scope) {
  source_.require_utf8(name, "the name of a value");
  if (scope.call == nullptr || name.empty()) return name;
  const auto [entry, added] = scope.names.try_emplace(name);
  if (added) {
    const std::string stem = fmt::format("{}/{}", scope.call->name, name);
    std::string unique = stem;
    while (!taken_.insert(unique).second) unique = fmt::format("{}_{}", stem, ++renamed_);
    source_.spend(memory_of(name) + 2 * memory_of(unique));
    entry->second = std::move(unique);
  }
  return entry->second;
}

void ModelReader::spend(const Node& node) { source_.spend(memory_of(node)); }

void ModelReader::inline_call(Function& function, Node call, std::vector<Node>& to) {
  const Nested nested(*this);
  const proto::FunctionProto& body = *function.body;
  if (function.active) source_.fail(fmt::format("{} calls itself", description_of(body)));
  const auto refuse_count = [&](std::string_view what, std::size_t got, int most) {
    if (got > static_cast<std::size_t>(most))
      source_.fail(
          fmt::format("{} has {} {}, but the function that it calls has {}", call.description(), got, what, most));
  };
  refuse_count("inputs", call.inputs.size(), body.input_size());
  refuse_count("outputs", call.outputs.size(), body.output_size());
  source_.spend(sizeof(Node) * static_cast<std::size_t>(1 + body.input_size() + body.output_size()));

  Scope outside{function.opsets};
  for (const proto::AttributeProto& attribute : function.defaults)
    if (!call.attributes.contains(attribute.name())) add_attribute(attribute, call, outside);
  if (!function.defaults.empty()) spend(call);

  const auto given = std::ranges::find_if(call.outputs, [](const std::string& output) { return !output.empty(); });
  if (call.name.empty()) call.name = given != call.outputs.end() ? *given : call.op;
  Scope scope{function.opsets, &call};
  for (std::size_t i = 0; i < static_cast<std::size_t>(body.input_size()); ++i) {
    const std::string& formal = body.input(static_cast<int>(i));
    if (!scope.names.emplace(formal, i < call.inputs.size() ? call.inputs[i] : "").second)
      source_.fail(fmt::format("{} has two inputs {}", description_of(body), io::in_quotes(formal)));
  }
  std::vector<Node> copies;  // for outputs that are inputs, or other outputs
  for (std::size_t i = 0; i < call.outputs.size(); ++i) {
    const std::string& formal = body.output(static_cast<int>(i));
    if (call.outputs[i].empty()) continue;
    const auto [entry, added] = scope.names.emplace(formal, call.outputs[i]);
    if (added) continue;
    const auto own = function.opsets.find("");
    copies.push_back({.op = "Identity",
                      .domain = "",
                      .name = call.name,
                      .opset = own != function.opsets.end() ? own->second : 1,
                      .inputs = {entry->second},
                      .outputs = {call.outputs[i]},
                      .attributes = {}});
  }
  function.active = true;
  add_nodes(body.node(), to, scope);
  function.active = false;
  std::ranges::move(copies, std::back_inserter(to));
}

}  // namespace wengert::onnx::detail
