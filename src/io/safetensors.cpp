// The .safetensors format: writes and validates headers, and reads tensors, whose bytes must have no gaps.
#include "base/located.hpp"
#include "io/elements.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"
#include "io/output_file.hpp"
#include "io/plain_file.hpp"
#include "io/safetensors_header.hpp"
#include <wengert/io/safetensors.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace wengert::io {
namespace {

constexpr std::size_t prefix_size = 8;               // the header's length, little-endian
constexpr std::size_t longest_header = 100'000'000;  // the format's own limit

struct NamedType {
  std::string_view dtype;
  ElementType type;
};
constexpr std::array<NamedType, 13> types{{
    {"F16", ElementType::f16},
    {"BF16", ElementType::bf16},
    {"F32", ElementType::f32},
    {"F64", ElementType::f64},
    {"I8", ElementType::i8},
    {"I16", ElementType::i16},
    {"I32", ElementType::i32},
    {"I64", ElementType::i64},
    {"U8", ElementType::u8},
    {"U16", ElementType::u16},
    {"U32", ElementType::u32},
    {"U64", ElementType::u64},
    {"BOOL", ElementType::boolean},
}};

template <class T>
std::string header_of(const std::vector<NamedTensor<T>>& tensors, const Metadata& metadata) {
  JsonWriter json;
  json.begin_object();
  if (!metadata.empty()) {
    json.key(safetensors_metadata_key).begin_object();
    for (const auto& [key, value] : metadata) json.key(key).string(value);
    json.end_object();
  }
  std::size_t begin = 0;
  for (const auto& [name, value] : tensors) {
    const std::size_t end = begin + value.size() * sizeof(T);
    json.key(name).begin_object().key("dtype").string(sizeof(T) == 4 ? "F32" : "F64");
    json.key("shape").begin_array();
    for (const std::size_t extent : value.shape()) json.integer(extent);
    json.end_array().key("data_offsets").begin_array().integer(begin).integer(end).end_array().end_object();
    begin = end;
  }
  std::string header = json.end_object().text();
  header.append((8 - header.size() % 8) % 8, ' ');  // so that elements are aligned
  return header;
}

template <class T>
void check(const std::vector<NamedTensor<T>>& tensors, const Metadata& metadata, const Location& where) {
  std::unordered_set<std::string_view> names;
  for (const auto& tensor : tensors) {
    const auto refuse = [&](std::string_view what) {
      throw ValueError("save_safetensors", fmt::format("tensor {}: {}", in_quotes(tensor.name), what), where);
    };
    if (tensor.name.empty()) refuse("the name is empty");
    if (tensor.name == safetensors_metadata_key) refuse("the name is reserved by the format");
    if (!is_utf8(tensor.name)) refuse("the name is not UTF-8");
    if (!names.insert(tensor.name).second) refuse("the name is used twice");
  }
  for (const auto& [key, value] : metadata)
    if (!is_utf8(key) || !is_utf8(value))
      throw ValueError("save_safetensors", fmt::format("metadata {}: not UTF-8", in_quotes(key)), where);
}

SafetensorsHeader read_header(PlainFile& file) {
  std::array<std::uint8_t, prefix_size> prefix{};
  if (const std::size_t got = file.read(prefix.data(), prefix.size()); got < prefix.size())
    file.fail(fmt::format("has {} bytes: a .safetensors file starts with the length of its header in {} bytes", got,
                          prefix_size));
  std::size_t length = 0;
  for (std::size_t i = prefix.size(); i-- > 0;) length = length << 8 | prefix[i];
  if (length > longest_header)
    file.fail(fmt::format("claims a header of {} bytes, at most {} are allowed: it is not a .safetensors file", length,
                          longest_header));
  const std::vector<std::uint8_t> text = file.read_up_to(length);
  if (text.size() < length)
    file.fail(fmt::format("is truncated: it holds {} of the {} bytes of its header", text.size(), length));
  return parse_safetensors_header({reinterpret_cast<const char*>(text.data()), text.size()}, file);
}

// The entries in the order of their bytes, which must be contiguous.
std::vector<const SafetensorsEntry*> in_order(const std::vector<SafetensorsEntry>& entries, const PlainFile& file) {
  std::vector<const SafetensorsEntry*> order;
  std::unordered_set<std::string_view> names;
  for (const SafetensorsEntry& entry : entries) {
    if (!names.insert(entry.name).second)
      file.fail(fmt::format("tensor {}: the name is used twice", in_quotes(entry.name)));
    order.push_back(&entry);
  }
  std::ranges::stable_sort(
      order, [](const auto* a, const auto* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  std::size_t at = 0;
  for (const SafetensorsEntry* entry : order) {
    if (entry->begin != at || entry->end < entry->begin)
      file.fail(fmt::format("tensor {}: bytes {} to {}, but the previous tensor ends at {}: tensors must be contiguous",
                            in_quotes(entry->name), entry->begin, entry->end, at));
    at = entry->end;
  }
  return order;
}

template <class T>
Tensor<T> read_tensor(const SafetensorsEntry& entry, PlainFile& file, ElementType& type) {
  const auto refuse = [&](std::string_view what) {
    file.fail(fmt::format("tensor {}: {}", in_quotes(entry.name), what));
  };
  const auto* found = std::ranges::find(types, entry.dtype, &NamedType::dtype);
  if (found == types.end())
    refuse(fmt::format("elements of type {}: expected F16, BF16, F32, F64, BOOL or integers", in_quotes(entry.dtype)));
  const std::optional<std::size_t> promised = byte_count(entry.shape, size_of(found->type));
  if (promised != entry.end - entry.begin)
    refuse(fmt::format("shape {} of {} does not fill its {} bytes", to_string(entry.shape), entry.dtype,
                       entry.end - entry.begin));
  const std::vector<std::uint8_t> bytes = file.read_up_to(*promised);
  if (bytes.size() < *promised)
    refuse(fmt::format("is truncated: the file holds {} of its {} bytes", bytes.size(), *promised));
  auto tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(entry.shape));
  convert_elements(found->type, bytes, tensor.data());
  type = found->type;
  return tensor;
}

}  // namespace

template <class T>
void save_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
                      const Metadata& metadata, const Location& where) {
  located("save_safetensors", where, [&] {
    check(tensors, metadata, where);
    const std::string header = header_of(tensors, metadata);
    std::string prefix;
    for (std::size_t i = 0; i < prefix_size; ++i) prefix += static_cast<char>(header.size() >> 8 * i & 0xFF);
    OutputFile file("save_safetensors", path);
    file.write(prefix);
    file.write(header);
    for (const auto& [name, value] : tensors) file.write_elements(std::span<const T>(value.data(), value.size()));
    file.finish();
  });
}

