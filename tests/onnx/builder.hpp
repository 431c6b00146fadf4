// OnnxBuilder: small ONNX models for tests, written with protobuf.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/onnx/element_type.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace wengert::testing {

/// Builds a model node by node; functions that add something return the builder.
class OnnxBuilder {
 public:
  /// An attribute: an integer, a number, a text, or a list of integers or numbers.
  using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;
  using Attributes = std::map<std::string, Attribute>;
  using Names = std::vector<std::string>;

  /// A model that imports this version of ONNX's ops.
  explicit OnnxBuilder(std::int64_t opset = 17);
  ~OnnxBuilder();
  OnnxBuilder(const OnnxBuilder&) = delete;
  OnnxBuilder& operator=(const OnnxBuilder&) = delete;

  /// An input or output; an axis is an extent ("3"), a name ("batch"), or unknown ("").
  ///@{
  OnnxBuilder& input(const std::string& name, const Names& axes, onnx::ElementType type = onnx::ElementType::float32);
  OnnxBuilder& output(const std::string& name, const Names& axes, onnx::ElementType type = onnx::ElementType::float32);
  ///@}
  /// An initialiser: floats, doubles or int64s.
  ///@{
  OnnxBuilder& initialiser(const std::string& name, const Tensor<float>& value);
  OnnxBuilder& initialiser(const std::string& name, const Tensor<double>& value);
  OnnxBuilder& initialiser(const std::string& name, const Indices& value);
  ///@}
  /// A node, which is named after its first output with "_node" appended.
  OnnxBuilder& node(const std::string& op, const Names& inputs, const Names& outputs, const Attributes& attributes = {},
                    const std::string& domain = "");
  /// An entry of the metadata.
  OnnxBuilder& metadata(const std::string& key, const std::string& value);

  /// The content of the file.
  std::string bytes() const;
  /// Writes the file and returns its path.
  std::filesystem::path save(const std::filesystem::path& path) const;

 private:
  struct Message;  // protobuf's headers are not included here: their namespace is called onnx, too
  std::unique_ptr<Message> message_;
};

}  // namespace wengert::testing
