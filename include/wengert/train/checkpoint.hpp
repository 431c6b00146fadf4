// Checkpoints: everything a training needs to go on, in one file.
//
// The file: `WGTCKPT\n`, the format's version (32 bits), the number of entries (32), the file's length (64); of each
// entry its name (length in 32 bits, bytes), kind (8 bits: 0 text, 1 int64, 2 float32, 3 float64), rank (8), extents
// (64 each; of a text its length) and elements; at the end the CRC-32 of all before. Whole numbers are little-endian.
#pragma once

#include <wengert/error.hpp>
#include <wengert/index_var.hpp>
#include <wengert/tensor.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wengert::train {

/// Named values, written to a file as a whole or not at all.
class Checkpoint {
 public:
  /// What a name can stand for.
  using Value = std::variant<std::string, Indices, Tensor<float>, Tensor<double>>;
  static constexpr std::uint32_t version = 1;  ///< of the format

  /// Adds a value, or replaces the one of that name.
  void set(std::string_view name, Value value);
  /// Adds a whole number.
  void set_number(std::string_view name, std::uint64_t number);
  /// Adds a number.
  void set_number(std::string_view name, double number);

  /// Whether there is a value of this name.
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// A value. Throws FileError if there is none of that name or it is of another kind.
  template <class V>
  const V& get(std::string_view name, const Location& where = Location::current()) const {
    const Value& value = at(name, where);
    if (const V* found = std::get_if<V>(&value)) return *found;
    fail_kind(name, where);
  }
  /// A whole number. Throws FileError as `get`.
  std::uint64_t count(std::string_view name, const Location& where = Location::current()) const;
  /// A number. Throws FileError as `get`.
  double number(std::string_view name, const Location& where = Location::current()) const;
  /// All names and values, in order.
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }

  /// The file it was read from, for messages; otherwise `checkpoint`.
  const std::string& source() const { return source_; }

  /// Writes all to a file beside `path`, makes sure it is on the disk, and puts it in the place of `path`: at any
  /// moment there is either the old file or the new one. Throws FileError if that fails; the old one then stays.
  void save(const std::filesystem::path& path, const Location& where = Location::current()) const;
  /// Reads a file. Throws FileError, saying what is wrong, if it cannot be read, is no checkpoint, is of a newer
  /// version, truncated or damaged. Memory grows with what the file holds.
  static Checkpoint load(const std::filesystem::path& path, const Location& where = Location::current());

 private:
  const Value* find(std::string_view name) const;
  const Value& at(std::string_view name, const Location& where) const;
  [[noreturn]] void fail_kind(std::string_view name, const Location& where) const;

  std::vector<std::pair<std::string, Value>> entries_;
  std::string source_ = "checkpoint";
};

}  // namespace wengert::train
