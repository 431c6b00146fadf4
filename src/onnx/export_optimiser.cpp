// How the structural ops of optimisers are exported.
#include "onnx/emit.hpp"

namespace wengert::onnx::detail {

template <class T>
std::span<const Mapping<T>> optimiser_mappings() {
  static constexpr Mapping<T> all[] = {
      // The first operand; the op only refuses to step from averages, which save_step refuses itself.
      {"with_weights", "its first operand", [](const Emit<T>& e) { return std::string(e.x(0)); }},
  };
  return all;
}

template std::span<const Mapping<float>> optimiser_mappings<float>();
template std::span<const Mapping<double>> optimiser_mappings<double>();

}  // namespace wengert::onnx::detail
