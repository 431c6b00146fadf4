#include "io/npy.hpp"

#include "io/in_quotes.hpp"
#include "io/npy_header.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <span>

#include <fmt/format.h>

namespace wengert {
namespace {

static_assert(std::endian::native == std::endian::little, "wengert: .npy elements are taken as they lie in memory");

constexpr std::string_view magic = "\x93NUMPY";

template <class Stored, class T>
void convert(std::span<const std::uint8_t> bytes, T* out) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
    Stored element;
    std::memcpy(&element, bytes.data() + at, sizeof(Stored));
    *out++ = static_cast<T>(element);
  }
}

template <class T>
void convert_bool(std::span<const std::uint8_t> bytes, T* out) {
  for (const std::uint8_t byte : bytes) *out++ = byte != 0 ? T{1} : T{0};
}

// How elements of one type become T.
template <class T>
struct Conversion {
  std::string_view descr;  // NumPy's name of the type
  std::size_t size;
  void (*run)(std::span<const std::uint8_t>, T*);
};

template <class T>
constexpr std::array<Conversion<T>, 11> conversions{{
    {"<f4", 4, convert<float, T>},
    {"<f8", 8, convert<double, T>},
    {"<i8", 8, convert<std::int64_t, T>},
    {"<i4", 4, convert<std::int32_t, T>},
    {"<i2", 2, convert<std::int16_t, T>},
    {"|i1", 1, convert<std::int8_t, T>},
    {"<u8", 8, convert<std::uint64_t, T>},
    {"<u4", 4, convert<std::uint32_t, T>},
    {"<u2", 2, convert<std::uint16_t, T>},
    {"|u1", 1, convert<std::uint8_t, T>},
    {"|b1", 1, convert_bool<T>},
}};

template <class T>
const Conversion<T>& conversion_from(std::string_view descr, const ByteSource& source) {
  for (const Conversion<T>& conversion : conversions<T>)
    if (conversion.descr == descr) return conversion;
  source.fail(
      fmt::format("elements of type {}: expected float32, float64, bool or integers, little-endian", in_quotes(descr)));
}

NpyHeader read_header(ByteSource& source) {
  std::array<std::uint8_t, 8> start{};
  const std::size_t got = source.read(start.data(), start.size());
  if (got < start.size() || std::memcmp(start.data(), magic.data(), magic.size()) != 0)
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
  static_assert(std::numeric_limits<T>::is_iec559);
  constexpr std::size_t alignment = 64;
  constexpr std::size_t before_header = 10;  // magic string, version, length
  std::string header =
      fmt::format("{{'descr': '<f{}', 'fortran_order': False, 'shape': {}, }}", sizeof(T), to_string(shape));
  const std::size_t unpadded = before_header + header.size() + 1;
  header.append((alignment - unpadded % alignment) % alignment, ' ');
  header += '\n';
  std::string preamble(magic);
  preamble += {'\x01', '\x00', static_cast<char>(header.size() % 256), static_cast<char>(header.size() / 256)};
  return preamble + header;
}

template <class T>
Tensor<T> read_npy(ByteSource& source) {
  const NpyHeader header = read_header(source);
  const Conversion<T>& conversion = conversion_from<T>(header.descr, source);
  const std::optional<std::size_t> promised = byte_count(header.shape, conversion.size);
  if (!promised)
    source.fail(fmt::format("its header claims shape {}: more than memory can hold", to_string(header.shape)));
  const std::vector<std::uint8_t> bytes = source.read_up_to(*promised);
  const auto claim = [&] {
    return fmt::format("the {} bytes that its header claims, shape {} of type '{}'", *promised, to_string(header.shape),
                       header.descr);
  };
  if (bytes.size() < *promised) source.fail(fmt::format("is cut short: it holds {} of {}", bytes.size(), claim()));
  if (std::uint8_t next = 0; source.read(&next, 1) != 0) source.fail(fmt::format("goes on after {}", claim()));

  // In Fortran order the elements are those of the transpose in C order.
  Shape stored = header.shape;
  if (header.fortran_order) std::reverse_copy(header.shape.begin(), header.shape.end(), &stored[0]);
  auto tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(stored));
  conversion.run(bytes, tensor.data());
  return header.fortran_order ? Tensor<T>(xt::transpose(tensor)) : tensor;
}

template std::string npy_preamble<float>(const Shape&);
template std::string npy_preamble<double>(const Shape&);
template Tensor<float> read_npy(ByteSource&);
template Tensor<double> read_npy(ByteSource&);

}  // namespace wengert
