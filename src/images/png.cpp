// The PNG decoder on libpng's simplified API: rejects sizes that the file cannot hold.
#include "images/decode.hpp"

#include <png.h>

#include <fmt/format.h>

namespace wengert::images {
namespace {

// libpng's simplified API reports errors by return values, without longjmp.
struct Reader {
  png_image image{};
  Reader() { image.version = PNG_IMAGE_VERSION; }
  ~Reader() { png_image_free(&image); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

}  // namespace

Pixels decode_png(std::span<const std::uint8_t> file, const io::ByteSource& source) {
  Reader reader;
  const auto damaged = [&] { source.fail(fmt::format("is not a valid PNG image: {}", reader.image.message)); };
  if (png_image_begin_read_from_memory(&reader.image, file.data(), file.size()) == 0) damaged();
  // The header at the start of the file, which libpng has validated, gives the bits per sample and the colour type.
  constexpr std::size_t samples_of_a_pixel[] = {1, 0, 3, 1, 2, 0, 4};
  const std::size_t bits = file[24] * samples_of_a_pixel[file[25]];
  constexpr std::size_t deflated_by_at_best = 1032;
  check_extents(reader.image.height, reader.image.width, file.size(), 8 * deflated_by_at_best / bits, source);

  reader.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // otherwise 16-bit samples without a gamma count as linear
  reader.image.format &= PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA;  // 8 bits, no palette, opacity last
  Pixels pixels{reader.image.height, reader.image.width, PNG_IMAGE_SAMPLE_CHANNELS(reader.image.format), {}};
  pixels.bytes.resize(pixels.height * pixels.width * pixels.channels);
  if (png_image_finish_read(&reader.image, nullptr, pixels.bytes.data(), 0, nullptr) == 0) damaged();
  return pixels;
}

}  // namespace wengert::images
