// OnnxBuilder: small ONNX models for tests, written with protobuf.
#include "builder.hpp"

#include <algorithm>
#include <fstream>
#include <onnx/onnx_pb.h>
#include <stdexcept>

namespace wengert::testing {

namespace {

using wengert::onnx::ElementType;

void set_port(::onnx::ValueInfoProto& port, const std::string& name, const OnnxBuilder::Names& axes, ElementType type) {
  port.set_name(name);
  auto& tensor = *port.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(static_cast<int>(type));
  auto& shape = *tensor.mutable_shape();
  for (const std::string& axis : axes) {
    auto& dimension = *shape.add_dim();
    if (axis.empty()) continue;
    if (axis.find_first_not_of("0123456789") == std::string::npos)
      dimension.set_dim_value(std::stoll(axis));
    else
      dimension.set_dim_param(axis);
  }
}

template <class A>
void add_initialiser(::onnx::ModelProto& model, const std::string& name, const A& value, ElementType type) {
  auto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int>(type));
  for (const std::size_t extent : value.shape()) tensor.add_dims(static_cast<std::int64_t>(extent));
  tensor.set_raw_data(value.data(), value.size() * sizeof(*value.data()));
}

// Gives an attribute its value and type.
struct SetAttribute {
  ::onnx::AttributeProto& attribute;

  void operator()(std::int64_t value) const {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  void operator()(float value) const {
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(value);
  }
  void operator()(const std::string& value) const {
    attribute.set_type(::onnx::AttributeProto::STRING);
    attribute.set_s(value);
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute.add_ints(value);
  }
  void operator()(const std::vector<float>& values) const {
    attribute.set_type(::onnx::AttributeProto::FLOATS);
    for (const float value : values) attribute.add_floats(value);
  }
};

void import_opset(::onnx::ModelProto& model, const std::string& domain, std::int64_t version) {
  auto& opset = *model.add_opset_import();
  opset.set_domain(domain);
  opset.set_version(version);
}

}  // namespace

struct OnnxBuilder::Message {
  ::onnx::ModelProto model;
};

OnnxBuilder::OnnxBuilder(std::int64_t opset) : message_(std::make_unique<Message>()) {
  message_->model.set_ir_version(8);
  message_->model.mutable_graph()->set_name("graph");
  import_opset(message_->model, "", opset);
}
OnnxBuilder::~OnnxBuilder() = default;

OnnxBuilder& OnnxBuilder::input(const std::string& name, const Names& axes, ElementType type) {
  set_port(*message_->model.mutable_graph()->add_input(), name, axes, type);
  return *this;
}
OnnxBuilder& OnnxBuilder::output(const std::string& name, const Names& axes, ElementType type) {
  set_port(*message_->model.mutable_graph()->add_output(), name, axes, type);
  return *this;
}

OnnxBuilder& OnnxBuilder::initialiser(const std::string& name, const Tensor<float>& value) {
  add_initialiser(message_->model, name, value, ElementType::float32);
  return *this;
}
OnnxBuilder& OnnxBuilder::initialiser(const std::string& name, const Tensor<double>& value) {
  add_initialiser(message_->model, name, value, ElementType::float64);
  return *this;
}
OnnxBuilder& OnnxBuilder::initialiser(const std::string& name, const Indices& value) {
  add_initialiser(message_->model, name, value, ElementType::int64);
  return *this;
}

OnnxBuilder& OnnxBuilder::node(const std::string& op, const Names& inputs, const Names& outputs,
                               const Attributes& attributes, const std::string& domain) {
  auto& node = *message_->model.mutable_graph()->add_node();
  node.set_name(outputs.front() + "_node");
  node.set_op_type(op);
  node.set_domain(domain);
  for (const std::string& name : inputs) node.add_input(name);
  for (const std::string& name : outputs) node.add_output(name);
  for (const auto& [name, value] : attributes) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    std::visit(SetAttribute{attribute}, value);
  }
  const auto& opsets = message_->model.opset_import();
  if (std::none_of(opsets.begin(), opsets.end(), [&](const auto& opset) { return opset.domain() == domain; }))
    import_opset(message_->model, domain, 1);
  return *this;
}

OnnxBuilder& OnnxBuilder::metadata(const std::string& key, const std::string& value) {
  auto& entry = *message_->model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
  return *this;
}

std::string OnnxBuilder::bytes() const { return message_->model.SerializeAsString(); }

std::filesystem::path OnnxBuilder::save(const std::filesystem::path& path) const {
  std::ofstream file(path, std::ios::binary);
  if (!message_->model.SerializeToOstream(&file)) throw std::runtime_error("cannot write " + path.string());
  return path;
}

}  // namespace wengert::testing
