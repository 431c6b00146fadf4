// ModelReader: converts the protobuf messages of a model, and inlines its functions.
#pragma once

#include "onnx/read_tensor.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace wengert::onnx::detail {

class ModelReader {
 public:
  explicit ModelReader(Source& source) : source_(source) {}

  ModelFile read(proto::ModelProto model);

 private:
  using Opsets = std::map<std::string, std::int64_t, std::less<>>;
  template <class Message>
  using Repeated = google::protobuf::RepeatedPtrField<Message>;

  struct Function {
    const proto::FunctionProto* body = nullptr;
    Opsets opsets;
    std::vector<proto::AttributeProto> defaults{};  // of attributes that a call leaves out
    bool active = false;                            // being inlined
  };
  // What names mean where nodes stand. In the body of a function, `call` is the node that it replaces.
  struct Scope {
    const Opsets& opsets;
    const Node* call = nullptr;
    std::map<std::string, std::string> names{};  // of values: the function's to those of the graph
  };
  class Nested;

  // ---- read_model.cpp
  std::vector<TensorData> initialisers(Repeated<proto::TensorProto> dense,
                                       const Repeated<proto::SparseTensorProto>& sparse, Scope& scope);
  Graph graph(const proto::GraphProto& from, std::vector<TensorData> initialisers, Scope& scope);
  Port port(const proto::ValueInfoProto& from, Scope& scope);
  Node node(const proto::NodeProto& from, Scope& scope);
  void add_attribute(const proto::AttributeProto& from, Node& node, Scope& scope);
  std::optional<Attribute> attribute(const proto::AttributeProto& from, const Node& node, Scope& scope);
  void add_nodes(const Repeated<proto::NodeProto>& from, std::vector<Node>& to, Scope& scope);
  void add_opsets(const Repeated<proto::OperatorSetIdProto>& from, const std::string& of, Opsets& to) const;

  // ---- inline_functions.cpp
  void add_functions(const proto::ModelProto& model, const Opsets& opsets);
  Function* find_function(const Node& node);
  /// Throws if a node calls an overload of a function.
  void refuse_overload(const proto::NodeProto& from, const Node& node) const;
  /// Adds the nodes of the function in place of the call.
  void inline_call(Function& function, Node call, std::vector<Node>& to);
  /// Accounts for the memory of a node of a function.
  void spend(const Node& node);
  /// The name in the graph of a value.
  std::string name_of_value(const std::string& name, Scope& scope);
  void collect_names(const proto::GraphProto& graph);

  Source& source_;
  std::map<std::pair<std::string, std::string>, Function> functions_;  // by domain and name
  std::unordered_set<std::string> taken_;                              // names of values, if the model has functions
  std::size_t renamed_ = 0, depth_ = 0;
};

/// Counts how deeply bodies and calls are nested.
class ModelReader::Nested {
 public:
  explicit Nested(ModelReader& reader) : reader_(reader) {
    constexpr std::size_t deepest = 64;
    if (reader.depth_ >= deepest) reader.source_.fail("bodies and calls of functions are nested more than 64 deep");
    ++reader.depth_;
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
  ~Nested() { --reader_.depth_; }

 private:
  ModelReader& reader_;
};

/// ONNX's own domain has two names.
inline std::string domain_of(const std::string& name) { return name == "ai.onnx" ? "" : name; }
/// The contents of a field that the protobuf classes may be too old to know: messages, or texts.
std::vector<std::string> unknown_fields_of(const google::protobuf::UnknownFieldSet& fields, int number);
/// How messages name a function.
std::string description_of(const proto::FunctionProto& function);

}  // namespace wengert::onnx::detail
