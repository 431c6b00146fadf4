// Samples as inline images in a page.
#pragma once

#include <wengert/base/tensor.hpp>

#include <span>
#include <string>
#include <string_view>

namespace wengert::report {

/// Whether values of this shape are an image: (height, width) or (1 or 3, height, width), of 2 to 512 pixels each way.
bool is_picture(const Shape& shape);
/// The image as a PNG in a data URI. The smallest value is black, the largest white.
std::string picture_address(std::span<const double> values, const Shape& shape);
/// The bytes in base64.
std::string base64(std::string_view bytes);

}  // namespace wengert::report
