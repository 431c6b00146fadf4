// The types of elements in files, and their conversion to numbers of the requested type.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace wengert::io {

static_assert(std::endian::native == std::endian::little, "wengert: elements are read and written as stored in memory");

enum class ElementType { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// The size of an element in bytes.
constexpr std::size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::i8:
    case ElementType::u8:
    case ElementType::boolean:
      return 1;
    case ElementType::f16:
    case ElementType::bf16:
    case ElementType::i16:
    case ElementType::u16:
      return 2;
    case ElementType::f32:
    case ElementType::i32:
    case ElementType::u32:
      return 4;
    default:
      return 8;
  }
}

/// NumPy's name of a type, also for bfloat16, which NumPy lacks.
constexpr std::string_view name_of(ElementType type) {
  constexpr std::array<std::string_view, 13> names{"float16", "bfloat16", "float32", "float64", "int8",
                                                   "int16",   "int32",    "int64",   "uint8",   "uint16",
                                                   "uint32",  "uint64",   "bool"};
  return names[static_cast<std::size_t>(type)];
}

/// Whether elements of a type convert to T: any type to a floating-point T, by rounding; to int64, only types whose
/// values all fit.
template <class T>
constexpr bool takes(ElementType type) {
  if constexpr (std::is_floating_point_v<T>) return true;
  switch (type) {
    case ElementType::f16:
    case ElementType::bf16:
    case ElementType::f32:
    case ElementType::f64:
    case ElementType::u64:
      return false;
    default:
      return true;
  }
}

/// Converts IEEE 754 binary16: a sign bit, 5 exponent bits and 10 fraction bits.
inline float from_half(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16, exponent = bits >> 10 & 0x1FU,
                      fraction = bits & 0x3FFU;
  constexpr std::uint32_t rebias = 127 - 15;
  if (exponent == 0) {  // zero or subnormal
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 0x1F ? 0xFFU : exponent + rebias;
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

/// Converts bfloat16, the upper half of a float.
inline float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

namespace detail {

template <class Stored, class T, class Convert>
void convert_each(std::span<const std::uint8_t> bytes, T* out, Convert convert) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
    Stored element;
    std::memcpy(&element, bytes.data() + at, sizeof(Stored));
    *out++ = static_cast<T>(convert(element));
  }
}
template <class Stored, class T>
void convert_as(std::span<const std::uint8_t> bytes, T* out) {
  if constexpr (std::is_same_v<Stored, T>)
    std::memcpy(out, bytes.data(), bytes.size());
  else
    convert_each<Stored>(bytes, out, [](Stored element) { return element; });
}

}  // namespace detail

/// Converts the elements in `bytes` to `out`, which must have room for them. Requires `takes<T>(type)`.
template <class T>
void convert_elements(ElementType type, std::span<const std::uint8_t> bytes, T* out) {
  if (bytes.empty()) return;
  // clang-format off
  switch (type) {
    case ElementType::f16: return detail::convert_each<std::uint16_t>(bytes, out, from_half);
    case ElementType::bf16: return detail::convert_each<std::uint16_t>(bytes, out, from_bfloat);
    case ElementType::f32: return detail::convert_as<float>(bytes, out);
    case ElementType::f64: return detail::convert_as<double>(bytes, out);
    case ElementType::i8: return detail::convert_as<std::int8_t>(bytes, out);
    case ElementType::i16: return detail::convert_as<std::int16_t>(bytes, out);
    case ElementType::i32: return detail::convert_as<std::int32_t>(bytes, out);
    case ElementType::i64: return detail::convert_as<std::int64_t>(bytes, out);
    case ElementType::u8: return detail::convert_as<std::uint8_t>(bytes, out);
    case ElementType::u16: return detail::convert_as<std::uint16_t>(bytes, out);
    case ElementType::u32: return detail::convert_as<std::uint32_t>(bytes, out);
    case ElementType::u64: return detail::convert_as<std::uint64_t>(bytes, out);
    case ElementType::boolean:
      return detail::convert_each<std::uint8_t>(bytes, out, [](std::uint8_t byte) { return byte != 0 ? 1 : 0; });
  }
  // clang-format on
}

}  // namespace wengert::io
