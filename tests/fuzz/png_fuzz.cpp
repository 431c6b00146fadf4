// Fuzz target for PNG images.
//
// Corrects the checksums of the chunks, which mutations would not hit, so that the reader gets to the contents.
#include "fuzz.hpp"
#include <wengert/images/image.hpp>

#include <vector>

#include <zlib.h>

namespace {

std::size_t big_endian(const std::uint8_t* bytes) {
  return std::size_t{bytes[0]} << 24 | std::size_t{bytes[1]} << 16 | std::size_t{bytes[2]} << 8 | bytes[3];
}

// Corrects the checksums. A chunk consists of length (4 bytes), type (4), data, and the CRC-32 of type and data (4).
void mend_checksums(std::vector<std::uint8_t>& file) {
  constexpr std::size_t signature = 8, around = 12;
  for (std::size_t at = signature; at + around <= file.size();) {
    const std::size_t length = big_endian(file.data() + at);
    if (length > file.size() - at - around) return;
    const uLong checksum = crc32_z(0, file.data() + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) file[at + 8 + length + i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
    at += around + length;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  std::vector<std::uint8_t> file(data, data + size);
  mend_checksums(file);
  return fuzz::read_all(file, [](const auto& path) { images::read<float>(path); });
}
