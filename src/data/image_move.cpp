// Moves of images: each pixel of the result is fetched from its place in the original.
#include "data/image_move.hpp"

#include <algorithm>
#include <cmath>

namespace wengert::data {
namespace {

template <class T>
T pixel_at(const Plane<T>& plane, std::ptrdiff_t row, std::ptrdiff_t column) {
  const bool inside = row >= 0 && row < plane.height && column >= 0 && column < plane.width;
  return inside ? plane.pixels[row * plane.width + column] : plane.fill;
}

template <class T>
T mixed(T upper_left, T upper_right, T lower_left, T lower_right, T down, T right) {
  const T upper = upper_left + right * (upper_right - upper_left);
  const T lower = lower_left + right * (lower_right - lower_left);
  return upper + down * (lower - upper);
}

// Interpolates bilinearly. A pixel or more outside, all is `fill`. Since row ≥ −1, truncating row + 1 rounds down.
template <class T>
T interpolated(const Plane<T>& plane, double row, double column) {
  row = std::clamp(row, -1.0, static_cast<double>(plane.height));
  column = std::clamp(column, -1.0, static_cast<double>(plane.width));
  const auto i = static_cast<std::ptrdiff_t>(row + 1) - 1, j = static_cast<std::ptrdiff_t>(column + 1) - 1;
  const T down = static_cast<T>(row - static_cast<double>(i)), right = static_cast<T>(column - static_cast<double>(j));
  if (i < 0 || i + 1 >= plane.height || j < 0 || j + 1 >= plane.width)
    return mixed(pixel_at(plane, i, j), pixel_at(plane, i, j + 1), pixel_at(plane, i + 1, j),
                 pixel_at(plane, i + 1, j + 1), down, right);
  const T* const corner = plane.pixels + i * plane.width + j;
  return mixed(corner[0], corner[1], corner[plane.width], corner[plane.width + 1], down, right);
}

}  // namespace

template <class T>
void move_plane(const Plane<T>& from, const Move& move, bool resampled, std::ptrdiff_t height, std::ptrdiff_t width,
                T* to) {
  const std::ptrdiff_t down = move.down - move.top, right = move.right - move.left;
  const double sine = std::sin(move.angle) / move.scale, cosine = std::cos(move.angle) / move.scale;
  const double middle_row = static_cast<double>(from.height - 1) / 2;
  const double middle_column = static_cast<double>(from.width - 1) / 2;
  for (std::ptrdiff_t row = 0; row < height; ++row)
    for (std::ptrdiff_t column = 0; column < width; ++column) {
      if (!resampled) {
        const std::ptrdiff_t source = column - right;
        *to++ = pixel_at(from, row - down, move.flip ? from.width - 1 - source : source);
        continue;
      }
      const double y = static_cast<double>(row - down) - middle_row;
      const double x = static_cast<double>(column - right) - middle_column;
      const double source_y = cosine * y + sine * x, source_x = cosine * x - sine * y;
      *to++ = interpolated(from, middle_row + source_y, middle_column + (move.flip ? -source_x : source_x));
    }
}

template void move_plane(const Plane<float>&, const Move&, bool, std::ptrdiff_t, std::ptrdiff_t, float*);
template void move_plane(const Plane<double>&, const Move&, bool, std::ptrdiff_t, std::ptrdiff_t, double*);

}  // namespace wengert::data
