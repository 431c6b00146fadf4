// Decodes the bytes of an image file to pixels.
#pragma once

#include "io/byte_source.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wengert::images {

struct Pixels {
  std::size_t height = 0, width = 0, channels = 0;  // grey: 1, colour: 3; one more, the last, if there is opacity
  std::vector<std::uint8_t> bytes;                  // H×W×C
};

/// Decodes the bytes of a whole file. Reports errors through `source`, from which they were read.
Pixels decode_png(std::span<const std::uint8_t> file, const io::ByteSource& source);
Pixels decode_jpeg(std::span<const std::uint8_t> file, const io::ByteSource& source);

/// Reports an error if a header claims no pixels, or more than `file_size` bytes can hold. `most` is the largest number
/// of pixels per byte.
void check_extents(std::size_t height, std::size_t width, std::size_t file_size, std::size_t most,
                   const io::ByteSource& source);

}  // namespace wengert::images
