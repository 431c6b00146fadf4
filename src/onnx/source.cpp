// Source: errors of ONNX files, the limit on their memory, and their external data.
#include "onnx/source.hpp"

#include "io/in_quotes.hpp"
#include "io/json.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace fs = std::filesystem;
using io::in_quotes;

namespace {

constexpr std::size_t free_memory = std::size_t{32} << 20;
constexpr std::size_t memory_per_byte = 64;

std::size_t memory_for(std::size_t bytes) {
  const std::size_t largest = (std::numeric_limits<std::size_t>::max() - free_memory) / memory_per_byte;
  return free_memory + memory_per_byte * std::min(bytes, largest);
}

}  // namespace

Source::Source(std::string label, std::size_t bytes, fs::path folder)
    : label_(std::move(label)), budget_(memory_for(bytes)), folder_(folder.empty() ? "." : std::move(folder)) {}

void Source::fail(std::string_view what) const { throw FileError("onnx::load", fmt::format("{}: {}", label_, what)); }

void Source::require_utf8(std::string_view text, std::string_view what) const {
  if (!io::is_utf8(text)) fail(fmt::format("{}, {}, is not UTF-8: the file is damaged", what, in_quotes(text)));
}

void Source::spend(std::size_t bytes) {
  if (bytes > budget_)
    fail(fmt::format("its functions and sparse tensors expand to more than {} MiB and {} times the size of the file",
                     free_memory >> 20, memory_per_byte));
  budget_ -= bytes;
}

fs::path Source::locate(const std::string& what, const std::string& location) const {
  const auto refuse = [&](std::string_view why) {
    fail(fmt::format("{}: external data in {}: {}", what, in_quotes(location), why));
  };
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string::npos) refuse("expected the name of a file");
  if (relative.is_absolute()) refuse("expected a path relative to the folder of the model");
  if (std::ranges::find(relative, fs::path("..")) != relative.end())
    refuse("a path with '..': external data must lie in the folder of the model");
  std::error_code failure;
  const fs::path base = fs::canonical(folder_, failure);
  const fs::path file = failure ? fs::path() : fs::canonical(base / relative, failure);
  if (failure) refuse(failure.message());
  if (std::ranges::mismatch(base, file).in1 != base.end())
    refuse("a link that leads out of the folder of the model; copy the file into it");
  if (!fs::is_regular_file(file, failure)) refuse("it is not a regular file");
  return file;
}

std::string Source::external(const std::string& what, const std::string& location, std::size_t offset,
                             std::optional<std::size_t> length, std::size_t expected) {
  const fs::path path = locate(what, location);
  const auto refuse = [&](std::string_view why) {
    fail(fmt::format("{}: external data in {}: {}", what, in_quotes(location), why));
  };
  if (length && *length != expected)
    refuse(fmt::format("{} bytes are declared, but its shape and type take {}", *length, expected));
  const std::size_t size = fs::file_size(path);
  if (offset > size || expected > size - offset)
    refuse(fmt::format("{} bytes at offset {} are declared, but the file has {}", expected, offset, size));
  std::size_t& taken = taken_[path];
  taken += expected;
  if (taken > size && taken - size > size) refuse("tensors overlap: together they are twice as large as the file");
  std::string bytes(expected, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.seekg(static_cast<std::streamoff>(offset)) ||
      !file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    refuse("it cannot be read");
  return bytes;
}

}  // namespace wengert::onnx::detail
