// Fuzz target for ONNX files. External data lie in the folder of this source.
#include "fuzz.hpp"
#include "onnx/graph.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  try {
    static const std::filesystem::path folder = std::filesystem::path(__FILE__).parent_path();
    const auto file = wengert::onnx::detail::parse_model({reinterpret_cast<const char*>(data), size}, "fuzzed", folder,
                                                         Location::current());
    for (const auto& tensor : file.graph.initialisers)
      if (is_integral(tensor.type))
        tensor.integers();
      else
        tensor.numbers<float>();
  } catch (const Error&) {
  }
  return 0;
}
