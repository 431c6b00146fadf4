// The header of a .safetensors file: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
#pragma once

#include "io/byte_source.hpp"
#include "io/elements.hpp"
#include <wengert/base/tensor.hpp>
#include <wengert/io/safetensors.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::io {

/// The key whose value is the metadata; no tensor has this name.
constexpr std::string_view safetensors_metadata_key = "__metadata__";

struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  Shape shape;
  std::size_t begin = 0, end = 0;  // in bytes, from the end of the header
};

struct SafetensorsHeader {
  Metadata metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of the header
};

/// Parses a header. Reports errors through `source`.
SafetensorsHeader parse_safetensors_header(std::string_view text, const ByteSource& source);

/// `load_safetensors`, which also sets `types` to the types of the tensors' elements in the file.
template <class T>
std::vector<NamedTensor<T>> load_safetensors(const std::filesystem::path& path, std::vector<ElementType>& types,
                                             const Location& where);

}  // namespace wengert::io
