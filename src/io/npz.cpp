#include "io/npy.hpp"
#include <wengert/error.hpp>
#include <wengert/io/npz.hpp>

#include <memory>
#include <set>
#include <string>

#include <fmt/format.h>
#include <zip.h>

namespace wengert {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }  // leaves the file as it was
};
using Archive = std::unique_ptr<zip_t, Discard>;

Archive open(const std::filesystem::path& path, int flags) {
  std::error_code ignored;
  if ((flags & ZIP_RDONLY) != 0 && !std::filesystem::exists(path, ignored))
    throw FileError("npz", path.string() + ": no such file");
  int code = 0;
  Archive archive(zip_open(path.c_str(), flags, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw FileError("npz", path.string() + ": " + reason);
}

constexpr std::string_view ending = ".npy";

std::string read_entry(zip_t* archive, zip_uint64_t index, const std::string& label) {
  zip_file_t* file = zip_fopen_index(archive, index, 0);
  if (file == nullptr) throw FileError("npz", label + ": " + zip_strerror(archive));
  std::string bytes;
  constexpr std::size_t chunk = std::size_t{1} << 20;
  zip_int64_t got = 0;
  do {
    const std::size_t before = bytes.size();
    bytes.resize(before + std::max(chunk, before));
    got = zip_fread(file, bytes.data() + before, bytes.size() - before);
    bytes.resize(before + static_cast<std::size_t>(std::max<zip_int64_t>(got, 0)));
  } while (got > 0);
  const std::string reason = got < 0 ? zip_file_strerror(file) : "";
  zip_fclose(file);
  if (got < 0) throw FileError("npz", label + ": " + reason);
  return bytes;
}

}  // namespace

template <class T>
void save_npz(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, value] : tensors) {
    if (name.empty()) throw ValueError("npz", "a tensor without a name");
    if (name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
      throw ValueError("npz", "'" + name + "': a name must not hold a slash");
    if (!names.insert(name).second) throw ValueError("npz", "'" + name + "' is stored twice");
  }
  if (std::filesystem::is_directory(path)) throw FileError("npz", path.string() + ": is a folder");
  Archive archive = open(path, ZIP_CREATE | ZIP_TRUNCATE);
  std::vector<std::string> contents;  // must live until the archive is closed
  contents.reserve(tensors.size());
  for (const auto& [name, value] : tensors) {
    contents.push_back(to_npy(value));
    zip_source_t* source = zip_source_buffer(archive.get(), contents.back().data(), contents.back().size(), 0);
    const zip_int64_t index =
        source == nullptr ? -1
                          : zip_file_add(archive.get(), (name + std::string(ending)).c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      throw FileError("npz", path.string() + ": " + zip_strerror(archive.get()));
    }
    // Stored, and dated 1980-01-01, as numpy.savez does: the same tensors give the same file.
    zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
    zip_file_set_mtime(archive.get(), static_cast<zip_uint64_t>(index), 315532800, 0);
  }
  if (zip_close(archive.get()) != 0)
    throw FileError("npz", path.string() + ": cannot be written: " + zip_strerror(archive.get()));
  archive.release();
}

template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path) {
  const Archive archive = open(path, ZIP_RDONLY);
  std::vector<NamedTensor<T>> tensors;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char* entry = zip_get_name(archive.get(), i, 0);
    std::string name = entry == nullptr ? "" : entry;
    const std::string label = fmt::format("{}: '{}'", path.string(), name);
    if (!name.ends_with(ending)) throw FileError("npz", label + " is not an .npy array");
    name.resize(name.size() - ending.size());
    Tensor<T> value = from_npy<T>(read_entry(archive.get(), i, label), label);
    tensors.push_back({std::move(name), std::move(value)});
  }
  return tensors;
}

template void save_npz(const std::filesystem::path&, const std::vector<NamedTensor<float>>&);
template void save_npz(const std::filesystem::path&, const std::vector<NamedTensor<double>>&);
template std::vector<NamedTensor<float>> load_npz(const std::filesystem::path&);
template std::vector<NamedTensor<double>> load_npz(const std::filesystem::path&);

}  // namespace wengert
