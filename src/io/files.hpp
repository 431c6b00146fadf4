// Reads whole files, and writes files completely or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace wengert::io {

/// Writes to the new file; throws FileError if that fails.
using WriteBytes = std::function<void(const void* bytes, std::size_t count)>;

/// Lets `write` fill a file beside `path`, syncs it to disk and renames it to `path`. Throws FileError as `subject`; in
/// that case, an existing file is unchanged, and nothing is left beside it.
void write_whole(std::string_view subject, const std::filesystem::path& path,
                 const std::function<void(const WriteBytes&)>& write);
/// The same for a text.
void write_whole(std::string_view subject, const std::filesystem::path& path, std::string_view text);

/// The bytes of a file. Throws FileError as `subject`.
std::string read_whole(std::string_view subject, const std::filesystem::path& path);

}  // namespace wengert::io
