// An input file, plain or compressed by gzip.
#pragma once

#include "io/byte_source.hpp"

#include <filesystem>
#include <string>

#include <zlib.h>

namespace wengert::data {

class InputFile final : public io::ByteSource {
 public:
  InputFile(std::string subject, const std::filesystem::path& path);
  ~InputFile() override;

  std::size_t read(void* to, std::size_t count) override;

 private:
  gzFile file_ = nullptr;
};

}  // namespace wengert::data
