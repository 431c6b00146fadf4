// Fuzz target for .npz files.
#include "fuzz.hpp"
#include <wengert/io/npz.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all({data, size}, [](const auto& path) { io::load_npz<float>(path); });
}
