// A text file that is there whole or not at all.
#pragma once

#include <wengert/error.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace sample {

/// Throws FileError unless a file can be written at `path`; so that a run does not fail at its end.
inline void check_writable(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder))
    throw wengert::FileError("output", path.string() + ": there is no folder " + folder.string());
  if (std::filesystem::is_directory(path)) throw wengert::FileError("output", path.string() + " is a folder");
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path))
    throw wengert::FileError("output", path.string() + " is not a regular file");
  const std::filesystem::path probe = path.string() + ".partial";
  if (std::filesystem::exists(probe))
    throw wengert::FileError("output", probe.string() + " is in the way: it is not overwritten");
  if (!std::ofstream(probe)) throw wengert::FileError("output", path.string() + " cannot be written");
  std::filesystem::remove(probe);
}

/// Writes `text` to a file beside `path` and renames it. Throws FileError if that fails; an existing file is then
/// unchanged.
inline void write_text(std::filesystem::path path, const std::string& text) {
  if (std::filesystem::is_symlink(path)) path = std::filesystem::weakly_canonical(path);
  const std::filesystem::path partial = path.string() + ".partial";
  std::ofstream out(partial, std::ios::binary);
  out << text;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(partial, path, error);
  if (!out || error) {
    std::filesystem::remove(partial, error);
    throw wengert::FileError("output", path.string() + " cannot be written");
  }
}

}  // namespace sample
