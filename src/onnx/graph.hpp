// The content of an ONNX file, free of protobuf: graphs, nodes, attributes, tensors.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/onnx/element_type.hpp>
#include <wengert/onnx/model.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wengert::onnx::detail {

/// A tensor as it is stored: row-major elements of `type`, little-endian, without padding; one byte for a bool.
struct TensorData {
  std::string name;
  ElementType type = ElementType::undefined;
  Shape shape;
  std::string bytes;

  friend bool operator==(const TensorData&, const TensorData&) = default;
  /// The elements as integers; throws Error for other types.
  Indices integers() const;
  /// The elements rounded to T; integers and truth values are converted.
  template <class T>
  Tensor<T> numbers() const;
};

struct Graph;

using Attribute =
    std::variant<std::int64_t, double, std::string, TensorData, std::shared_ptr<const Graph>, std::vector<std::int64_t>,
                 std::vector<double>, std::vector<std::string>, std::vector<TensorData>>;

/// An application of an op. An empty name among inputs or outputs stands for one that is left out.
struct Node {
  std::string op, domain, name;
  std::int64_t opset = 0;  // the version of the domain that the model imports
  std::vector<std::string> inputs, outputs;
  std::map<std::string, Attribute, std::less<>> attributes;

  /// "node 'conv1' (Conv, opset 13)" for messages; a node without a name goes by its first output.
  std::string description() const;
};

/// A graph, or the body of an If, Loop or Scan. Nodes are in topological order; names of values are unique.
struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<TensorData> initialisers;
  std::vector<Port> inputs, outputs;  // a graph that was read has no inputs that are initialisers
};

/// A whole file. Functions of the model are inlined: their nodes stand in the graph.
struct ModelFile {
  std::int64_t ir_version = 0;
  std::map<std::string, std::int64_t, std::less<>> opsets;  // version of each domain; "" is ONNX's own
  Graph graph;
  std::map<std::string, std::string> metadata;  // with producer_name, producer_version, domain, doc_string if not empty
  std::set<std::string> buffers{};              // names of initialisers that are Buffers, as the metadata list them
};

/// The key of the metadata under which a JSON list names the initialisers that are Buffers.
inline constexpr const char* buffers_key = "wengert.buffers";
/// A JSON list of names, and its elements. Throws ValueError for any other text.
///@{
std::string json_of_names(const std::vector<std::string>& names);
std::set<std::string> names_of_json(std::string_view text);
///@}

/// Reads a file. Throws FileError if it is missing, damaged, too new (IR above 8 is read as far as its ops allow), or
/// if external data are absent, lie outside of the folder or are shorter than declared. Memory is bounded by the sizes
/// of the file and of its external data.
ModelFile read_model(const std::filesystem::path& path, const Location& where);
/// The same from memory; external data are looked up in `folder`.
ModelFile parse_model(std::string_view bytes, const std::string& subject, const std::filesystem::path& folder,
                      const Location& where);

}  // namespace wengert::onnx::detail
