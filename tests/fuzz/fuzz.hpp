// Shared code of the fuzz targets: provides the fuzzer's bytes as a file and calls readers on it.
#pragma once

#include <wengert/base/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace wengert::fuzz {

/// A file in memory, accessible by a path during its lifetime.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> bytes) : descriptor_(memfd_create("fuzzed", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Passes the bytes to each reader as a file. A reader must return or throw a wengert::Error; any other exception ends
/// the process.
template <class... Readers>
int read_all(std::span<const std::uint8_t> bytes, Readers... readers) {
  const MemoryFile file(bytes);
  const auto attempt = [&](auto reader) {
    try {
      reader(file.path());
    } catch (const Error&) {
    }
  };
  (attempt(readers), ...);
  return 0;
}

}  // namespace wengert::fuzz

/// Entry point that the fuzzer calls with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
