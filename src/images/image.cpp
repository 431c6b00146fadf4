// Reading and resizing of images: format detection, conversion to planar tensors, and antialiased bilinear resampling.
#include "base/located.hpp"
#include "images/decode.hpp"
#include "io/plain_file.hpp"
#include <wengert/data/augment.hpp>
#include <wengert/images/image.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace wengert::images {
namespace {

constexpr std::size_t longest_ratio = 100;  // of the sides of an image for ReadOptions::shorter_side

Pixels read_pixels(const std::filesystem::path& path) {
  io::PlainFile file("images::read", path);
  const std::vector<std::uint8_t> bytes = file.read_all();
  constexpr std::array<std::uint8_t, 4> png{0x89, 'P', 'N', 'G'};
  constexpr std::array<std::uint8_t, 2> jpeg{0xFF, 0xD8};
  const auto starts_with = [&](const auto& magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
  };
  if (starts_with(png)) return decode_png(bytes, file);
  if (starts_with(jpeg)) return decode_jpeg(bytes, file);
  file.fail("is neither a PNG nor a JPEG image");
}

// Converts bytes H×W×C to numbers C×H×W in [0, 1], with the requested number of channels, before the background.
template <class T>
Tensor<T> tensor_of(const Pixels& pixels, std::size_t channels, T background) {
  auto image = Tensor<T>::from_shape({channels, pixels.height, pixels.width});
  const std::size_t size = pixels.height * pixels.width;
  const bool coloured = pixels.channels >= 3, transparent = pixels.channels % 2 == 0;
  const std::uint8_t* from = pixels.bytes.data();
  for (std::size_t i = 0; i < size; ++i, from += pixels.channels) {
    if (channels == 1 && coloured)
      image.data()[i] = (T{299} * from[0] + T{587} * from[1] + T{114} * from[2]) / T{255'000};
    else
      for (std::size_t c = 0; c < channels; ++c) image.data()[c * size + i] = from[coloured ? c : 0] / T{255};
    if (!transparent) continue;
    const T opacity = from[pixels.channels - 1] / T{255};
    for (std::size_t c = 0; c < channels; ++c) {
      T& value = image.data()[c * size + i];
      value = opacity * value + (1 - opacity) * background;
    }
  }
  return image;
}

// The neighbouring input pixels whose weighted sum is one pixel of the result.
template <class T>
struct Taps {
  std::size_t first;
  std::vector<T> weights;
};

// The triangle filter of each output pixel. Its base is as wide as two input pixels or, when downscaling, two output
// pixels.
template <class T>
std::vector<Taps<T>> taps(std::size_t from, std::size_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to), reach = std::max(scale, 1.0);
  std::vector<Taps<T>> all(to);
  for (std::size_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = static_cast<std::size_t>(std::max(0.0, std::floor(centre - reach + 0.5)));
    const auto last = std::min(from, static_cast<std::size_t>(std::floor(centre + reach + 0.5)));
    std::vector<double> weights;
    double sum = 0;
    for (std::size_t j = first; j < last; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(j) + 0.5 - centre) / reach));
      sum += weights.back();
    }
    all[i].first = first;
    for (const double weight : weights) all[i].weights.push_back(static_cast<T>(weight / sum));
  }
  return all;
}

// Resizes a plane H×W; `between` has room for H×W'.
template <class T>
void resize_plane(const T* from, std::size_t width, const std::vector<Taps<T>>& rows,
                  const std::vector<Taps<T>>& columns, std::vector<T>& between, T* to) {
  const std::size_t height = between.size() / columns.size();
  T* next = between.data();
  for (std::size_t i = 0; i < height; ++i)
    for (const auto& [first, weights] : columns) {
      T sum = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * from[i * width + first + k];
      *next++ = sum;
    }
  for (const auto& [first, weights] : rows)
    for (std::size_t j = 0; j < columns.size(); ++j) {
      T sum = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * between[(first + k) * columns.size() + j];
      *to++ = sum;
    }
}

template <class T>
Tensor<T> resized(const Tensor<T>& image, std::size_t height, std::size_t width) {
  const Shape shape(image.shape());
  if (shape[1] == height && shape[2] == width) return image;
  const auto rows = taps<T>(shape[1], height), columns = taps<T>(shape[2], width);
  auto result = Tensor<T>::from_shape({shape[0], height, width});
  std::vector<T> between(shape[1] * width);
  for (std::size_t c = 0; c < shape[0]; ++c)
    resize_plane(image.data() + c * shape[1] * shape[2], shape[2], rows, columns, between,
                 result.data() + c * height * width);
  return result;
}

