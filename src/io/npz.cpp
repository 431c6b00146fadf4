// The .npz format on libzip: checks names, saves tensors as .npy entries, and loads them.
#include "io/npz.hpp"

#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"
#include "io/output_file.hpp"
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

namespace wengert::io {
namespace {

constexpr std::string_view entry_ending = ".npy";

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

std::string message_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return message;
}

/// Opens a zip file for reading. Throws FileError.
Archive open_archive(const std::filesystem::path& path) {
  const auto refuse = [&](std::string_view what) {
    throw FileError("load_npz", fmt::format("{}: {}", path.string(), what));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) refuse("is a directory: expected a file");
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (!archive && code == ZIP_ER_NOENT) refuse("no such file");
  if (!archive) refuse(fmt::format("cannot be opened: {}", message_of(code)));
  return archive;
}

/// A zip file that libzip builds in memory, because it does not sync files to disk.
class ArchiveInMemory {
 public:
  explicit ArchiveInMemory(const std::filesystem::path& path) : path_(path) {
    zip_error_t error;
    zip_error_init(&error);
    bytes_.reset(zip_source_buffer_create(nullptr, 0, 0, &error));
    if (bytes_) {
      archive_.reset(zip_open_from_source(bytes_.get(), ZIP_TRUNCATE, &error));
      if (archive_) zip_source_keep(bytes_.get());  // one reference is the archive's
    }
    const std::string reason = archive_ ? "" : zip_error_strerror(&error);
    zip_error_fini(&error);
    if (!archive_) fail(reason);
  }

  zip_t* get() const { return archive_.get(); }
  /// Writes the zip file to `file`. Only this reads the elements of the entries.
  void write_to(OutputFile& file) {
    if (zip_close(archive_.get()) != 0) fail(zip_strerror(archive_.get()));
    static_cast<void>(archive_.release());  // libzip has freed it
    if (zip_source_open(bytes_.get()) != 0) fail_source();
    std::vector<char> piece(std::size_t{1} << 20);
    zip_int64_t got = 0;
    while ((got = zip_source_read(bytes_.get(), piece.data(), piece.size())) > 0)
      file.write({piece.data(), static_cast<std::size_t>(got)});
    if (got < 0) fail_source();
    zip_source_close(bytes_.get());
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw FileError("save_npz", fmt::format("{}: cannot be written: {}", path_.string(), why));
  }
  [[noreturn]] void fail_source() const { fail(zip_error_strerror(zip_source_error(bytes_.get()))); }

