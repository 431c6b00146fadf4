// Constants that repeat along axes.
#include "onnx/repeats.hpp"

namespace wengert::onnx::detail {

std::optional<std::string> without_repeats(std::string_view elements, const Shape& shape, std::size_t axis,
                                           std::size_t width) {
  std::size_t outer = 1, inner = width;
  for (std::size_t i = 0; i < shape.rank(); ++i)
    if (i != axis) (i < axis ? outer : inner) *= shape[i];
  if (shape[axis] == 0) return std::nullopt;
  std::string result;
  for (std::size_t o = 0; o < outer; ++o) {
    const std::string_view line = elements.substr(o * shape[axis] * inner, shape[axis] * inner);
    const std::string_view first = line.substr(0, inner);
    for (std::size_t k = 1; k < shape[axis]; ++k)
      if (line.substr(k * inner, inner) != first) return std::nullopt;
    result += first;
  }
  return result;
}

}  // namespace wengert::onnx::detail
