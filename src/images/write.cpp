// Writes PNG files with libpng's simplified API.
#include "base/located.hpp"
#include "io/output_file.hpp"
#include <wengert/images/image.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <png.h>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace wengert::images {
namespace {

// Numbers C×H×W as bytes H×W×C.
template <class T>
std::vector<std::uint8_t> bytes_of(const Tensor<T>& image, const Shape& shape, const Location& where) {
  const std::size_t channels = shape[0], size = shape[1] * shape[2];
  std::vector<std::uint8_t> bytes(channels * size);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < size; ++i) {
      const T value = image.data()[c * size + i];
      if (std::isnan(value))
        throw ValueError(
            "images::write",
            fmt::format("element {} is NaN: expected numbers from 0 to 1", to_string(unravel(c * size + i, shape))),
            where);
      bytes[i * channels + c] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, T{0}, T{1})));
    }
  return bytes;
}

std::string encode_png(const std::vector<std::uint8_t>& bytes, const Shape& shape, const Location& where) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(shape[1]);
  image.width = static_cast<png_uint_32>(shape[2]);
  image.format = shape[0] == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(size, '\0');
  if (png_image_write_to_memory(&image, file.data(), &size, 0, bytes.data(), 0, nullptr) == 0)
    throw FileError("images::write", fmt::format("the image cannot be encoded: {}", image.message), where);
  file.resize(size);
  return file;
}

}  // namespace

template <class T>
void write(const std::filesystem::path& path, const Tensor<T>& image, const Location& where) {
  located("images::write", where, [&] {
    const Shape shape(image.shape());
    constexpr std::size_t longest = 1'000'000;  // libpng's limit for either side
    if (shape.rank() != 3 || (shape[0] != 1 && shape[0] != 3) || shape.elements() == 0 ||
        std::max(shape[1], shape[2]) > longest)
      throw ShapeError(
          "images::write",
          fmt::format("shape {}: expected an image C×H×W with 1 or 3 channels and at most {} pixels a side",
                      to_string(shape), longest),
          where);
    const std::string bytes = encode_png(bytes_of(image, shape, where), shape, where);
    io::OutputFile file("images::write", path);
    file.write(bytes);
    file.finish();
  });
}

template void write(const std::filesystem::path&, const Tensor<float>&, const Location&);
template void write(const std::filesystem::path&, const Tensor<double>&, const Location&);

}  // namespace wengert::images
