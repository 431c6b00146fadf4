// Grey pictures, and faces cut out of them as inputs of a network.
#pragma once

#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace expressions {

/// Height and width of the faces that the networks take.
inline constexpr std::size_t face_side = 64;

/// A grey picture.
struct Grey {
  std::size_t width = 0;                  ///< pixels in a row
  std::size_t height = 0;                 ///< rows
  std::vector<std::uint8_t> pixels = {};  ///< height·width values from 0, black, to 255, row by row
};

/// A rectangle in a picture, in pixels. It may extend beyond the picture.
struct Box {
  int x = 0;       ///< the first column
  int y = 0;       ///< the first row
  int width = 0;   ///< columns
  int height = 0;  ///< rows
};

/// Reads a PNG or JPEG file in grey: 0.299 R + 0.587 G + 0.114 B, rounded. Throws FileError like `images::read`.
Grey read_grey(const std::filesystem::path& path);

/// The square around a box: its centre, and its longer side enlarged by `margin` times itself on every side.
Box square(const Box& box, double margin = 0);

/// The part of a picture in a box. Pixels beyond the picture repeat those at its edge. Throws ValueError for a box
/// without pixels or an empty picture.
Grey crop(const Grey& picture, const Box& box);

/// The network's input, 1×1×64×64, for a face: resized with antialiasing, if it has another size, and scaled from
/// 0 … 255 to −1 … 1. Throws ValueError if the picture is empty or its pixels do not match its size.
wengert::Tensor<float> network_input(const Grey& face);

/// The network's inputs, n×1×64×64, for the squares around n boxes in a picture. Throws like `crop`.
wengert::Tensor<float> network_inputs(const Grey& picture, std::span<const Box> boxes, double margin = 0);

}  // namespace expressions
