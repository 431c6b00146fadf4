// Writes output files atomically.
#pragma once

#include <wengert/base/error.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace sample {

/// Throws FileError unless a file can be written at `path`. Call it before a long run.
inline void check_writable(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& what) { throw wengert::FileError("output", path.string() + ": " + what); };
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder)) refuse("there is no folder " + folder.string());
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) refuse("is not a regular file");
  const std::filesystem::path partial = path.string() + ".partial";
  if (!std::ofstream(partial)) refuse("cannot be written");
  std::filesystem::remove(partial);
}

/// Writes to `path.partial`, replacing what a killed run left there, and renames it. Throws FileError on failure; then
/// an existing file stays unchanged.
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::filesystem::path partial = path.string() + ".partial";
  std::ofstream out(partial, std::ios::binary);
  out << bytes;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(partial, path, error);
  if (!out || error) {
    std::filesystem::remove(partial, error);
    throw wengert::FileError("output", path.string() + ": cannot be written");
  }
}

}  // namespace sample
