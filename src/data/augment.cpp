// Image augmentation: random shifts by whole pixels, rotations with bilinear interpolation, mirroring and noise.
#include <wengert/data/augment.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <fmt/format.h>

namespace wengert::data {
namespace {

struct Extents {
  std::size_t images, channels, height, width;
};

Extents extents_of(const Shape& batch, const Shape& given, const Location& where) {
  const auto refuse = [&](std::string_view expected) {
    throw ShapeError("augment", fmt::format("a batch of shape {}: expected {}", to_string(batch), expected), where);
  };
  if (batch.empty()) refuse("images N×H×W or N×C×H×W");
  Shape image = given;
  if (given.empty()) {
    for (std::size_t axis = 1; axis < batch.rank(); ++axis) image.push_back(batch[axis]);
    if (image.rank() == 1)
      refuse("images N×H×W or N×C×H×W; if each row is a flattened image, set its shape in Augmentation::image");
  } else if (given.elements() != batch.elements() / std::max<std::size_t>(batch[0], 1)) {
    refuse(fmt::format("rows that are images of shape {}", to_string(given)));
  }
  if (image.rank() != 2 && image.rank() != 3) refuse("images H×W or C×H×W");
  const std::size_t outer = image.rank() == 3 ? image[0] : 1;
  return {batch[0], outer, image[image.rank() - 2], image.back()};
}

void check(const Augmentation& a, const Extents& extents, const Location& where) {
  const auto refuse_unless = [&](bool fit, const char* what, double amount) {
    if (!fit)
      throw ValueError("augment", fmt::format("{} {}: expected a finite number of at least 0", what, amount), where);
  };
  refuse_unless(std::isfinite(a.rotate) && a.rotate >= 0, "rotate", a.rotate);
  refuse_unless(std::isfinite(a.noise) && a.noise >= 0, "noise", a.noise);
  if (!std::isfinite(a.fill))
    throw ValueError("augment", fmt::format("fill {}: expected a finite number", a.fill), where);
  if (a.shift > 0 && a.shift >= std::min(extents.height, extents.width))
    throw ValueError("augment",
                     fmt::format("shift {}: expected less than the size of the image, {} by {} pixels", a.shift,
                                 extents.height, extents.width),
                     where);
}

// How an image moves: shifted by whole pixels, rotated about its centre, and possibly mirrored.
struct Move {
  std::ptrdiff_t down, right;
  double angle;
  bool flip;
};

// The move that results from four uniform draws from [0, 1).
Move move_of(const double* draw, const Augmentation& a) {
  const auto pixels = [&](double u) {
    const auto shift = static_cast<std::ptrdiff_t>(a.shift);
    return std::min(static_cast<std::ptrdiff_t>(std::floor(u * static_cast<double>(2 * shift + 1))), 2 * shift) - shift;
  };
  return {pixels(draw[0]), pixels(draw[1]), (2 * draw[2] - 1) * a.rotate * std::numbers::pi / 180,
          a.flip && draw[3] < 0.5};
}

// One channel of an image, surrounded by `fill`.
template <class T>
struct Plane {
  const T* pixels;
  std::ptrdiff_t height, width;
  T fill;

  T at(std::ptrdiff_t row, std::ptrdiff_t column) const {
    const bool inside = row >= 0 && row < height && column >= 0 && column < width;
    return inside ? pixels[row * width + column] : fill;
  }
  // Interpolates bilinearly. A pixel or more outside, all is `fill`. Since row ≥ −1, truncating row + 1 rounds down.
  T between(double row, double column) const {
    row = std::clamp(row, -1.0, static_cast<double>(height));
    column = std::clamp(column, -1.0, static_cast<double>(width));
    const auto i = static_cast<std::ptrdiff_t>(row + 1) - 1, j = static_cast<std::ptrdiff_t>(column + 1) - 1;
    const T down = static_cast<T>(row - static_cast<double>(i)),
            right = static_cast<T>(column - static_cast<double>(j));
    if (i < 0 || i + 1 >= height || j < 0 || j + 1 >= width)
      return mixed(at(i, j), at(i, j + 1), at(i + 1, j), at(i + 1, j + 1), down, right);
    const T* const corner = pixels + i * width + j;
    return mixed(corner[0], corner[1], corner[width], corner[width + 1], down, right);
  }
  static T mixed(T upper_left, T upper_right, T lower_left, T lower_right, T down, T right) {
    const T upper = upper_left + right * (upper_right - upper_left);
    const T lower = lower_left + right * (lower_right - lower_left);
    return upper + down * (lower - upper);
  }
};

template <class T>
void shift_plane(const Plane<T>& from, const Move& move, T* to) {
  for (std::ptrdiff_t row = 0; row < from.height; ++row)
    for (std::ptrdiff_t column = 0; column < from.width; ++column) {
      const std::ptrdiff_t source = column - move.right;
      *to++ = from.at(row - move.down, move.flip ? from.width - 1 - source : source);
    }
}

// Fetches each pixel from its place before the image was mirrored, rotated anticlockwise by `angle`, and shifted.
template <class T>
void turn_plane(const Plane<T>& from, const Move& move, T* to) {
  const double sine = std::sin(move.angle), cosine = std::cos(move.angle);
  const double middle_row = static_cast<double>(from.height - 1) / 2;
  const double middle_column = static_cast<double>(from.width - 1) / 2;
  for (std::ptrdiff_t row = 0; row < from.height; ++row)
    for (std::ptrdiff_t column = 0; column < from.width; ++column) {
      const double y = static_cast<double>(row - move.down) - middle_row;
      const double x = static_cast<double>(column - move.right) - middle_column;
      const double source_y = cosine * y + sine * x, source_x = cosine * x - sine * y;
      *to++ = from.between(middle_row + source_y, middle_column + (move.flip ? -source_x : source_x));
    }
}

}  // namespace

template <class T>
void augment(Tensor<T>& images, const Augmentation& augmentation, Generator generator, const Location& where) {
  const Shape shape(images.shape());
  const Extents extents = extents_of(shape, augmentation.image, where);
  check(augmentation, extents, where);
  if (images.size() == 0) return;

  if (augmentation.shift > 0 || augmentation.rotate > 0 || augmentation.flip) {
    Tape<double> tape;  // draws in double, so that float and double images move equally
    const Tensor<double> draws = uniform(tape, {extents.images, 4}, generator).value();
    std::vector<T> before(extents.height * extents.width);
    const Plane<T> plane{before.data(), static_cast<std::ptrdiff_t>(extents.height),
                         static_cast<std::ptrdiff_t>(extents.width), static_cast<T>(augmentation.fill)};
    T* pixels = images.data();
    for (std::size_t image = 0; image < extents.images; ++image) {
      const Move move = move_of(draws.data() + 4 * image, augmentation);
      for (std::size_t channel = 0; channel < extents.channels; ++channel, pixels += before.size()) {
        std::copy_n(pixels, before.size(), before.data());
        if (augmentation.rotate > 0)
          turn_plane(plane, move, pixels);
        else
          shift_plane(plane, move, pixels);
      }
    }
  }
  if (augmentation.noise > 0) {
    Tape<T> tape;
    const Var<T> noise = normal(tape, shape, generator);
    images += static_cast<T>(augmentation.noise) * noise.value();
  }
}

template void augment(Tensor<float>&, const Augmentation&, Generator, const Location&);
template void augment(Tensor<double>&, const Augmentation&, Generator, const Location&);

}  // namespace wengert::data
