// Constants that repeat along axes.
#pragma once

#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wengert::onnx::detail {

/// The elements of a row-major array with the axis reduced to its first position, if all positions hold the same;
/// otherwise empty. An element has `width` bytes.
std::optional<std::string> without_repeats(std::string_view elements, const Shape& shape, std::size_t axis,
                                           std::size_t width);

}  // namespace wengert::onnx::detail