template <class T>
std::vector<NamedTensor<T>> load_safetensors(const std::filesystem::path& path, std::vector<ElementType>& stored,
                                             const Location& where) {
  return located("load_safetensors", where, [&]() -> std::vector<NamedTensor<T>> {
    PlainFile file("load_safetensors", path);
    const SafetensorsHeader header = read_header(file);
    std::vector<NamedTensor<T>> tensors(header.entries.size());
    stored.resize(tensors.size());
    for (const SafetensorsEntry* entry : in_order(header.entries, file)) {
      const auto i = static_cast<std::size_t>(entry - header.entries.data());
      tensors[i] = {entry->name, read_tensor<T>(*entry, file, stored[i])};
    }
    if (std::uint8_t next = 0; file.read(&next, 1) != 0) file.fail("has extra data after its last tensor");
    return tensors;
  });
}

template <class T>
std::vector<NamedTensor<T>> load_safetensors(const std::filesystem::path& path, const Location& where) {
  std::vector<ElementType> element_types;
  return load_safetensors<T>(path, element_types, where);
}

Metadata load_safetensors_metadata(const std::filesystem::path& path, const Location& where) {
  return located("load_safetensors_metadata", where, [&]() -> Metadata {
    PlainFile file("load_safetensors_metadata", path);
    return read_header(file).metadata;
  });
}

template void save_safetensors(const std::filesystem::path&, const std::vector<NamedTensor<float>>&, const Metadata&,
                               const Location&);
template void save_safetensors(const std::filesystem::path&, const std::vector<NamedTensor<double>>&, const Metadata&,
                               const Location&);
template std::vector<NamedTensor<float>> load_safetensors(const std::filesystem::path&, const Location&);
template std::vector<NamedTensor<float>> load_safetensors(const std::filesystem::path&, std::vector<ElementType>&,
                                                          const Location&);
template std::vector<NamedTensor<double>> load_safetensors(const std::filesystem::path&, const Location&);
template std::vector<NamedTensor<double>> load_safetensors(const std::filesystem::path&, std::vector<ElementType>&,
                                                           const Location&);

}  // namespace wengert::io
