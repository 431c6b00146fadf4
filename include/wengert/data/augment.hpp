// Augmentation: images moved a little, so that a network sees more of them than there are.
#pragma once

#include <wengert/error.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>

namespace wengert {

/// By how much `augment` moves each image; every draw is even over what is allowed.
struct Augmentation {
  std::size_t shift = 0;  ///< whole pixels, at most so many up or down, and left or right
  double rotate = 0;      ///< degrees, at most so many either way, about the image's centre
  bool flip = false;      ///< left and right change places in half of the images
  double noise = 0;       ///< standard deviation of the normal numbers that are added to all pixels
  double fill = 0;        ///< the value of what comes in from outside
  Shape image = {};       ///< H×W or C×H×W where each row is an image laid flat; otherwise the axes behind the first
};

/// Moves each image of a batch, N×H×W or N×C×H×W, by draws of its own; noise comes last.
///
/// Turned images are interpolated bilinearly, others keep their values. The result follows from the generator's key and
/// counter, which moves on as by other draws. Throws ShapeError if these are no images, ValueError for an amount that
/// is negative, not finite, or shifts an image out of itself; nothing is changed then.
template <class T>
void augment(Tensor<T>& images, const Augmentation& augmentation, Generator generator,
             const Location& where = Location::current());

}  // namespace wengert
