// Format: numpy.lib.format, versions 1.0 to 3.0.
#include "io/npy.hpp"

#include <wengert/error.hpp>

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

static_assert(std::endian::native == std::endian::little,
              "wengert: .npy files are read and written in the machine's order");

namespace wengert {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

// What stands behind a key of the header, a Python dictionary: `'key': value`.
std::optional<std::string_view> entry(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return std::nullopt;
  header.remove_prefix(at + key.size() + 3);
  while (header.starts_with(' ')) header.remove_prefix(1);
  const char closing = header.starts_with('(') ? ')' : header.starts_with('\'') ? '\'' : ',';
  const std::size_t end = header.find(closing, 1);
  if (end == std::string_view::npos) return std::nullopt;
  return closing == ',' ? header.substr(0, end) : header.substr(1, end - 1);
}

std::optional<std::vector<std::size_t>> parse_shape(std::string_view text) {
  std::vector<std::size_t> shape;
  while (true) {
    while (text.starts_with(' ') || text.starts_with(',')) text.remove_prefix(1);
    if (text.empty()) return shape;
    std::size_t extent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    shape.push_back(extent);
  }
}

template <class Stored, class T>
void convert(std::string_view bytes, T* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<T>(value);
  }
}

template <class T>
struct Reader {
  std::size_t size;
  void (*convert)(std::string_view, T*, std::size_t);
};

template <class T>
std::optional<Reader<T>> reader_of(std::string_view type) {
  if (type.starts_with('<') || type.starts_with('|') || type.starts_with('=')) type.remove_prefix(1);
  if (type == "f4") return Reader<T>{4, convert<float, T>};
  if (type == "f8") return Reader<T>{8, convert<double, T>};
  if (type == "b1" || type == "u1") return Reader<T>{1, convert<std::uint8_t, T>};
  if (type == "i1") return Reader<T>{1, convert<std::int8_t, T>};
  if (type == "i2") return Reader<T>{2, convert<std::int16_t, T>};
  if (type == "u2") return Reader<T>{2, convert<std::uint16_t, T>};
  if (type == "i4") return Reader<T>{4, convert<std::int32_t, T>};
  if (type == "u4") return Reader<T>{4, convert<std::uint32_t, T>};
  if (type == "i8") return Reader<T>{8, convert<std::int64_t, T>};
  if (type == "u8") return Reader<T>{8, convert<std::uint64_t, T>};
  return std::nullopt;
}

}  // namespace

template <class T>
std::string to_npy(const Tensor<T>& tensor) {
  const char* type = sizeof(T) == 4 ? "<f4" : "<f8";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type,
                                   fmt::join(tensor.shape(), ", "), tensor.dimension() == 1 ? "," : "");
  constexpr std::size_t before_header = 10;
  header.append(63 - (before_header + header.size()) % 64, ' ');  // the data begins at a multiple of 64
  header += '\n';
  std::string bytes(magic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(tensor.data()), tensor.size() * sizeof(T));
  return bytes;
}

template <class T>
Tensor<T> from_npy(std::string_view bytes, const std::string& name) {
  const auto refuse = [&](const std::string& reason) { throw FileError("npz", name + ": " + reason); };
  if (!bytes.starts_with(magic) || bytes.size() < 12) refuse("is not an .npy array");
  const auto version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3)
    refuse(fmt::format("has version {} of the .npy format: only 1 to 3 can be read", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= std::size_t{static_cast<unsigned char>(bytes[8 + i])} << (8 * i);
  if (bytes.size() < 8 + length_bytes + length) refuse("ends within its header");
  const std::string_view header = bytes.substr(8 + length_bytes, length);
  const std::string_view data = bytes.substr(8 + length_bytes + length);

  const auto type = entry(header, "descr"), order = entry(header, "fortran_order"), shape_text = entry(header, "shape");
  const auto shape = shape_text ? parse_shape(*shape_text) : std::nullopt;
  if (!type || !shape || (order != "True" && order != "False")) refuse("its header cannot be understood");
  const auto reader = reader_of<T>(*type);
  if (!reader)
    refuse(fmt::format("holds values of type '{}': numbers of at most 8 bytes, little-endian, can be read", *type));
  std::size_t count = 1;
  bool overflow = false;
  for (const std::size_t extent : *shape) overflow |= __builtin_mul_overflow(count, extent, &count);
  if (overflow || count > data.size() / reader->size || count * reader->size != data.size())
    refuse(fmt::format("its header claims shape ({}), but {} bytes follow", fmt::join(*shape, ", "), data.size()));

  const bool fortran = order == "True";
  const std::vector<std::size_t> stored = fortran ? std::vector<std::size_t>(shape->rbegin(), shape->rend()) : *shape;
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(stored.begin(), stored.end()));
  reader->convert(data, result.data(), count);
  return fortran ? Tensor<T>(xt::transpose(result)) : result;
}

template std::string to_npy(const Tensor<float>&);
template std::string to_npy(const Tensor<double>&);
template Tensor<float> from_npy(std::string_view, const std::string&);
template Tensor<double> from_npy(std::string_view, const std::string&);

}  // namespace wengert
