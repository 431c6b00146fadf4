// Fuzz target for JPEG images.
#include "fuzz.hpp"
#include <wengert/images/image.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all({data, size}, [](const auto& path) { images::read<float>(path); });
}
