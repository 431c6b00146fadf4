// Fuzz target for IDX files, plain and compressed by gzip.
#include "fuzz.hpp"
#include <wengert/data/idx.hpp>
#include <wengert/data/mapped.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all(
      {data, size}, [](const auto& path) { data::read_idx_bytes(path); },
      [](const auto& path) { data::map_idx<float>(path); });
}
