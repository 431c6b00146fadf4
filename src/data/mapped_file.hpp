// A memory-mapped file.
#pragma once

#include "io/byte_source.hpp"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <span>
#include <string>

namespace wengert::data {

class MappedFile final : public io::ByteSource {
 public:
  /// Throws FileError as `subject` if the file cannot be opened or mapped.
  MappedFile(std::string subject, const std::filesystem::path& path);
  ~MappedFile() override;

  std::size_t read(void* to, std::size_t count) override;
  /// The bytes that have not been read yet.
  std::span<const std::uint8_t> rest() const { return {data_ + position_, size_ - position_}; }
  /// Throws FileError if the file has changed since it was opened.
  void check_unchanged() const;

 private:
  int descriptor_ = -1;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t position_ = 0;
  timespec changed_{};
};

}  // namespace wengert::data
