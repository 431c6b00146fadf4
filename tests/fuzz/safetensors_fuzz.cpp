// Fuzz target for .safetensors files: tensors and metadata.
#include "fuzz.hpp"
#include <wengert/io/safetensors.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all(
      {data, size}, [](const auto& path) { io::load_safetensors<float>(path); },
      [](const auto& path) { io::load_safetensors_metadata(path); });
}
