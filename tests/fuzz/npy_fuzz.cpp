// Fuzz target for .npy files, read and mapped.
#include "fuzz.hpp"
#include <wengert/data/mapped.hpp>
#include <wengert/io/npy.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all(
      {data, size}, [](const auto& path) { io::load_npy<float>(path); },
      [](const auto& path) { io::load_npy<double>(path); }, [](const auto& path) { data::map_npy<double>(path); });
}
