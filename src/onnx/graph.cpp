// TensorData, Node and ElementType: conversion to numbers, and their names in messages.
#include "onnx/graph.hpp"

#include "io/elements.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace wengert::onnx {

std::string_view name_of(ElementType type) {
  constexpr std::array<std::string_view, 17> names{
      "undefined", "float",   "uint8",  "int8",   "uint16", "int16",     "int32",      "int64",   "string",
      "bool",      "float16", "double", "uint32", "uint64", "complex64", "complex128", "bfloat16"};
  const auto number = static_cast<std::size_t>(type);
  return number < names.size() ? names[number] : "unknown";
}

namespace detail {
namespace {

std::optional<io::ElementType> stored_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return io::ElementType::f32;
    case ElementType::float64:
      return io::ElementType::f64;
    case ElementType::float16:
      return io::ElementType::f16;
    case ElementType::bfloat16:
      return io::ElementType::bf16;
    case ElementType::int8:
      return io::ElementType::i8;
    case ElementType::int16:
      return io::ElementType::i16;
    case ElementType::int32:
      return io::ElementType::i32;
    case ElementType::int64:
      return io::ElementType::i64;
    case ElementType::uint8:
      return io::ElementType::u8;
    case ElementType::uint16:
      return io::ElementType::u16;
    case ElementType::uint32:
      return io::ElementType::u32;
    case ElementType::uint64:
      return io::ElementType::u64;
    case ElementType::boolean:
      return io::ElementType::boolean;
    default:
      return std::nullopt;
  }
}

std::span<const std::uint8_t> stored_bytes(const TensorData& tensor) {
  return {reinterpret_cast<const std::uint8_t*>(tensor.bytes.data()), tensor.bytes.size()};
}

[[noreturn]] void refuse_type(const TensorData& tensor, std::string_view expected) {
  throw ValueError("onnx::load", fmt::format("tensor {} has elements of type {}: expected {}",
                                             io::in_quotes(tensor.name), name_of(tensor.type), expected));
}

}  // namespace

Indices TensorData::integers() const {
  if (!is_integral(type)) refuse_type(*this, "integers or truth values");
  auto result = Indices::from_shape(xt::dynamic_shape<std::size_t>(shape));
  if (type == ElementType::uint64) {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    for (std::size_t i = 0; i < result.size(); ++i) {
      std::uint64_t element = 0;
      std::memcpy(&element, bytes.data() + i * sizeof element, sizeof element);
      if (element > largest)
        throw ValueError("onnx::load", fmt::format("tensor {} holds {}: expected at most {}, the largest int64",
                                                   io::in_quotes(name), element, largest));
      result.data()[i] = static_cast<std::int64_t>(element);
    }
  } else {
    io::convert_elements(*stored_type(type), stored_bytes(*this), result.data());
  }
  return result;
}

template <class T>
Tensor<T> TensorData::numbers() const {
  const std::optional<io::ElementType> stored = stored_type(type);
  if (!stored) refuse_type(*this, "real numbers, integers or truth values");
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  io::convert_elements(*stored, stored_bytes(*this), result.data());
  return result;
}
template Tensor<float> TensorData::numbers() const;
template Tensor<double> TensorData::numbers() const;

std::string Node::description() const {
  constexpr std::size_t longest = 200;  // exporters join the names of modules
  std::string shown = "node ";
  const auto given = std::ranges::find_if(outputs, [](const std::string& output) { return !output.empty(); });
  if (!name.empty())
    shown += io::in_quotes_up_to(longest, name) + " ";
  else if (given != outputs.end())
    shown += io::in_quotes_up_to(longest, *given) + " ";
  const std::string op_name = io::in_quotes_up_to(longest, domain + (domain.empty() ? "" : ".") + op);
  return fmt::format("{}({}, opset {})", shown, op_name.substr(1, op_name.size() - 2), opset);
}

// ---- lists of names

namespace {

class NameList final : public io::JsonReceiver {
 public:
  std::set<std::string> names;

  void begin_array() override {
    if (std::exchange(open_, true)) refuse();
  }
  void end_array() override {}
  void string(std::string text) override {
    if (!open_) refuse();
    names.insert(std::move(text));
  }
  void begin_object() override { refuse(); }
  void key(std::string) override { refuse(); }
  void end_object() override { refuse(); }
  void integer(std::uint64_t) override { refuse(); }
  void other(std::string_view) override { refuse(); }
  void fault(std::string_view, std::size_t) override { refuse(); }

 private:
  [[noreturn]] static void refuse() { throw ValueError("onnx", "expected a JSON list of names"); }

  bool open_ = false;
};

}  // namespace

std::string json_of_names(const std::vector<std::string>& names) {
  io::JsonWriter list;
  list.begin_array();
  for (const std::string& name : names) list.string(name);
  return list.end_array().text();
}

std::set<std::string> names_of_json(std::string_view text) {
  NameList list;
  io::parse_json(text, list);
  return std::move(list.names);
}

}  // namespace detail
}  // namespace wengert::onnx
