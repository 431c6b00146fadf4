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
  double scale = 0;       ///< zooms about the centre by a factor of 1 − scale to 1 + scale
  bool flip = false;      ///< mirrors half of the images horizontally, at random
  Shape crop = {};        ///< h×w: keeps a window of this size, at a random place
  double brightness = 0;  ///< multiplies all pixels by a factor of 1 − brightness to 1 + brightness
  /// Multiplies the differences from the image's mean by a factor of 1 − contrast to 1 + contrast. The mean is that of
  /// all pixels; for three channels, of 0.299 R + 0.587 G + 0.114 B.
  double contrast = 0;
  double noise = 0;        ///< the standard deviation of the normal noise that is added to all pixels
  std::size_t cutout = 0;  ///< covers a square with this side, in pixels, whose centre is any pixel, with `fill`
  double fill = 0;         ///< the value of pixels that move in from outside, and of what `cutout` covers
  Shape image = {};        ///< H×W or C×H×W if each row is a flattened image; by default, the axes after the first
};

/// Mirrors, scales, rotates, shifts and crops each image of a batch, N×H×W or N×C×H×W, by its own draws, then changes
/// its brightness and contrast, adds noise, and covers a square (cutout, DeVries and Taylor 2017).
///
/// Scaled and rotated images are interpolated bilinearly, once; otherwise pixels keep their values. Values are not
/// clamped. `crop` changes the shape of the batch. The result depends only on the generator's key and counter; the
/// counter advances as for any draw. Throws ShapeError for other shapes; ValueError for limits that are not finite or
/// negative, a scale, brightness or contrast above 1 (a scale of 1, too), a shift that is not smaller than the image,
/// and a crop that is larger; then nothing is changed.
template <class T>
void augment(Tensor<T>& images, const Augmentation& augmentation, Generator generator,
             const Location& where = Location::current());

/// The window of height×width in the centre of images, whose last two axes are H×W. An odd margin is divided as by
/// torchvision's CenterCrop: half of it, rounded to even, lies above or to the left. Use it for images that are not
/// augmented, beside `Augmentation::crop`. Throws ShapeError for fewer than two axes, ValueError for a window without
/// pixels or larger than the images.
template <class T>
Tensor<T> center_crop(const Tensor<T>& images, std::size_t height, std::size_t width,
                      const Location& where = Location::current());

}  // namespace wengert::data
