// A file that replaces its target when it is complete.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace wengert::io {

/// Writes to a file beside the path; `finish` syncs it to disk and renames it to the path. Without `finish`, the file
/// at the path does not change.
class OutputFile {
 public:
  /// The name of the temporary file beside the path: a new one, or `path.partial`, which replaces the file that a
  /// killed process has left there.
  enum class TemporaryName : bool { unique, partial };

  /// Throws FileError as `subject` if the file cannot be written. A symbolic link is kept; its target is replaced.
  OutputFile(std::string subject, const std::filesystem::path& path, TemporaryName name = TemporaryName::unique);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Appends bytes. Throws FileError.
  void write(std::string_view bytes);
  template <class T>
  void write_elements(std::span<const T> elements) {
    write({reinterpret_cast<const char*>(elements.data()), elements.size_bytes()});
  }
  /// Replaces the file at the path. Throws FileError.
  void finish();

 private:
  [[noreturn]] void fail(std::string_view what, int error_number) const;

  std::string subject_;
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

}  // namespace wengert::io
