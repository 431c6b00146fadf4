// PNG and JPEG images as tensors.
#pragma once

#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <filesystem>

namespace wengert {

/// What an image is made into.
struct ImageOptions {
  std::size_t channels = 3;  ///< 3, red, green and blue, or 1: grey, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)
  std::size_t height = 0;    ///< the image is resized if both are given; 0 and 0 keep its size
  std::size_t width = 0;     ///< see `height`
};

/// Reads a PNG or JPEG file, whichever its first bytes show: C×H×W, bytes 0 … 255 becoming 0 … 1. T is float or double.
///
/// Other sizes are made by linear interpolation, which averages over as many pixels as become one (PyTorch's "bilinear"
/// with antialias). Transparent parts are laid on black; a file's own rotation (EXIF) is ignored. Throws FileError if
/// the file cannot be read, is damaged or cut short, or claims more pixels than its bytes can hold; ValueError for
/// options that make no sense.
template <class T>
Tensor<T> read_image(const std::filesystem::path& path, const ImageOptions& options = {},
                     const Location& where = Location::current());

/// A tensor C×H×W at other extents, as `read_image` makes it. Throws ShapeError if it is not C×H×W or without pixels,
/// ValueError for an extent of 0.
template <class T>
Tensor<T> resize_image(const Tensor<T>& image, std::size_t height, std::size_t width,
                       const Location& where = Location::current());

}  // namespace wengert
