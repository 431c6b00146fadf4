// ElementType: the types of the elements of ONNX tensors.
#pragma once

#include <string_view>
#include <type_traits>

namespace wengert::onnx {

/// The type of a tensor's elements, with ONNX's numbers (TensorProto.DataType).
enum class ElementType : int {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
};

/// ONNX's name of a type: `float`, `int64`, `bool` …
std::string_view name_of(ElementType type);
/// Whether elements are floating-point numbers of any width.
constexpr bool is_floating(ElementType type) {
  return type == ElementType::float32 || type == ElementType::float64 || type == ElementType::float16 ||
         type == ElementType::bfloat16;
}
/// Whether elements are integers or truth values.
constexpr bool is_integral(ElementType type) {
  return (type >= ElementType::uint8 && type <= ElementType::int64) || type == ElementType::boolean ||
         type == ElementType::uint32 || type == ElementType::uint64;
}
/// The type of the elements of a Tensor<T>.
template <class T>
inline constexpr ElementType element_type = std::is_same_v<T, double> ? ElementType::float64 : ElementType::float32;

}  // namespace wengert::onnx
