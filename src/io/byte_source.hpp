// Reads files that may be truncated, damaged or malicious.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::io {

/// A stream of bytes from a file, which reports errors about it.
class ByteSource {
 public:
  /// `subject` is the function that reads, `label` the name of the file in messages.
  ByteSource(std::string subject, std::string label) : subject_(std::move(subject)), label_(std::move(label)) {}
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  /// Reads `count` bytes, fewer only at the end. Throws FileError if the file is damaged.
  virtual std::size_t read(void* to, std::size_t count) = 0;
  /// Throws a FileError that names the file, followed by `what`.
  [[noreturn]] void fail(std::string_view what) const { throw FileError(subject_, label_ + ": " + std::string(what)); }
  /// The name of the file in messages.
  const std::string& label() const { return label_; }

  /// Reads `count` bytes, fewer only at the end. Memory grows with the bytes read, so `count` need not be trustworthy.
  std::vector<std::uint8_t> read_up_to(std::size_t count) {
    constexpr std::size_t first_step = std::size_t{1} << 14;
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < count) {
      const std::size_t held = bytes.size();
      const std::size_t step = std::min(count - held, std::max(first_step, held));
      bytes.resize(held + step);
      const std::size_t got = read(bytes.data() + held, step);
      bytes.resize(held + got);
      if (got < step) break;
    }
    return bytes;
  }

  /// Reads the remaining bytes.
  std::vector<std::uint8_t> read_all() { return read_up_to(std::numeric_limits<std::size_t>::max()); }

 private:
  std::string subject_;
  std::string label_;
};

/// The size of an array in bytes; nullopt if no memory could hold it. In that check, extents of 0 count as 1, because
/// the strides of an empty array must not overflow either.
inline std::optional<std::size_t> byte_count(const Shape& shape, std::size_t item_size) {
  constexpr auto limit = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  std::size_t bytes = item_size;
  bool empty = false;
  for (const std::size_t extent : shape) {
    empty |= extent == 0;
    if (extent > 1 && bytes > limit / extent) return std::nullopt;
    bytes *= std::max<std::size_t>(extent, 1);
  }
  return empty ? 0 : bytes;
}

}  // namespace wengert::io
