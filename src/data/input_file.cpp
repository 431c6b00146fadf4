// InputFile: reads plain and gzip-compressed files through zlib, and reports truncated or corrupt data.
#include "data/input_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {

InputFile::InputFile(std::string subject, const std::filesystem::path& path)
    : io::ByteSource(std::move(subject), path.string()) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail("is a directory: expected a file");
  errno = 0;
  file_ = gzopen(path.c_str(), "rb");
  if (file_ == nullptr && errno == ENOENT) fail("no such file");
  if (file_ == nullptr) fail(fmt::format("cannot be opened: {}", std::generic_category().message(errno)));
  gzbuffer(file_, 1U << 15);
}

InputFile::~InputFile() {
  if (file_ != nullptr) gzclose_r(file_);
}

std::size_t InputFile::read(void* to, std::size_t count) {
  constexpr std::size_t most_at_once = std::size_t{1} << 30;  // gzread counts in int
  auto* next = static_cast<std::uint8_t*>(to);
  std::size_t total = 0;
  while (total < count) {
    const auto wanted = static_cast<unsigned>(std::min(count - total, most_at_once));
    const int got = gzread(file_, next + total, wanted);
    if (got > 0) total += static_cast<std::size_t>(got);
    if (got == static_cast<int>(wanted)) continue;
    const int error_number = errno;
    int code = Z_OK;
    gzerror(file_, &code);
    if (code == Z_BUF_ERROR) fail("is truncated: its gzip data ends too early");
    if (code == Z_ERRNO) fail(fmt::format("cannot be read: {}", std::generic_category().message(error_number)));
    if (code != Z_OK) fail("is damaged: its gzip data is invalid");
    break;
  }
  return total;
}

}  // namespace wengert::data