void check_image(const char* subject, const Shape& shape, const Location& where) {
  if (shape.rank() != 3 || shape.elements() == 0)
    throw ShapeError(subject, fmt::format("shape {}: expected an image C×H×W", to_string(shape)), where);
}

void check_options(const ReadOptions& options, const Location& where) {
  const auto refuse = [&](const std::string& what) { throw ValueError("images::read", what, where); };
  if (options.channels != 1 && options.channels != 3)
    refuse(fmt::format("{} channels: expected 3 or 1", options.channels));
  if ((options.height == 0) != (options.width == 0))
    refuse(fmt::format("height {} and width {}: expected both or neither", options.height, options.width));
  if (!(options.background >= 0 && options.background <= 1))
    refuse(fmt::format("background {}: expected a grey from 0 to 1", options.background));
}

}  // namespace

void check_extents(std::size_t height, std::size_t width, std::size_t file_size, std::size_t most,
                   const io::ByteSource& source) {
  if (height == 0 || width == 0)
    source.fail(fmt::format("an image of {} by {} pixels: expected at least 1 by 1", height, width));
  if (height > file_size * most / width)
    source.fail(
        fmt::format("its header claims {} by {} pixels: more than its {} bytes can hold", height, width, file_size));
}

template <class T>
Tensor<T> resize(const Tensor<T>& image, std::size_t height, std::size_t width, const Location& where) {
  return located("images::resize", where, [&]() -> Tensor<T> {
    check_image("images::resize", Shape(image.shape()), where);
    if (height == 0 || width == 0)
      throw ValueError("images::resize", fmt::format("{} by {} pixels: expected at least 1 by 1", height, width),
                       where);
    return resized(image, height, width);
  });
}

template <class T>
Tensor<T> resize_shorter_side(const Tensor<T>& image, std::size_t size, const Location& where) {
  return located("images::resize_shorter_side", where, [&]() -> Tensor<T> {
    const Shape shape(image.shape());
    check_image("images::resize_shorter_side", shape, where);
    constexpr std::size_t most = std::size_t{1} << 24;  // so that products with extents do not overflow
    if (size == 0 || size > most)
      throw ValueError("images::resize_shorter_side", fmt::format("{} pixels: expected 1 to {}", size, most), where);
    const std::size_t shorter = std::min(shape[1], shape[2]);
    return resized(image, size * shape[1] / shorter, size * shape[2] / shorter);
  });
}

template <class T>
Tensor<T> read(const std::filesystem::path& path, const ReadOptions& options, const Location& where) {
  return located("images::read", where, [&]() -> Tensor<T> {
    check_options(options, where);
    Tensor<T> image = tensor_of<T>(read_pixels(path), options.channels, static_cast<T>(options.background));
    if (options.shorter_side > 0) {
      const auto [shorter, longer] = std::minmax({image.shape()[1], image.shape()[2]});
      if (longer / shorter >= longest_ratio)  // its longer side, which grows alike, may exceed all memory
        throw FileError("images::read",
                        fmt::format("{}: {} by {} pixels: expected one side to be less than {} times as long as the "
                                    "other with shorter_side; crop the image, or set height and width alone",
                                    path.string(), image.shape()[1], image.shape()[2], longest_ratio),
                        where);
      image = resize_shorter_side(image, options.shorter_side, where);
    }
    if (options.height == 0) return image;
    if (options.shorter_side == 0) return resized(image, options.height, options.width);
    const std::size_t height = image.shape()[1], width = image.shape()[2];
    if (height < options.height || width < options.width)
      throw FileError("images::read",
                      fmt::format("{}: {} by {} pixels after resizing: expected at least the crop, {} by {}",
                                  path.string(), height, width, options.height, options.width),
                      where);
    return data::center_crop(image, options.height, options.width, where);
  });
}

template Tensor<float> resize(const Tensor<float>&, std::size_t, std::size_t, const Location&);
template Tensor<double> resize(const Tensor<double>&, std::size_t, std::size_t, const Location&);
template Tensor<float> resize_shorter_side(const Tensor<float>&, std::size_t, const Location&);
template Tensor<double> resize_shorter_side(const Tensor<double>&, std::size_t, const Location&);
template Tensor<float> read(const std::filesystem::path&, const ReadOptions&, const Location&);
template Tensor<double> read(const std::filesystem::path&, const ReadOptions&, const Location&);

}  // namespace wengert::images
