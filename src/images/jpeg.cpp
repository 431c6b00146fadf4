// The JPEG decoder on libjpeg: turns longjmp errors and warnings into FileErrors.
#include "images/decode.hpp"

#include <csetjmp>
#include <cstdio>
#include <jpeglib.h>

#include <fmt/format.h>

namespace wengert::images {
namespace {

// libjpeg reports errors by longjmp, so the functions that call it must not own objects with destructors.
struct Decoder {
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors{};
  std::jmp_buf back{};
  char text[JMSG_LENGTH_MAX]{};
  bool warned = false;  // a warning means that libjpeg invented pixels

  Decoder() {
    state.err = jpeg_std_error(&errors);
    state.client_data = this;
    errors.error_exit = [](j_common_ptr common) {
      auto* const decoder = static_cast<Decoder*>(common->client_data);
      common->err->format_message(common, decoder->text);
      std::longjmp(decoder->back, 1);  // NOLINT: libjpeg offers no other way out
    };
    errors.emit_message = [](j_common_ptr common, int level) {
      auto* const decoder = static_cast<Decoder*>(common->client_data);
      if (level >= 0 || decoder->warned) return;
      decoder->warned = true;
      common->err->format_message(common, decoder->text);
    };
  }
  ~Decoder() { jpeg_destroy_decompress(&state); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

bool read_header(Decoder& decoder, const std::uint8_t* bytes, std::size_t size) {
  if (setjmp(decoder.back) != 0) return false;
  jpeg_create_decompress(&decoder.state);
  jpeg_mem_src(&decoder.state, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&decoder.state, TRUE);
  decoder.state.out_color_space = decoder.state.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

bool read_rows(Decoder& decoder, std::uint8_t* rows, std::size_t row_size) {
  if (setjmp(decoder.back) != 0) return false;
  jpeg_start_decompress(&decoder.state);
  while (decoder.state.output_scanline < decoder.state.output_height) {
    JSAMPROW row = rows + decoder.state.output_scanline * row_size;
    jpeg_read_scanlines(&decoder.state, &row, 1);
  }
  jpeg_finish_decompress(&decoder.state);
  return true;
}

}  // namespace

Pixels decode_jpeg(std::span<const std::uint8_t> file, const io::ByteSource& source) {
  Decoder decoder;
  const auto damaged = [&] { source.fail(fmt::format("is not a valid JPEG image: {}", decoder.text)); };
  if (!read_header(decoder, file.data(), file.size()) || decoder.warned) damaged();
  constexpr std::size_t pixels_of_a_byte = 8 * 64;  // a block of 8×8 takes at least a bit
  check_extents(decoder.state.image_height, decoder.state.image_width, file.size(), pixels_of_a_byte, source);
  if (decoder.state.num_components != 1 && decoder.state.num_components != 3)
    source.fail(fmt::format("{} colour components: expected 1 or 3", decoder.state.num_components));

  Pixels pixels{decoder.state.image_height,
                decoder.state.image_width,
                static_cast<std::size_t>(decoder.state.num_components),
                {}};
  pixels.bytes.resize(pixels.height * pixels.width * pixels.channels);
  if (!read_rows(decoder, pixels.bytes.data(), pixels.width * pixels.channels) || decoder.warned) damaged();
  return pixels;
}

}  // namespace wengert::images
