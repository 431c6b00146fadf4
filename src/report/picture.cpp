// Encodes a sample as a PNG, grey or RGB, in a base64 data URI.
#include "report/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <zlib.h>

namespace wengert::report {
namespace {

void append_big_endian(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(number >> shift & 0xff);
}

void append_chunk(std::string& png, std::string_view type, const std::string& body) {
  append_big_endian(png, static_cast<std::uint32_t>(body.size()));
  const std::string content = std::string(type) + body;
  png += content;
  append_big_endian(
      png, static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size())));
}

std::string compressed(const std::string& bytes) {
  uLongf length = compressBound(static_cast<uLong>(bytes.size()));
  std::string result(length, '\0');
  compress2(reinterpret_cast<Bytef*>(result.data()), &length, reinterpret_cast<const Bytef*>(bytes.data()),
            static_cast<uLong>(bytes.size()), Z_BEST_COMPRESSION);
  result.resize(length);
  return result;
}

}  // namespace

bool is_picture(const Shape& shape) {
  constexpr std::size_t largest = 512;
  const std::size_t rank = shape.rank();
  if (rank != 2 && (rank != 3 || (shape[0] != 1 && shape[0] != 3))) return false;
  return std::ranges::all_of(shape, [](std::size_t extent) { return extent >= 1 && extent <= largest; }) &&
         shape[rank - 1] > 1 && shape[rank - 2] > 1;
}

std::string picture_address(std::span<const double> values, const Shape& shape) {
  const std::size_t channels = shape.rank() == 3 ? shape[0] : 1, height = shape[shape.rank() - 2],
                    width = shape[shape.rank() - 1];
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double scale = high > low ? 255 / (high - low) : 0;
  std::string rows;
  for (std::size_t y = 0; y < height; ++y) {
    rows += '\0';  // no filter
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < channels; ++c) {
        const double value = (values[(c * height + y) * width + x] - low) * scale;
        rows += static_cast<char>(static_cast<unsigned char>(std::isfinite(value) ? std::lround(value) : 0));
      }
  }
  std::string header;
  append_big_endian(header, static_cast<std::uint32_t>(width));
  append_big_endian(header, static_cast<std::uint32_t>(height));
  header += '\x08';                         // bits per sample
  header += channels == 3 ? '\x02' : '\0';  // RGB or grey
  header += std::string(3, '\0');           // deflate, standard filters, not interlaced
  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", compressed(rows));
  append_chunk(png, "IEND", "");
  return "data:image/png;base64," + base64(png);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace wengert::report
