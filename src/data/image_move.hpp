// How augmentation moves an image: mirroring, scaling, rotation, shift and crop in one resampling.
#pragma once

#include <cstddef>

namespace wengert::data {

/// One channel of an image, surrounded by `fill`.
template <class T>
struct Plane {
  const T* pixels;
  std::ptrdiff_t height, width;
  T fill;
};

/// The moves of one image. They follow one another: mirroring, scaling and rotation about the centre, shift, crop.
struct Move {
  std::ptrdiff_t down = 0, right = 0;  // in pixels
  double angle = 0;                    // in radians, anticlockwise
  bool flip = false;
  double scale = 1;
  std::ptrdiff_t top = 0, left = 0;  // the corner of the crop in the moved image
};

/// Writes the crop of a moved plane, height×width. Interpolates bilinearly if `resampled`; otherwise, which requires a
/// scale of 1 and an angle of 0, pixels keep their values.
template <class T>
void move_plane(const Plane<T>& from, const Move& move, bool resampled, std::ptrdiff_t height, std::ptrdiff_t width,
                T* to);

}  // namespace wengert::data
