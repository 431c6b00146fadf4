// Writes gzip files.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <zlib.h>

namespace wengert::testing {

/// Writes a file compressed by gzip and returns its path.
inline std::filesystem::path write_gzip(const std::filesystem::path& path, std::string_view bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  const int written = gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  if (gzclose(file) != Z_OK || written != static_cast<int>(bytes.size()))
    throw std::runtime_error(path.string() + " cannot be written");
  return path;
}

}  // namespace wengert::testing
