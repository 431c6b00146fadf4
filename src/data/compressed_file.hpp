// Reads a file that may be compressed by gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <zlib.h>

namespace wengert {

class CompressedFile {
 public:
  /// Throws FileError if there is no such file or it cannot be opened.
  explicit CompressedFile(const std::filesystem::path& path);
  ~CompressedFile() { gzclose(file_); }
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;

  /// Reads up to `count` bytes, fewer only at the end. Memory grows with what is there, whatever a header claims.
  /// Throws FileError if the file is damaged.
  std::vector<std::uint8_t> read(std::size_t count);

 private:
  std::filesystem::path path_;
  gzFile file_;
};

}  // namespace wengert
