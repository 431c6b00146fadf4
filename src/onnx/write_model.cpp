// write_model: converts the content of an ONNX file to messages and writes them.
#include "onnx/write_model.hpp"

#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"
#include "io/output_file.hpp"

#include <cmath>
#include <limits>
#include <onnx/onnx_pb.h>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace proto = ::onnx;
using io::in_quotes;

namespace {

// Shape inference reads small tensors, such as shapes, from the file itself.
constexpr std::size_t smallest_outside = 1024;
// The format recommends it, so that external data can be mapped into memory.
constexpr std::size_t page = 4096;

// A file beside the model for the bytes of its initialisers.
class ExternalData {
 public:
  explicit ExternalData(const std::filesystem::path& model)
      : location_(model.filename().string() + ".data"), file_("onnx::save", model.string() + ".data") {}

  void add(const std::string& bytes, proto::TensorProto& to) {
    const std::size_t padding = (page - size_ % page) % page;
    file_.write(std::string(padding, '\0'));
    file_.write(bytes);
    const std::size_t offset = size_ + padding;
    size_ = offset + bytes.size();
    to.set_data_location(proto::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair<std::string_view, std::string>("location", location_),
                                     {"offset", std::to_string(offset)},
                                     {"length", std::to_string(bytes.size())}}) {
      proto::StringStringEntryProto& entry = *to.add_external_data();
      entry.set_key(key.data(), key.size());
      entry.set_value(value);
    }
  }
  void finish() { file_.finish(); }

 private:
  std::string location_;
  io::OutputFile file_;
  std::size_t size_ = 0;
};

void set_header(const TensorData& tensor, proto::TensorProto& to) {
  if (tensor.type == ElementType::undefined || tensor.type == ElementType::string)
    throw ValueError("onnx::save", fmt::format("tensor {} has elements of type {}: expected numbers, integers or truth "
                                               "values",
                                               in_quotes(tensor.name), name_of(tensor.type)));
  if (!tensor.name.empty()) to.set_name(tensor.name);
  to.set_data_type(static_cast<int>(tensor.type));
  for (const std::size_t extent : tensor.shape) to.add_dims(static_cast<std::int64_t>(extent));
}

void write_tensor(const TensorData& tensor, proto::TensorProto& to) {
  set_header(tensor, to);
  if (!tensor.bytes.empty())
    to.set_raw_data(tensor.bytes);  // the format forbids the field in a tensor without elements
}

void write_port(const Port& port, proto::ValueInfoProto& to) {
  to.set_name(port.name);
  if (port.type == ElementType::undefined && !port.shape) return;
  proto::TypeProto::Tensor& type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(static_cast<int>(port.type));
  if (!port.shape) return;
  proto::TensorShapeProto& shape = *type.mutable_shape();
  for (const Dimension& dimension : *port.shape) {
    proto::TensorShapeProto::Dimension& axis = *shape.add_dim();
    if (dimension.extent)
      axis.set_dim_value(static_cast<std::int64_t>(*dimension.extent));
    else if (!dimension.name.empty())
      axis.set_dim_param(dimension.name);
  }
}

// The attribute as a float, which is all that the format has.
float as_float(double number, const proto::AttributeProto& attribute) {
  if (std::isfinite(number) && std::fabs(number) > static_cast<double>(std::numeric_limits<float>::max()))
    throw ValueError("onnx::save", fmt::format("attribute {} is {}: expected a number that a float can hold",
                                               in_quotes(attribute.name()), number));
  return static_cast<float>(number);
}

class ModelWriter {
 public:
  // Large initialisers go to `outside`, unless it is null.
  explicit ModelWriter(ExternalData* outside = nullptr) : outside_(outside) {}

  proto::ModelProto model(const ModelFile& file) {
    proto::ModelProto to;
    to.set_ir_version(8);
    to.set_producer_name("wengert");
    for (const auto& [key, value] : file.metadata) {
      if (key == "producer_name") {
        to.set_producer_name(value);
      } else if (key == "producer_version") {
        to.set_producer_version(value);
      } else if (key == "domain") {
        to.set_domain(value);
      } else if (key == "doc_string") {
        to.set_doc_string(value);
      } else {
        proto::StringStringEntryProto& entry = *to.add_metadata_props();
        entry.set_key(key);
        entry.set_value(value);
      }
    }
    for (const auto& [domain, version] : file.opsets) {
      proto::OperatorSetIdProto& opset = *to.add_opset_import();
      opset.set_domain(domain);
      opset.set_version(version);
    }
    write(file.graph, *to.mutable_graph());
    return to;
  }

