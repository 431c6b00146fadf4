// Image augmentation: draws and checks; moves, changes of brightness and contrast, noise and cutout.
#include "data/image_move.hpp"
#include <wengert/data/augment.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

struct Extents {
  std::size_t images, channels, height, width;
};

constexpr std::size_t drawn_later = 7;  // draws of an image for scale, crop, colours and cutout

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
  }
  if (image.rank() != 2 && image.rank() != 3) refuse("images H×W or C×H×W");
  const bool flat = batch.rank() == 2;
  if (!given.empty() && (given.elements() != batch.elements() / std::max<std::size_t>(batch[0], 1) ||
                         (!flat && (batch.rank() < 3 || batch[batch.rank() - 2] != given[given.rank() - 2] ||
                                    batch.back() != given.back()))))
    refuse(fmt::format("rows that are images of shape {0}, flattened, or images whose last axes are those of {0}",
                       to_string(given)));
  const std::size_t outer = image.rank() == 3 ? image[0] : 1;
  return {batch[0], outer, image[image.rank() - 2], image.back()};
}

// The shape of the batch after `crop`.
Shape shape_after(Shape batch, const Extents& extents, const Extents& cropped, const Augmentation& a) {
  if (a.crop.empty()) return batch;
  if (batch.rank() > 2) {
    batch[batch.rank() - 2] = cropped.height;
    batch[batch.rank() - 1] = cropped.width;
    return batch;
  }
  return {extents.images, cropped.channels * cropped.height * cropped.width};
}

void check(const Augmentation& a, const Extents& extents, const Location& where) {
  const auto refuse_unless = [&](bool fit, const char* what, double amount) {
    if (!fit)
      throw ValueError("augment", fmt::format("{} {}: expected a finite number of at least 0", what, amount), where);
  };
  refuse_unless(std::isfinite(a.rotate) && a.rotate >= 0, "rotate", a.rotate);
  refuse_unless(std::isfinite(a.noise) && a.noise >= 0, "noise", a.noise);
  const auto refuse_beyond_1 = [&](bool fit, const char* what, double amount, const char* expected) {
    if (!fit || !(amount >= 0))
      throw ValueError("augment", fmt::format("{} {}: expected at least 0 and {} 1", what, amount, expected), where);
  };
  refuse_beyond_1(a.scale < 1, "scale", a.scale, "below");
  refuse_beyond_1(a.brightness <= 1, "brightness", a.brightness, "at most");
  refuse_beyond_1(a.contrast <= 1, "contrast", a.contrast, "at most");
  if (!a.crop.empty() &&
      (a.crop.rank() != 2 || a.crop.elements() == 0 || a.crop[0] > extents.height || a.crop[1] > extents.width))
    throw ValueError("augment",
                     fmt::format("crop {}: expected a height and a width of at least 1 and at most those of the image, "
                                 "{} by {} pixels",
                                 to_string(a.crop), extents.height, extents.width),
                     where);
  if (!std::isfinite(a.fill))
    throw ValueError("augment", fmt::format("fill {}: expected a finite number", a.fill), where);
  if (a.shift > 0 && a.shift >= std::min(extents.height, extents.width))
    throw ValueError("augment",
                     fmt::format("shift {}: expected less than the size of the image, {} by {} pixels", a.shift,
                                 extents.height, extents.width),
                     where);
}

// The move that results from uniform draws from [0, 1): four, and three more for scale and crop.
Move move_of(const double* draw, const double* more, const Augmentation& a, const Extents& extents) {
  const auto integer = [](double u, std::size_t count) {
    return std::min(static_cast<std::ptrdiff_t>(std::floor(u * static_cast<double>(count))),
                    static_cast<std::ptrdiff_t>(count) - 1);
  };
  const auto pixels = [&](double u) { return integer(u, 2 * a.shift + 1) - static_cast<std::ptrdiff_t>(a.shift); };
  Move move{pixels(draw[0]), pixels(draw[1]), (2 * draw[2] - 1) * a.rotate * std::numbers::pi / 180,
            a.flip && draw[3] < 0.5};
  if (a.scale > 0) move.scale = 1 + (2 * more[0] - 1) * a.scale;
  if (!a.crop.empty()) {
    move.top = integer(more[1], extents.height - a.crop[0] + 1);
    move.left = integer(more[2], extents.width - a.crop[1] + 1);
  }
  return move;
}

