// Writes ONNX files for tests, without protobuf: field numbers are those of onnx.proto.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::testing::onnx_file {

/// The bytes of a protobuf message, written field by field.
class Message {
 public:
  /// An integer.
  Message& number(unsigned field, std::int64_t value) {
    varint(field << 3);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  /// A number of 32 bits.
  Message& real(unsigned field, float value) {
    varint(field << 3 | 5);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xFF);
    return *this;
  }
  /// A text, or bytes.
  Message& text(unsigned field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  /// A message.
  Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
  /// The bytes.
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value > 0x7F; value >>= 7) bytes_ += static_cast<char>(0x80 | (value & 0x7F));
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

/// ONNX's numbers of the element types that tests use.
enum Type : std::int64_t {
  float_type = 1,
  uint8_type = 2,
  int8_type = 3,
  int32_type = 6,
  int64_type = 7,
  string_type = 8,
  bool_type = 9,
  half_type = 10,
  double_type = 11,
  uint32_type = 12,
  uint64_type = 13,
  complex64_type = 14,
  bfloat16_type = 16,
};

/// A TensorProto without elements, to which one of the fields that hold them is added.
inline Message tensor(std::string_view name, std::int64_t type, std::initializer_list<std::int64_t> extents) {
  Message result;
  for (const std::int64_t extent : extents) result.number(1, extent);
  return result.number(2, type).text(8, name);
}
/// A TensorProto with raw_data.
template <class T>
Message raw_tensor(std::string_view name, std::int64_t type, std::initializer_list<std::int64_t> extents,
                   const std::vector<T>& elements) {
  return tensor(name, type, extents)
      .text(9, {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)});
}
/// A TensorProto whose elements are in an external file.
inline Message external_tensor(std::string_view name, std::int64_t type, std::initializer_list<std::int64_t> extents,
                               std::initializer_list<std::pair<std::string_view, std::string_view>> entries) {
  Message result = tensor(name, type, extents).number(14, 1);
  for (const auto& [key, value] : entries) result.message(13, Message().text(1, key).text(2, value));
  return result;
}

/// An AttributeProto: one of them, or a reference to an attribute of a function.
///@{
inline Message integer(std::string_view name, std::int64_t value) {
  return Message().text(1, name).number(3, value).number(20, 2);
}
inline Message number(std::string_view name, float value) {
  return Message().text(1, name).real(2, value).number(20, 1);
}
inline Message body(std::string_view name, const Message& graph) {
  return Message().text(1, name).message(6, graph).number(20, 5);
}
inline Message reference(std::string_view name, std::string_view to, std::int64_t type) {
  return Message().text(1, name).text(21, to).number(20, type);
}
///@}

using Names = std::initializer_list<std::string_view>;

/// A NodeProto.
inline Message node(std::string_view op, Names inputs, Names outputs, std::initializer_list<Message> attributes = {},
                    std::string_view domain = "", std::string_view name = "") {
  Message result;
  for (const auto input : inputs) result.text(1, input);
  for (const auto output : outputs) result.text(2, output);
  result.text(4, op);
  if (!name.empty()) result.text(3, name);
  if (!domain.empty()) result.text(7, domain);
  for (const Message& attribute : attributes) result.message(5, attribute);
  return result;
}

/// A GraphProto whose inputs and outputs have elements of type float and no declared shape.
inline Message graph(Names inputs, Names outputs, std::initializer_list<Message> nodes,
                     std::initializer_list<Message> initialisers = {}) {
  const auto port = [](std::string_view name) {
    return Message().text(1, name).message(2, Message().message(1, Message().number(1, float_type)));
  };
  Message result;
  result.text(2, "main");
  for (const auto input : inputs) result.message(11, port(input));
  for (const auto output : outputs) result.message(12, port(output));
  for (const Message& one : nodes) result.message(1, one);
  for (const Message& one : initialisers) result.message(5, one);
  return result;
}

/// An OperatorSetIdProto.
inline Message opset(std::string_view domain, std::int64_t version) {
  return Message().text(1, domain).number(2, version);
}

/// A FunctionProto of the domain "test".
inline Message function(std::string_view name, Names inputs, Names outputs, const std::vector<Message>& nodes) {
  Message result;
  result.text(1, name).text(10, "test").message(9, opset("", 15));
  for (const auto input : inputs) result.text(4, input);
  for (const auto output : outputs) result.text(5, output);
  for (const Message& one : nodes) result.message(7, one);
  return result;
}

/// A ModelProto of IR version 8 that imports opset 17, with functions.
inline Message model(const Message& graph, std::initializer_list<Message> functions = {}) {
  Message result;
  result.number(1, 8).message(7, graph).message(8, opset("", 17));
  for (const Message& one : functions) result.message(25, one);
  return result;
}

}  // namespace wengert::testing::onnx_file
