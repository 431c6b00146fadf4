#include "io/in_quotes.hpp"
#include "io/npy.hpp"
#include <wengert/io/npz.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <zip.h>

namespace wengert {
namespace {

constexpr std::string_view ending = ".npy";

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

/// Opens a zip file for what `flags` say. Throws FileError as `subject`.
Archive open_archive(std::string_view subject, const std::filesystem::path& path, int flags) {
  const auto refuse = [&](std::string_view what) {
    throw FileError(subject, fmt::format("{}: {}", path.string(), what));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) refuse("is a directory: expected a file");
  int code = 0;
  Archive archive(zip_open(path.c_str(), flags, &code));
  if (!archive && code == ZIP_ER_NOENT) refuse("no such file");
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    refuse(fmt::format("cannot be opened: {}", reason));
  }
  return archive;
}

/// One array within the archive.
class Entry final : public ByteSource {
 public:
  Entry(zip_t* archive, zip_uint64_t index, const std::string& name, const std::filesystem::path& path)
      : ByteSource("load_npz", fmt::format("{}, entry {}", path.string(), in_quotes(name))),
        file_(zip_fopen_index(archive, index, 0)) {
    if (!name.ends_with(ending)) fail("expected an array, whose name ends in .npy");
    if (!file_) fail(fmt::format("cannot be opened: {}", zip_strerror(archive)));
  }

  std::size_t read(void* to, std::size_t count) override {
    std::size_t total = 0;
    while (total < count) {
      const zip_int64_t got = zip_fread(file_.get(), static_cast<char*>(to) + total, count - total);
      if (got < 0) fail(fmt::format("is damaged: {}", zip_file_strerror(file_.get())));
      if (got == 0) break;
      total += static_cast<std::size_t>(got);
    }
    return total;
  }

 private:
  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  std::unique_ptr<zip_file_t, Close> file_;
};

void check_name(const std::string& name, const Location& where) {
  const auto refuse = [&](std::string_view what) {
    throw ValueError("save_npz", fmt::format("tensor {}: {}", in_quotes(name), what), where);
  };
  constexpr std::size_t longest = 1000;
  if (name.empty()) refuse("the name is empty");
  if (name.size() > longest) refuse(fmt::format("the name has {} bytes: expected at most {}", name.size(), longest));
  if (name.find_first_of("/\\") != std::string::npos || name.find("..") != std::string::npos)
    refuse("the name looks like a path: expected one without '/', '\\' and '..'");
  if (std::ranges::any_of(name, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
    refuse("the name holds a control character");
  if (name.ends_with(ending)) refuse("the name ends in .npy, which is appended to each");
}

/// Adds `tensor`, whose elements and preamble must stay where they are until the archive is closed.
template <class T>
void add_entry(zip_t* archive, const NamedTensor<T>& tensor, std::string& preamble, Compression compression,
               const std::string& path, const Location& where) {
  // libzip only reads from these, but takes pointers to non-const.
  const std::array<zip_buffer_fragment_t, 2> fragments{{
      {reinterpret_cast<zip_uint8_t*>(preamble.data()), preamble.size()},
      {reinterpret_cast<zip_uint8_t*>(const_cast<T*>(tensor.value.data())), tensor.value.size() * sizeof(T)},
  }};
  zip_source_t* source = zip_source_buffer_fragment(archive, fragments.data(), fragments.size(), 0);
  const zip_int64_t added =
      source == nullptr ? -1
                        : zip_file_add(archive, (tensor.name + std::string(ending)).c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    const bool unfit_name = source != nullptr && zip_error_code_zip(zip_get_error(archive)) == ZIP_ER_INVAL;
    const std::string reason = zip_strerror(archive);
    zip_source_free(source);
    if (unfit_name)
      throw ValueError("save_npz", fmt::format("tensor {}: the name is not UTF-8", in_quotes(tensor.name)), where);
    throw FileError("save_npz", fmt::format("{}: tensor {} cannot be added: {}", path, in_quotes(tensor.name), reason));
  }
  const auto index = static_cast<zip_uint64_t>(added);
  zip_set_file_compression(archive, index, compression == Compression::stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0);
  // The date NumPy writes, 1980-01-01: the same tensors give the same bytes.
  constexpr zip_uint16_t midnight = 0, first_day = 1 << 5 | 1;
  zip_file_set_dostime(archive, index, midnight, first_day, 0);
}

}  // namespace

template <class T>
void save_npz(const std::filesystem::path& file, const std::vector<NamedTensor<T>>& tensors, Compression compression,
              const Location& where) {
  // A new file takes the place of an old one; what is not a file stays, and a link stays a link.
  const std::filesystem::path path = std::filesystem::is_symlink(file) ? std::filesystem::weakly_canonical(file) : file;
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path) && !std::filesystem::is_directory(path))
    throw FileError("save_npz", fmt::format("{}: is not a regular file", path.string()));
  if (tensors.empty())
    throw ValueError("save_npz", fmt::format("{}: there are no tensors to save", path.string()), where);
  std::unordered_set<std::string_view> names;
  for (const auto& tensor : tensors) {
    check_name(tensor.name, where);
    if (!names.insert(tensor.name).second)
      throw ValueError("save_npz", fmt::format("tensor {}: the name is used twice", in_quotes(tensor.name)), where);
  }
  std::vector<std::string> preambles;
  for (const auto& tensor : tensors) preambles.push_back(npy_preamble<T>(Shape(tensor.value.shape())));

  Archive archive = open_archive("save_npz", path, ZIP_CREATE | ZIP_TRUNCATE);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    add_entry(archive.get(), tensors[i], preambles[i], compression, path.string(), where);
  // Only here is anything written: to a file beside, which then takes the place of `path`.
  if (zip_close(archive.get()) != 0)
    throw FileError("save_npz", fmt::format("{}: cannot be written: {}", path.string(), zip_strerror(archive.get())));
  static_cast<void>(archive.release());  // libzip has freed it
}

template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path) {
  const Archive archive = open_archive("load_npz", path, ZIP_RDONLY);
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  if (count <= 0) throw FileError("load_npz", fmt::format("{}: holds no arrays", path.string()));
  std::vector<NamedTensor<T>> tensors;
  std::unordered_set<std::string> names;
  for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(count); ++index) {
    const char* stored_name = zip_get_name(archive.get(), index, 0);
    std::string name = stored_name == nullptr ? "" : stored_name;
    Entry entry(archive.get(), index, name, path);
    if (!names.insert(name).second) entry.fail("the name is used twice");
    name.resize(name.size() - ending.size());
    tensors.push_back({std::move(name), read_npy<T>(entry)});
  }
  return tensors;
}

template void save_npz(const std::filesystem::path&, const std::vector<NamedTensor<float>>&, Compression,
                       const Location&);
template void save_npz(const std::filesystem::path&, const std::vector<NamedTensor<double>>&, Compression,
                       const Location&);
template std::vector<NamedTensor<float>> load_npz(const std::filesystem::path&);
template std::vector<NamedTensor<double>> load_npz(const std::filesystem::path&);

}  // namespace wengert