 private:
  void write(const Graph& graph, proto::GraphProto& to) {
    to.set_name(graph.name);
    for (const Node& node : graph.nodes) write(node, *to.add_node());
    for (const TensorData& tensor : graph.initialisers) write_initialiser(tensor, *to.add_initializer());
    for (const Port& input : graph.inputs) write_port(input, *to.add_input());
    for (const Port& output : graph.outputs) write_port(output, *to.add_output());
  }
  void write(const Node& node, proto::NodeProto& to) {
    to.set_op_type(node.op);
    if (!node.domain.empty()) to.set_domain(node.domain);
    if (!node.name.empty()) to.set_name(node.name);
    for (const std::string& input : node.inputs) to.add_input(input);
    for (const std::string& output : node.outputs) to.add_output(output);
    for (const auto& [name, attribute] : node.attributes) {
      proto::AttributeProto& message = *to.add_attribute();
      message.set_name(name);
      std::visit([&](const auto& value) { set(value, message); }, attribute);
    }
  }
  void write_initialiser(const TensorData& tensor, proto::TensorProto& to) {
    if (outside_ == nullptr || tensor.bytes.size() < smallest_outside) return write_tensor(tensor, to);
    set_header(tensor, to);
    outside_->add(tensor.bytes, to);
  }

  void set(std::int64_t value, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::INT);
    to.set_i(value);
  }
  void set(double value, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::FLOAT);
    to.set_f(as_float(value, to));
  }
  void set(const std::string& value, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::STRING);
    to.set_s(value);
  }
  void set(const TensorData& value, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::TENSOR);
    write_tensor(value, *to.mutable_t());
  }
  void set(const std::shared_ptr<const Graph>& value, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::GRAPH);
    write(*value, *to.mutable_g());
  }
  void set(const std::vector<std::int64_t>& values, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::INTS);
    for (const std::int64_t value : values) to.add_ints(value);
  }
  void set(const std::vector<double>& values, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::FLOATS);
    for (const double value : values) to.add_floats(as_float(value, to));
  }
  void set(const std::vector<std::string>& values, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::STRINGS);
    for (const std::string& value : values) to.add_strings(value);
  }
  void set(const std::vector<TensorData>& values, proto::AttributeProto& to) {
    to.set_type(proto::AttributeProto::TENSORS);
    for (const TensorData& value : values) write_tensor(value, *to.add_tensors());
  }

  ExternalData* outside_;
};

std::string bytes_of(const proto::ModelProto& model) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  if (const std::size_t size = model.ByteSizeLong(); size > most)
    throw FileError("onnx::save", fmt::format("the model takes {} bytes: a protobuf message holds at most {}; large "
                                              "tensors must be initialisers of a model that is saved to a file, which "
                                              "are stored beside it",
                                              size, most));
  std::string bytes;
  model.SerializeToString(&bytes);
  return bytes;
}

std::size_t initialiser_bytes(const Graph& graph) {
  std::size_t bytes = 0;
  for (const TensorData& tensor : graph.initialisers) bytes += tensor.bytes.size();
  for (const Node& node : graph.nodes)
    for (const auto& [name, attribute] : node.attributes)
      if (const auto* const body = std::get_if<std::shared_ptr<const Graph>>(&attribute); body != nullptr)
        bytes += initialiser_bytes(**body);
  return bytes;
}

}  // namespace

void require_utf8(std::string_view text, std::string_view what, std::string_view caller, const Location& where) {
  if (!io::is_utf8(text))
    throw ValueError(caller, fmt::format("{}, {}, is not UTF-8: convert the text", what, in_quotes(text)), where);
}

std::string serialise(const ModelFile& file) { return bytes_of(ModelWriter().model(file)); }

void write_model(const ModelFile& file, const std::filesystem::path& path, const Location& where,
                 std::size_t most_inside) {
  located("onnx::save", where, [&] {
    std::optional<ExternalData> outside;
    if (initialiser_bytes(file.graph) > most_inside) {
      require_utf8(path.filename().string(), "the name of the file, which is that of its external data", "onnx::save",
                   where);
      outside.emplace(path);
    }
    const std::string bytes = bytes_of(ModelWriter(outside ? &*outside : nullptr).model(file));
    io::OutputFile model("onnx::save", path);
    model.write(bytes);
    if (outside) outside->finish();
    model.finish();
  });
}

}  // namespace wengert::onnx::detail
