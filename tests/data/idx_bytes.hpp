// The bytes of IDX files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wengert::testing {

/// Makes the bytes of an IDX file: magic number (two zeros, type code, axes), big-endian extents, elements.
inline std::string idx(const std::vector<std::uint32_t>& shape, const std::string& elements, char type = 0x08) {
  std::string file{'\0', '\0', type, static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape)
    for (const int shift : {24, 16, 8, 0}) file += static_cast<char>(extent >> shift & 0xff);
  return file + elements;
}

}  // namespace wengert::testing
