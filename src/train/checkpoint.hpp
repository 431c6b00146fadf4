// Checkpoints: everything needed to resume a training run, in one file.
//
// File format: `WGTCKPT\n`, the format version (32 bits), the number of entries (32), the length of the file (64); for
// each entry its name (length in 32 bits, bytes), kind (8 bits: 0 text, 1 int64, 2 float32, 3 float64), rank (8),
// extents (64 each; for a text, its length) and elements; finally the CRC-32 of all preceding bytes. Integers are
// little-endian.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wengert::train {

/// Named values, written to a file atomically.
class Checkpoint {
 public:
  /// The type of a value.
  using Value = std::variant<std::string, Indices, Tensor<float>, Tensor<double>>;
  static constexpr std::uint32_t version = 3;  ///< of the file format and of the entries of `fit`

  /// Adds a value, or replaces the value of that name.
  void set(std::string_view name, Value value);
  /// Adds an integer, or replaces the value of that name.
  void set_number(std::string_view name, std::uint64_t number);
  /// Adds a number, or replaces the value of that name.
  void set_number(std::string_view name, double number);

  /// Whether there is a value with this name.
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The value with this name. Throws FileError if there is none, or if it has another type.
  template <class V>
  const V& get(std::string_view name, const Location& where = Location::current()) const {
    const Value& value = at(name, where);
    if (const V* found = std::get_if<V>(&value)) return *found;
    fail_kind(name, where);
  }
  /// The value with this name, of any type. Throws FileError if there is none.
  const Value& value(std::string_view name, const Location& where = Location::current()) const {
    return at(name, where);
  }
  /// The integer with this name. Throws FileError like `get`.
  std::uint64_t count(std::string_view name, const Location& where = Location::current()) const;
  /// The number with this name. Throws FileError like `get`.
  double number(std::string_view name, const Location& where = Location::current()) const;
  /// All names and values, in order.
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }

  /// The path of the file it was read from, for messages; otherwise `checkpoint`.
  const std::string& source() const { return source_; }

  /// Writes all values to a file beside `path`, flushes it to disk, and renames it to `path`, so that a complete file
  /// always exists. Throws FileError if that fails; then the old file stays.
  void save(const std::filesystem::path& path, const Location& where = Location::current()) const;
  /// Reads a file. Throws FileError, which states the cause, if it cannot be read, is not a checkpoint, has another
  /// version, or is truncated or damaged. Memory use grows with the actual content of the file.
  static Checkpoint load(const std::filesystem::path& path, const Location& where = Location::current());

 private:
  const Value* find(std::string_view name) const;
  const Value& at(std::string_view name, const Location& where) const;
  [[noreturn]] void fail_kind(std::string_view name, const Location& where) const;

  std::vector<std::pair<std::string, Value>> entries_;
  std::string source_ = "checkpoint";
};

/// The CRC-32 of bytes that follow those whose CRC-32 is `before`; 0 before the first ones.
std::uint32_t crc(std::uint32_t before, const void* bytes, std::size_t count);

}  // namespace wengert::train
