#include "data/compressed_file.hpp"

#include <wengert/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace wengert {

CompressedFile::CompressedFile(const std::filesystem::path& path) : path_(path), file_(nullptr) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw FileError("file", path.string() + ": no such file");
  if (std::filesystem::is_directory(path, error)) throw FileError("file", path.string() + ": is a folder, not a file");
  file_ = gzopen(path.c_str(), "rb");
  if (file_ == nullptr) throw FileError("file", path.string() + ": cannot be opened: " + std::strerror(errno));
  gzbuffer(file_, 1U << 17);
}

std::vector<std::uint8_t> CompressedFile::read(std::size_t count) {
  constexpr std::size_t chunk = std::size_t{1} << 20;
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < count) {
    const std::size_t before = bytes.size();
    const std::size_t wanted = std::min(count - before, std::max(chunk, before));
    bytes.resize(before + wanted);
    const int got =
        gzread(file_, bytes.data() + before, static_cast<unsigned>(std::min<std::size_t>(wanted, 1U << 30)));
    int code = Z_OK;
    const char* reason = gzerror(file_, &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR))
      throw FileError("file", path_.string() + ": is damaged: " + reason);
    bytes.resize(before + static_cast<std::size_t>(std::max(got, 0)));
    if (got == 0) break;
  }
  int code = Z_OK;
  gzerror(file_, &code);
  if (code == Z_BUF_ERROR) throw FileError("file", path_.string() + ": is damaged: the compressed data ends too early");
  return bytes;
}

}  // namespace wengert
