// The .npy format: writes preambles, maps NumPy's types to element types, and reads and saves single arrays.
#include "io/npy.hpp"

#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include "io/npy_header.hpp"
#include "io/output_file.hpp"
#include "io/plain_file.hpp"
#include <wengert/io/npy.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include <fmt/format.h>

namespace wengert::io {
namespace {

constexpr std::string_view npy_magic = "\x93NUMPY";

struct NumpyType {
  std::string_view descr;  // NumPy's name of the type
  ElementType type;
};
constexpr std::array<NumpyType, 12> numpy_types{{
    {"<f2", ElementType::f16},
    {"<f4", ElementType::f32},
    {"<f8", ElementType::f64},
    {"<i8", ElementType::i64},
    {"<i4", ElementType::i32},
    {"<i2", ElementType::i16},
    {"|i1", ElementType::i8},
    {"<u8", ElementType::u64},
    {"<u4", ElementType::u32},
    {"<u2", ElementType::u16},
    {"|u1", ElementType::u8},
    {"|b1", ElementType::boolean},
}};

NpyHeader read_header(ByteSource& source) {
  std::array<std::uint8_t, 8> start{};
  const std::size_t got = source.read(start.data(), start.size());
  if (got < start.size() || std::memcmp(start.data(), npy_magic.data(), npy_magic.size()) != 0)
    source.fail("does not start with the magic string of an .npy array");
  const unsigned version = start[6];
  if (version < 1 || version > 3)
    source.fail(fmt::format("version {}.{} of the .npy format: expected 1 to 3", version, start[7]));

  std::array<std::uint8_t, 4> length_bytes{};
  const std::size_t length_size = version == 1 ? 2 : 4;
  const bool whole = source.read(length_bytes.data(), length_size) == length_size;
  const std::size_t length = std::size_t{length_bytes[0]} | std::size_t{length_bytes[1]} << 8 |
                             std::size_t{length_bytes[2]} << 16 | std::size_t{length_bytes[3]} << 24;
  const std::vector<std::uint8_t> text = source.read_up_to(length);
  if (!whole || text.size() < length) source.fail("ends within its .npy header");
  return parse_npy_header({reinterpret_cast<const char*>(text.data()), text.size()}, source);
}

}  // namespace

template <class T>
std::string npy_preamble(const Shape& shape) {
  static_assert(std::is_same_v<T, std::int64_t> || std::numeric_limits<T>::is_iec559);
  constexpr std::size_t alignment = 64;
  constexpr std::size_t before_header = 10;  // magic string, version, length
  std::string header = fmt::format("{{'descr': '<{}{}', 'fortran_order': False, 'shape': {}, }}",
                                   std::is_integral_v<T> ? 'i' : 'f', sizeof(T), to_string(shape));
  const std::size_t unpadded = before_header + header.size() + 1;
  header.append((alignment - unpadded % alignment) % alignment, ' ');
  header += '\n';
  std::string preamble(npy_magic);
  preamble += {'\x01', '\x00', static_cast<char>(header.size() % 256), static_cast<char>(header.size() / 256)};
  return preamble + header;
}

template <class T>
NpyLayout read_npy_layout(ByteSource& source) {
  const NpyHeader header = read_header(source);
  const auto* found = std::ranges::find(numpy_types, header.descr, &NumpyType::descr);
  if (found == numpy_types.end() || !takes<T>(found->type))
    source.fail(fmt::format(
        "elements of type {}: expected {}, little-endian", in_quotes(header.descr),
        std::is_integral_v<T> ? "bool or integers that fit in int64" : "float16, float32, float64, bool or integers"));
  const std::optional<std::size_t> bytes = byte_count(header.shape, std::max(size_of(found->type), sizeof(T)));
  if (!bytes)
    source.fail(fmt::format("its header claims shape {}: more than memory can hold", to_string(header.shape)));
  return {found->type, header.fortran_order, header.shape, *byte_count(header.shape, size_of(found->type)),
          header.descr};
}

std::string claim_of(const NpyLayout& layout) {
  return fmt::format("the {} bytes that its header claims, shape {} of type '{}'", layout.bytes,
                     to_string(layout.shape), layout.descr);
}

template <class T>
Tensor<T> read_npy(ByteSource& source, ElementType* type) {
  const NpyLayout layout = read_npy_layout<T>(source);
  if (type != nullptr) *type = layout.type;
  const std::vector<std::uint8_t> bytes = source.read_up_to(layout.bytes);
  if (bytes.size() < layout.bytes)
    source.fail(fmt::format("is truncated: it holds {} of {}", bytes.size(), claim_of(layout)));
  if (std::uint8_t next = 0; source.read(&next, 1) != 0)
    source.fail(fmt::format("has extra data after {}", claim_of(layout)));

  // In Fortran order the elements are those of the transpose in C order.
  Shape stored = layout.shape;
  if (layout.fortran_order) std::reverse_copy(layout.shape.begin(), layout.shape.end(), &stored[0]);
  auto tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(stored));
  convert_elements(layout.type, bytes, tensor.data());
  return layout.fortran_order ? Tensor<T>(xt::transpose(tensor)) : tensor;
}

template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor, const Location& where) {
  located("save_npy", where, [&] {
    OutputFile file("save_npy", path);
    file.write(npy_preamble<T>(Shape(tensor.shape())));
    file.write_elements(std::span<const T>(tensor.data(), tensor.size()));
    file.finish();
  });
}

template <class T>
Tensor<T> load_npy(const std::filesystem::path& path, const Location& where) {
  return located("load_npy", where, [&]() -> Tensor<T> {
    PlainFile file("load_npy", path);
    return read_npy<T>(file);
  });
}

template std::string npy_preamble<float>(const Shape&);
template NpyLayout read_npy_layout<float>(ByteSource&);
template Tensor<float> read_npy(ByteSource&, ElementType*);
template void save_npy(const std::filesystem::path&, const Tensor<float>&, const Location&);
template Tensor<float> load_npy(const std::filesystem::path&, const Location&);
template std::string npy_preamble<double>(const Shape&);
template NpyLayout read_npy_layout<double>(ByteSource&);
template Tensor<double> read_npy(ByteSource&, ElementType*);
template void save_npy(const std::filesystem::path&, const Tensor<double>&, const Location&);
template Tensor<double> load_npy(const std::filesystem::path&, const Location&);
template std::string npy_preamble<std::int64_t>(const Shape&);
template NpyLayout read_npy_layout<std::int64_t>(ByteSource&);
template Tensor<std::int64_t> read_npy(ByteSource&, ElementType*);
template void save_npy(const std::filesystem::path&, const Tensor<std::int64_t>&, const Location&);
template Tensor<std::int64_t> load_npy(const std::filesystem::path&, const Location&);

}  // namespace wengert::io
