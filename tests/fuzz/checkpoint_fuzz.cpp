// Fuzz target for training checkpoints.
//
// Corrects the length and the checksum, which mutations would not hit, so that the reader gets to the contents. Leaves
// every eighth file unchanged.
#include "fuzz.hpp"
#include "train/checkpoint.hpp"

#include <cstring>
#include <vector>

#include <zlib.h>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  std::vector<std::uint8_t> file(data, data + size);
  constexpr std::size_t length_at = 16, header = 24, checksum_bytes = 4;  // see train/checkpoint.hpp
  if (size >= header + checksum_bytes && file[size - 1] % 8 != 0) {
    const std::uint64_t length = size;
    std::memcpy(file.data() + length_at, &length, sizeof length);
    const auto checksum = static_cast<std::uint32_t>(crc32_z(0, file.data(), size - checksum_bytes));
    std::memcpy(file.data() + size - checksum_bytes, &checksum, checksum_bytes);
  }
  return fuzz::read_all(file, [](const auto& path) { train::Checkpoint::load(path); });
}