// Moves all images; returns them in their new size.
template <class T>
Tensor<T> moved(const Tensor<T>& images, const Augmentation& a, const Extents& from, const Extents& to,
                const Shape& shape, const Tensor<double>& draws, const Tensor<double>& more) {
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  const T* pixels = images.data();
  T* out = result.data();
  for (std::size_t image = 0; image < from.images; ++image) {
    const Move move = move_of(draws.data() + 4 * image, more.data() + drawn_later * image, a, from);
    for (std::size_t channel = 0; channel < from.channels; ++channel) {
      const Plane<T> plane{pixels, static_cast<std::ptrdiff_t>(from.height), static_cast<std::ptrdiff_t>(from.width),
                           static_cast<T>(a.fill)};
      move_plane(plane, move, a.rotate > 0 || a.scale > 0, static_cast<std::ptrdiff_t>(to.height),
                 static_cast<std::ptrdiff_t>(to.width), out);
      pixels += from.height * from.width;
      out += to.height * to.width;
    }
  }
  return result;
}

// The mean brightness of an image: ITU-R BT.601 for three channels.
template <class T>
double mean_grey(const T* pixels, const Extents& extents) {
  constexpr std::array<double, 3> luma{0.299, 0.587, 0.114};
  const std::size_t size = extents.height * extents.width;
  double sum = 0;
  for (std::size_t c = 0; c < extents.channels; ++c)
    for (std::size_t i = 0; i < size; ++i, ++pixels)
      sum +=
          static_cast<double>(*pixels) * (extents.channels == 3 ? luma[c] : 1 / static_cast<double>(extents.channels));
  return sum / static_cast<double>(size);
}

template <class T>
void change_colours(T* pixels, const double* more, const Augmentation& a, const Extents& extents) {
  const double bright = 1 + (2 * more[3] - 1) * a.brightness, steep = 1 + (2 * more[4] - 1) * a.contrast;
  const double mean = a.contrast > 0 ? bright * mean_grey(pixels, extents) : 0;
  const auto factor = static_cast<T>(bright * steep), offset = static_cast<T>((1 - steep) * mean);
  const std::size_t size = extents.channels * extents.height * extents.width;
  for (std::size_t i = 0; i < size; ++i) pixels[i] = factor * pixels[i] + offset;
}

template <class T>
void cut_out(T* pixels, const double* more, const Augmentation& a, const Extents& extents) {
  // The first and last pixels of the square along an axis; beyond the image, there are none.
  const auto range = [&](double u, std::size_t extent) {
    const auto centre = std::min(static_cast<std::size_t>(u * static_cast<double>(extent)), extent - 1);
    const std::size_t before = a.cutout / 2, begin = centre > before ? centre - before : 0;
    const std::size_t end = std::min(extent, centre + (a.cutout - before));
    return std::pair(begin, end);
  };
  const auto [top, bottom] = range(more[5], extents.height);
  const auto [left, right] = range(more[6], extents.width);
  for (std::size_t c = 0; c < extents.channels; ++c)
    for (std::size_t row = top; row < bottom; ++row) {
      T* const line = pixels + (c * extents.height + row) * extents.width;
      std::fill(line + left, line + right, static_cast<T>(a.fill));
    }
}

}  // namespace

template <class T>
void augment(Tensor<T>& images, const Augmentation& augmentation, Generator generator, const Location& where) {
  const Augmentation& a = augmentation;
  const Extents extents = extents_of(Shape(images.shape()), a.image, where);
  check(a, extents, where);
  Extents cropped = extents;
  if (!a.crop.empty()) std::tie(cropped.height, cropped.width) = std::pair(a.crop[0], a.crop[1]);
  const Shape shape = shape_after(Shape(images.shape()), extents, cropped, a);
  if (images.size() == 0) {
    if (!a.crop.empty()) images = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
    return;
  }

  Tape<double> tape;  // draws in double, so that float and double images move equally
  const bool moves = a.shift > 0 || a.rotate > 0 || a.flip, changes = a.brightness > 0 || a.contrast > 0;
  Tensor<double> draws = xt::zeros<double>({extents.images, std::size_t{4}});
  Tensor<double> more = xt::zeros<double>({extents.images, drawn_later});
  if (moves) draws = uniform(tape, {extents.images, 4}, generator).value();
  if (a.scale > 0 || !a.crop.empty() || changes || a.cutout > 0)
    more = uniform(tape, {extents.images, drawn_later}, generator).value();
  if (moves || a.scale > 0 || !a.crop.empty()) images = moved(images, a, extents, cropped, shape, draws, more);
  const std::size_t size = cropped.channels * cropped.height * cropped.width;
  for (std::size_t i = 0; changes && i < cropped.images; ++i)
    change_colours(images.data() + i * size, more.data() + i * drawn_later, a, cropped);
  if (a.noise > 0) {
    Tape<T> noise_tape;
    const Var<T> noise = normal(noise_tape, shape, generator);
    images += static_cast<T>(a.noise) * noise.value();
  }
  for (std::size_t i = 0; a.cutout > 0 && i < cropped.images; ++i)
    cut_out(images.data() + i * size, more.data() + i * drawn_later, a, cropped);
}

template void augment(Tensor<float>&, const Augmentation&, Generator, const Location&);
template void augment(Tensor<double>&, const Augmentation&, Generator, const Location&);

}  // namespace wengert::data
