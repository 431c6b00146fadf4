// read_model: parses an ONNX file and converts its messages.
#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include "io/plain_file.hpp"
#include "onnx/model_reader.hpp"

#include <algorithm>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <limits>
#include <memory>
#include <unordered_set>

#include <fmt/format.h>

namespace wengert::onnx::detail {

using io::in_quotes;

std::vector<TensorData> ModelReader::initialisers(Repeated<proto::TensorProto> dense,
                                                  const Repeated<proto::SparseTensorProto>& sparse, Scope& scope) {
  std::vector<TensorData> result;
  for (proto::TensorProto& tensor : dense) {
    const std::string what = "initialiser " + in_quotes(tensor.name());
    result.push_back(read_tensor(std::move(tensor), what, source_));
  }
  for (const proto::SparseTensorProto& tensor : sparse)
    result.push_back(read_sparse_tensor(tensor, "initialiser " + in_quotes(tensor.values().name()), source_));
  for (TensorData& tensor : result) tensor.name = name_of_value(tensor.name, scope);
  return result;
}

Port ModelReader::port(const proto::ValueInfoProto& from, Scope& scope) {
  Port result{.name = name_of_value(from.name(), scope), .type = ElementType::undefined, .shape = std::nullopt};
  if (!from.type().has_tensor_type()) return result;  // a sequence or the like, which no op that is supported takes
  const auto& type = from.type().tensor_type();
  if (type.elem_type() > 0 && type.elem_type() <= static_cast<int>(ElementType::bfloat16))
    result.type = static_cast<ElementType>(type.elem_type());
  if (!type.has_shape()) return result;
  result.shape.emplace();
  for (const auto& from_axis : type.shape().dim()) {
    source_.require_utf8(from_axis.dim_param(), "the name of an axis");
    Dimension axis{.extent = std::nullopt, .name = from_axis.dim_param()};
    // Some exporters write −1 for an axis of any extent.
    if (from_axis.has_dim_value() && from_axis.dim_value() >= 0)
      axis.extent = static_cast<std::size_t>(from_axis.dim_value());
    result.shape->push_back(std::move(axis));
  }
  return result;
}

Graph ModelReader::graph(const proto::GraphProto& from, std::vector<TensorData> initialisers, Scope& scope) {
  Graph result;
  result.name = from.name();
  result.initialisers = std::move(initialisers);
  std::unordered_set<std::string_view> initialised;
  for (const TensorData& tensor : result.initialisers) initialised.insert(tensor.name);
  for (const auto& input : from.input())
    if (Port read = port(input, scope); !initialised.contains(read.name)) result.inputs.push_back(std::move(read));
  add_nodes(from.node(), result.nodes, scope);
  for (const auto& output : from.output()) result.outputs.push_back(port(output, scope));
  return result;
}

void ModelReader::add_nodes(const Repeated<proto::NodeProto>& from, std::vector<Node>& to, Scope& scope) {
  for (const proto::NodeProto& message : from) {
    Node read = node(message, scope);
    if (scope.call != nullptr) spend(read);
    if (Function* function = find_function(read))
      inline_call(*function, std::move(read), to);
    else
      to.push_back(std::move(read));
  }
}

Node ModelReader::node(const proto::NodeProto& from, Scope& scope) {
  Node result;
  result.op = from.op_type();
  result.domain = domain_of(from.domain());
  source_.require_utf8(from.name(), "the name of a node");
  result.name = from.name();
  if (scope.call != nullptr && !from.name().empty()) result.name = fmt::format("{}/{}", scope.call->name, from.name());
  for (const std::string& input : from.input()) result.inputs.push_back(name_of_value(input, scope));
  for (const std::string& output : from.output()) result.outputs.push_back(name_of_value(output, scope));
  if (const auto opset = scope.opsets.find(result.domain); opset != scope.opsets.end()) result.opset = opset->second;
  if (result.op.empty()) source_.fail(fmt::format("{}: it names no op", result.description()));
  if (result.opset == 0 && find_function(result) == nullptr)
    source_.fail(fmt::format("{}: the model imports no opset of its domain {}", result.description(),
                             in_quotes(result.domain.empty() ? "ai.onnx" : result.domain)));
  refuse_overload(from, result);
  for (const proto::AttributeProto& message : from.attribute()) add_attribute(message, result, scope);
  return result;
}

void ModelReader::add_attribute(const proto::AttributeProto& from, Node& node, Scope& scope) {
  std::optional<Attribute> read;
  if (!from.ref_attr_name().empty()) {
    if (scope.call == nullptr)
      source_.fail(fmt::format("{}: attribute {} refers to an attribute of a function, but stands in none",
                               node.description(), in_quotes(from.name())));
    const auto given = scope.call->attributes.find(from.ref_attr_name());
    if (given != scope.call->attributes.end()) read = given->second;
  } else {
    read = attribute(from, node, scope);
  }
  if (read && !node.attributes.emplace(from.name(), std::move(*read)).second)
    source_.fail(fmt::format("{}: attribute {} is given twice", node.description(), in_quotes(from.name())));
}

namespace {

// The first versions of ONNX did not store the type.
proto::AttributeProto::AttributeType type_of(const proto::AttributeProto& attribute) {
  using proto::AttributeProto;
  if (attribute.type() != AttributeProto::UNDEFINED) return attribute.type();
  if (attribute.has_f()) return AttributeProto::FLOAT;
  if (attribute.has_i()) return AttributeProto::INT;
  if (attribute.has_s()) return AttributeProto::STRING;
  if (attribute.has_t()) return AttributeProto::TENSOR;
  if (attribute.has_g()) return AttributeProto::GRAPH;
  if (attribute.floats_size() > 0) return AttributeProto::FLOATS;
  if (attribute.strings_size() > 0) return AttributeProto::STRINGS;
  if (attribute.tensors_size() > 0) return AttributeProto::TENSORS;
  return AttributeProto::INTS;
}

template <class To, class Field>
std::vector<To> elements_of(const Field& field) {
  return {field.begin(), field.end()};
}

}  // namespace

std::optional<Attribute> ModelReader::attribute(const proto::AttributeProto& from, const Node& node, Scope& scope) {
  const std::string what = fmt::format("{}: attribute {}", node.description(), in_quotes(from.name()));
  std::vector<TensorData> tensors;
  switch (type_of(from)) {
    case proto::AttributeProto::FLOAT:
      return static_cast<double>(from.f());
    case proto::AttributeProto::INT:
      return std::int64_t{from.i()};
    case proto::AttributeProto::STRING:
      return from.s();
    case proto::AttributeProto::TENSOR:
      return read_tensor(from.t(), what, source_);
    case proto::AttributeProto::SPARSE_TENSOR:
      return read_sparse_tensor(from.sparse_tensor(), what, source_);
    case proto::AttributeProto::GRAPH: {
      const Nested nested(*this);
      auto given = initialisers(from.g().initializer(), from.g().sparse_initializer(), scope);
      return std::make_shared<const Graph>(graph(from.g(), std::move(given), scope));
    }
    case proto::AttributeProto::FLOATS:
      return elements_of<double>(from.floats());
    case proto::AttributeProto::INTS:
      return elements_of<std::int64_t>(from.ints());
    case proto::AttributeProto::STRINGS:
      return elements_of<std::string>(from.strings());
    case proto::AttributeProto::TENSORS:
      for (const auto& tensor : from.tensors()) tensors.push_back(read_tensor(tensor, what, source_));
      return tensors;
    case proto::AttributeProto::SPARSE_TENSORS:
      for (const auto& tensor : from.sparse_tensors()) tensors.push_back(read_sparse_tensor(tensor, what, source_));
      return tensors;
    case proto::AttributeProto::GRAPHS:
      source_.fail(what + " is a list of graphs, which is not supported");
    default:
      return std::nullopt;  // types, which only ops of optional values have
  }
}

void ModelReader::add_opsets(const Repeated<proto::OperatorSetIdProto>& from, const std::string& of, Opsets& to) const {
  for (const auto& opset : from) {
    if (opset.version() < 1)
      source_.fail(fmt::format("{} imports version {} of opset {}: expected at least 1", of, opset.version(),
                               in_quotes(opset.domain().empty() ? "ai.onnx" : opset.domain())));
    to.insert_or_assign(domain_of(opset.domain()), opset.version());
  }
}

ModelFile ModelReader::read(proto::ModelProto model) {
  ModelFile result;
  if (!model.has_graph()) source_.fail("has no graph: expected an ONNX model");
  if (model.opset_import_size() == 0) source_.fail("imports no opset: expected a model with opset_import");
  result.ir_version = model.ir_version();
  add_opsets(model.opset_import(), "the model", result.opsets);
  for (const auto& entry : model.metadata_props()) result.metadata[entry.key()] = entry.value();
  for (const auto& [key, value] : {std::pair("producer_name", &model.producer_name()),
                                   {"producer_version", &model.producer_version()},
                                   {"domain", &model.domain()},
                                   {"doc_string", &model.doc_string()}})
    if (!value->empty()) result.metadata[key] = *value;
  for (const auto& [key, text] : result.metadata) {
    source_.require_utf8(key, "a key of the metadata");
    source_.require_utf8(text, fmt::format("the metadata under {}", in_quotes(key)));
  }
  if (const auto listed = result.metadata.find(buffers_key); listed != result.metadata.end()) try {
      result.buffers = names_of_json(listed->second);
    } catch (const ValueError&) {
      source_.fail(fmt::format("metadata {}: expected a JSON list of names", in_quotes(buffers_key)));
    }
  add_functions(model, result.opsets);
  Scope scope{result.opsets};
  Repeated<proto::TensorProto> dense;  // taken from the model, so that its bytes are not copied
  dense.Swap(model.mutable_graph()->mutable_initializer());
  auto given = initialisers(std::move(dense), model.graph().sparse_initializer(), scope);
  result.graph = graph(model.graph(), std::move(given), scope);
  if (result.graph.outputs.empty()) source_.fail("its graph has no outputs");
  check_names(result.graph, source_);
  return result;
}

namespace {

proto::ModelProto message_of(std::string_view bytes, const Source& source) {
  const google::protobuf::LogSilencer silencer;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    source.fail(
        fmt::format("has {} bytes: protobuf reads at most 2 GiB; store the weights as external data", bytes.size()));
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  // Each body is three messages deeper than its node.
  constexpr int deepest = 64 * 3 + 16;
  stream.SetRecursionLimit(deepest);
  proto::ModelProto model;
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    source.fail("is damaged or no ONNX model: its protobuf message cannot be parsed");
  return model;
}

}  // namespace

ModelFile read_model(const std::filesystem::path& path, const Location& where) {
  return located("onnx::load", where, [&] {
    io::PlainFile file("onnx::load", path);
    std::vector<std::uint8_t> bytes = file.read_all();
    Source source(file.label(), bytes.size(), path.parent_path());
    proto::ModelProto model = message_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source);
    bytes = {};  // the message has its own copy
    return ModelReader(source).read(std::move(model));
  });
}

ModelFile parse_model(std::string_view bytes, const std::string& subject, const std::filesystem::path& folder,
                      const Location& where) {
  return located("onnx::load", where, [&] {
    Source source(subject, bytes.size(), folder);
    return ModelReader(source).read(message_of(bytes, source));
  });
}

}  // namespace wengert::onnx::detail
