// A file that takes its place when it is complete.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace wengert {

/// Writes beside the path; `finish` puts what was written in its place, safely on disk. Without it, nothing changes.
class OutputFile {
 public:
  /// What is beside the path until then: a file of a new name, or `path.partial`, which replaces what a killed process
  /// left there.
  enum class Beside : bool { new_name, partial };

  /// Throws FileError as `subject` if nothing can be written there. A link stays a link to the file it names.
  OutputFile(std::string subject, const std::filesystem::path& path, Beside beside = Beside::new_name);
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
  std::filesystem::path beside_;
  int descriptor_ = -1;
};

}  // namespace wengert
