// PNG and JPEG images as tensors.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <filesystem>

namespace wengert::images {

/// Options of `read`.
struct ReadOptions {
  std::size_t channels = 3;  ///< 3: red, green and blue; 1: grey, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)
  std::size_t height = 0;    ///< with `width`, the size to resize to; if both are 0, images keep their size
  std::size_t width = 0;     ///< see `height`
};

/// Reads a PNG or JPEG file as C×H×W; its first bytes determine the format. Bytes 0 … 255 map to 0 … 1. T is float or
/// double.
///
/// Resizing uses linear interpolation with antialiasing (PyTorch's "bilinear" with antialias). Transparent parts are
/// blended with black; the orientation stored in the file (EXIF) is ignored. Throws FileError if the file cannot be
/// read, is damaged or truncated, or claims more pixels than its bytes can hold; ValueError for invalid options.
template <class T>
Tensor<T> read(const std::filesystem::path& path, const ReadOptions& options = {},
               const Location& where = Location::current());

/// An image C×H×W resized to C×height×width like `read` does. Throws ShapeError if it is not C×H×W or has no pixels,
/// ValueError for a height or width of 0.
template <class T>
Tensor<T> resize(const Tensor<T>& image, std::size_t height, std::size_t width,
                 const Location& where = Location::current());

}  // namespace wengert::images
