// Files that claim more than they hold or are damaged cause an error, and no memory is allocated for claimed sizes.
#include "data/files.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data.hpp>
#include <wengert/io.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <random>

namespace {
std::atomic<std::size_t> largest{0};  // block requested

void* counted(std::size_t bytes) {
  largest = std::max(largest.load(), bytes);
  void* p = std::malloc(bytes == 0 ? 1 : bytes);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace

// g++ does not match these new and delete.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return counted(bytes);
  } catch (...) {
    return nullptr;
  }
}
void* operator new[](std::size_t bytes, const std::nothrow_t& nothrow) noexcept { return operator new(bytes, nothrow); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

using Reader = std::function<void(const std::filesystem::path&)>;

// All readers of formats with a header, with the extensions of their files.
const std::vector<std::pair<std::string, Reader>> readers{
    {"idx", [](const auto& path) { read_idx_bytes(path); }},
    {"idx", [](const auto& path) { map_idx<float>(path); }},
    {"npy", [](const auto& path) { io::load_npy<float>(path); }},
    {"npy", [](const auto& path) { map_npy<float>(path); }},
    {"npz", [](const auto& path) { io::load_npz<float>(path); }},
    {"safetensors", [](const auto& path) { io::load_safetensors<float>(path); }},
};

// Writes a valid file of shape 16×16×1 in each format.
void write_sound_files(const TemporaryFolder& folder) {
  const Tensor<float> x = random_tensor<float>({16, 16, 1}, 1);
  std::string idx("\0\0\x08\x03\0\0\0\x10\0\0\0\x10\0\0\0\x01", 16);
  folder.write("x.idx", idx + std::string(256, 'x'));
  io::save_npy(folder / "x.npy", x);
  io::save_npz<float>(folder / "x.npz", {{"x", x}});
  io::save_safetensors<float>(folder / "x.safetensors", {{"x", x}});
}

// Returns the bytes with the first occurrence of `from` replaced by `to`.
std::string exchanged(std::string bytes, const std::string& from, const std::string& to) {
  const std::size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  return bytes.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a header that claims 2^60 elements costs a mebibyte at most") {
  const TemporaryFolder folder;
  write_sound_files(folder);
  const std::string extent("\0\x10\0\0", 4);  // 2^20
  const std::string idx = exchanged(bytes_of(folder / "x.idx"), std::string("\0\0\0\x10\0\0\0\x10\0\0\0\x01", 12),
                                    extent + extent + extent);
  folder.write("lie.idx", idx);
  write_gzip(folder / "lie.gz", idx);
  const std::string claim = "(1048576, 1048576, 1048576), }";
  folder.write("lie.npy", exchanged(bytes_of(folder / "x.npy"), "(16, 16, 1), }" + std::string(16, ' '), claim));
  const std::string header =
      "{\"x\":{\"dtype\":\"U8\",\"shape\":[1048576,1048576,1048576],\"data_offsets\":[0,1152921504606846976]}}";
  std::string lie(8, '\0');
  lie[0] = static_cast<char>(header.size());
  lie.append(header).append("data");
  folder.write("lie.safetensors", lie);

  for (const auto& [ending, read] : readers) {
    if (ending == "npz") continue;  // its arrays are .npy files
    INFO(ending);
    largest = 0;
    const std::string message = file_complaint([&] { read(folder / ("lie." + ending)); });
    CHECK((contains(message, "is truncated: ") || contains(message, "more than memory can hold")));
    CHECK(largest <= (std::size_t{1} << 20));
  }
  largest = 0;
  CHECK(contains(file_complaint([&] { read_idx_bytes(folder / "lie.gz"); }), "is truncated: "));
  CHECK(largest <= (std::size_t{1} << 20));
}

TEST_CASE("a file that is damaged anywhere is read or refused, and costs no memory") {
  const TemporaryFolder folder;
  write_sound_files(folder);
  std::mt19937_64 generator(1);
  for (const auto& [ending, read] : readers) {
    const std::string sound = bytes_of(folder / ("x." + ending));
    const auto path = folder / ("damaged." + ending);
    read(folder / ("x." + ending));
    std::size_t refused = 0;
    largest = 0;
    for (int trial = 0; trial < 400; ++trial) {
      std::string bytes = sound;
      for (std::uint64_t flips = 1 + generator() % 3; flips > 0; --flips)
        bytes[generator() % std::min<std::size_t>(bytes.size(), 220)] ^= static_cast<char>(1U << generator() % 8);
      if (generator() % 4 == 0) bytes.resize(generator() % bytes.size());
      folder.write("damaged." + ending, bytes);
      try {
        read(path);
      } catch (const FileError& error) {
        refused += contains(error.what(), path.string()) ? 1 : 0;
      }
    }
    INFO(ending << ": " << refused << " of 400 refused");
    CHECK(refused > 100);
    CHECK(largest <= (std::size_t{1} << 20));
  }
}
