// From the bytes of an image file to pixels.
#pragma once

#include "io/byte_source.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wengert {

struct Pixels {
  std::size_t height = 0, width = 0, channels = 0;  // 1 or 3 channels, as the file has colours
  std::vector<std::uint8_t> bytes;                  // H×W×C
};

/// Decode a whole file. Complain through `source`, which it came from.
Pixels decode_png(std::span<const std::uint8_t> file, const ByteSource& source);
Pixels decode_jpeg(std::span<const std::uint8_t> file, const ByteSource& source);

/// Complains of a header that claims more pixels than `file_size` bytes can hold, or none. `most` is how many a byte
/// can hold at best.
void check_extents(std::size_t height, std::size_t width, std::size_t file_size, std::size_t most,
                   const ByteSource& source);

}  // namespace wengert