  struct Free {
    void operator()(zip_source_t* source) const { zip_source_free(source); }
  };
  const std::filesystem::path& path_;
  std::unique_ptr<zip_source_t, Free> bytes_;
  Archive archive_;
};

/// An array in the archive.
class ArchiveEntry final : public ByteSource {
 public:
  ArchiveEntry(zip_t* archive, zip_uint64_t index, const std::string& name, const std::filesystem::path& path)
      : ByteSource("load_npz", fmt::format("{}, entry {}", path.string(), in_quotes(name))),
        file_(zip_fopen_index(archive, index, 0)) {
    if (!name.ends_with(entry_ending)) fail("expected an array, whose name ends in .npy");
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

/// Adds `tensor`, whose elements and preamble must keep their addresses until the archive is closed.
template <class T>
void add_entry(zip_t* archive, const NamedTensor<T>& tensor, std::string& preamble, Compression compression,
               const std::string& path) {
  // libzip only reads from these, but takes pointers to non-const.
  const std::array<zip_buffer_fragment_t, 2> fragments{{
      {reinterpret_cast<zip_uint8_t*>(preamble.data()), preamble.size()},
      {reinterpret_cast<zip_uint8_t*>(const_cast<T*>(tensor.value.data())), tensor.value.size() * sizeof(T)},
  }};
  zip_source_t* source = zip_source_buffer_fragment(archive, fragments.data(), fragments.size(), 0);
  const zip_int64_t added = source == nullptr ? -1
                                              : zip_file_add(archive, (tensor.name + std::string(entry_ending)).c_str(),
                                                             source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    const std::string reason = zip_strerror(archive);
    zip_source_free(source);
    throw FileError("save_npz", fmt::format("{}: tensor {} cannot be added: {}", path, in_quotes(tensor.name), reason));
  }
  const auto index = static_cast<zip_uint64_t>(added);
  zip_set_file_compression(archive, index, compression == Compression::stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0);
  // The date NumPy writes, 1980-01-01: the same tensors give the same bytes.
  constexpr zip_uint16_t midnight = 0, first_day = 1 << 5 | 1;
  zip_file_set_dostime(archive, index, midnight, first_day, 0);
}

}  // namespace

void check_npz_name(std::string_view subject, const std::string& name, const Location& where) {
  const auto refuse = [&](std::string_view what) {
    throw ValueError(subject, fmt::format("tensor {}: {}", in_quotes(name), what), where);
  };
  constexpr std::size_t longest = 1000;
  if (name.empty()) refuse("the name is empty");
  if (name.size() > longest) refuse(fmt::format("the name has {} bytes: expected at most {}", name.size(), longest));
  if (name.find_first_of("/\\") != std::string::npos || name.find("..") != std::string::npos)
    refuse("the name looks like a path: expected one without '/', '\\' and '..'");
  if (std::ranges::any_of(name, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
    refuse("the name contains a control character");
  if (!is_utf8(name)) refuse("the name is not UTF-8");
  if (name.ends_with(entry_ending)) refuse("the name ends in .npy, which is appended to each name");
}

template <class T>
void save_npz(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors, Compression compression,
              const Location& where) {
  located("save_npz", where, [&] {
    if (tensors.empty())
      throw ValueError("save_npz", fmt::format("{}: there are no tensors to save", path.string()), where);
    std::unordered_set<std::string_view> names;
    for (const auto& tensor : tensors) {
      check_npz_name("save_npz", tensor.name, where);
      if (!names.insert(tensor.name).second)
        throw ValueError("save_npz", fmt::format("tensor {}: the name is used twice", in_quotes(tensor.name)), where);
    }
    std::vector<std::string> preambles;
    for (const auto& tensor : tensors) preambles.push_back(npy_preamble<T>(Shape(tensor.value.shape())));

    OutputFile file("save_npz", path);
    ArchiveInMemory archive(path);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      add_entry(archive.get(), tensors[i], preambles[i], compression, path.string());
    archive.write_to(file);
    file.finish();
  });
}

template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path, std::vector<ElementType>& types,
                                     const Location& where) {
  return located("load_npz", where, [&]() -> std::vector<NamedTensor<T>> {
    const Archive archive = open_archive(path);
    const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
    if (count <= 0) throw FileError("load_npz", fmt::format("{}: contains no arrays", path.string()));
    std::vector<NamedTensor<T>> tensors;
    std::unordered_set<std::string> names;
    for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(count); ++index) {
      const char* stored_name = zip_get_name(archive.get(), index, 0);
      std::string name = stored_name == nullptr ? "" : stored_name;
      ArchiveEntry entry(archive.get(), index, name, path);
      if (!names.insert(name).second) entry.fail("the name is used twice");
      name.resize(name.size() - entry_ending.size());
      tensors.push_back({std::move(name), read_npy<T>(entry, &types.emplace_back())});
    }
    return tensors;
  });
}

template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path, const Location& where) {
  std::vector<ElementType> types;
  return load_npz<T>(path, types, where);
}

template void save_npz(const std::filesystem::path&, const std::vector<NamedTensor<float>>&, Compression,
                       const Location&);
template void save_npz(const std::filesystem::path&, const std::vector<NamedTensor<double>>&, Compression,
                       const Location&);
template std::vector<NamedTensor<float>> load_npz(const std::filesystem::path&, const Location&);
template std::vector<NamedTensor<float>> load_npz(const std::filesystem::path&, std::vector<ElementType>&,
                                                  const Location&);
template std::vector<NamedTensor<double>> load_npz(const std::filesystem::path&, const Location&);
template std::vector<NamedTensor<double>> load_npz(const std::filesystem::path&, std::vector<ElementType>&,
                                                   const Location&);

}  // namespace wengert::io
