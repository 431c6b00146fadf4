// An input file that is read without decompression.
#pragma once

#include "io/byte_source.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace wengert::io {

class PlainFile final : public ByteSource {
 public:
  /// Throws FileError as `subject` if there is no such file or it cannot be opened.
  PlainFile(std::string subject, const std::filesystem::path& path);

  std::size_t read(void* to, std::size_t count) override;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace wengert::io
