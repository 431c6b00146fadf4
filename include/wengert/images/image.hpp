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
  /// Resizes by the same factor both ways, so that the shorter side has this many pixels; `height` and `width` then
  /// crop the centre. An image with one side at least 100 times as long as the other is refused. 0 resizes to `height`
  /// and `width`, whatever the aspect ratio.
  std::size_t shorter_side = 0;
  /// The grey behind transparent parts, from 0, black, to 1, white. A value x of opacity α becomes
  /// αx + (1 − α)·background, as by Pillow's `alpha_composite`.
  double background = 0;
};

/// Reads a PNG or JPEG file as C×H×W; its first bytes determine the format. Bytes 0 … 255 map to 0 … 1. T is float or
/// double.
///
/// Resizing uses linear interpolation with antialiasing (PyTorch's "bilinear" with antialias). `{.height = 224, .width
/// = 224, .shorter_side = 256}` is torchvision's Resize(256) and CenterCrop(224). The orientation stored in the file
/// (EXIF) is ignored. Throws FileError if the file cannot be read, is damaged or truncated, claims more pixels than its
/// bytes can hold, or is too narrow for `shorter_side` or, once resized, too small for the crop; ValueError for invalid
/// options.
template <class T>
Tensor<T> read(const std::filesystem::path& path, const ReadOptions& options = {},
               const Location& where = Location::current());

/// Writes an image C×H×W as a PNG file of 8 bits a channel, which `read` reads. C is 3, or 1 for grey. Values 0 … 1 map
/// to 0 … 255, rounded; smaller and larger ones become 0 and 1. T is float or double.
///
/// An existing file is replaced only once the new one is complete; a failure leaves it unchanged and no other file
/// behind. Throws ShapeError for any other shape, ValueError for a NaN, FileError if the file cannot be written.
template <class T>
void write(const std::filesystem::path& path, const Tensor<T>& image, const Location& where = Location::current());

/// An image C×H×W resized to C×height×width like `read` does. Throws ShapeError if it is not C×H×W or has no pixels,
/// ValueError for a height or width of 0.
template <class T>
Tensor<T> resize(const Tensor<T>& image, std::size_t height, std::size_t width,
                 const Location& where = Location::current());

/// An image C×H×W resized by the same factor both ways, so that its shorter side has `size` pixels; the longer one has
/// ⌊size·longer/shorter⌋, as torchvision's. Throws like `resize`.
template <class T>
Tensor<T> resize_shorter_side(const Tensor<T>& image, std::size_t size, const Location& where = Location::current());

}  // namespace wengert::images
