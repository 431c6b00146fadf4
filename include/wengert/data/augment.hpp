// Augmentation: random small changes to training images.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/ops/random.hpp>

#include <cstddef>

namespace wengert::data {

/// The limits of the changes that `augment` makes; each draw is uniform within its limit.
struct Augmentation {
  std::size_t shift = 0;  ///< the largest vertical and horizontal shift, in whole pixels
  double rotate = 0;      ///< the largest rotation in either direction about the image's centre, in degrees
  bool flip = false;      ///< mirrors half of the images horizontally, at random
  double noise = 0;       ///< the standard deviation of the normal noise that is added to all pixels
  double fill = 0;        ///< the value of pixels that move in from outside
  Shape image = {};       ///< H×W or C×H×W if each row is a flattened image; by default, the axes after the first
};

/// Shifts, rotates and mirrors each image of a batch, N×H×W or N×C×H×W, by its own draws, then adds noise.
///
/// Rotated images are interpolated bilinearly; otherwise pixels keep their values. The result depends only on the
/// generator's key and counter; the counter advances as for any draw. Throws ShapeError for other shapes, ValueError
/// for limits that are not finite, a negative rotation or noise, and a shift that is not smaller than the image; then
/// nothing is changed.
template <class T>
void augment(Tensor<T>& images, const Augmentation& augmentation, Generator generator,
             const Location& where = Location::current());

}  // namespace wengert::data
