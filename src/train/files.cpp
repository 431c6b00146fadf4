#include "train/files.hpp"

#include <wengert/error.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

[[noreturn]] void fail(std::string_view subject, const std::filesystem::path& path, std::string_view what) {
  throw FileError(subject, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

void write_all(int file, const char* bytes, std::size_t count, std::string_view subject,
               const std::filesystem::path& path) {
  while (count > 0) {
    const ssize_t written = ::write(file, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(subject, path, "cannot be written");
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

}  // namespace

void write_whole(std::string_view subject, const std::filesystem::path& target,
                 const std::function<void(const WriteBytes&)>& write) {
  std::error_code ignored;
  const bool link = std::filesystem::is_symlink(target, ignored);
  const std::filesystem::path path = link ? std::filesystem::weakly_canonical(target) : target;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    throw FileError(subject, fmt::format("{}: is not a regular file", path.string()));
  const std::filesystem::path partial = path.string() + ".partial";
  try {
    Descriptor file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (file.number() < 0) fail(subject, path, "cannot be written");
    std::string buffer;  // small pieces go out together
    constexpr std::size_t large = std::size_t{1} << 16;
    write([&](const void* bytes, std::size_t count) {
      if (buffer.size() + count >= large) {
        write_all(file.number(), buffer.data(), buffer.size(), subject, path);
        buffer.clear();
      }
      if (count >= large)
        write_all(file.number(), static_cast<const char*>(bytes), count, subject, path);
      else
        buffer.append(static_cast<const char*>(bytes), count);
    });
    write_all(file.number(), buffer.data(), buffer.size(), subject, path);
    if (::fsync(file.number()) != 0 || !file.close()) fail(subject, path, "cannot be written");
    if (::rename(partial.c_str(), path.c_str()) != 0) fail(subject, path, "cannot be replaced");
  } catch (...) {
    std::filesystem::remove(partial, ignored);
    throw;
  }
  // The new name, too, has to reach the disk.
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() >= 0 && ::fsync(directory.number()) != 0 && errno != EINVAL && errno != EROFS)
    fail(subject, folder, "cannot be synchronised");
}

void write_whole(std::string_view subject, const std::filesystem::path& path, std::string_view text) {
  write_whole(subject, path, [&](const WriteBytes& write) { write(text.data(), text.size()); });
}

std::string read_whole(std::string_view subject, const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw FileError(subject, fmt::format("{}: is a directory: expected a file", path.string()));
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) fail(subject, path, "cannot be read");
  std::string bytes;
  std::size_t held = 0;
  while (true) {
    constexpr std::size_t piece = std::size_t{1} << 20;
    if (bytes.size() - held < piece) bytes.resize(std::max(2 * bytes.size(), piece));
    const ssize_t got = ::read(file.number(), bytes.data() + held, bytes.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(subject, path, "cannot be read");
    if (got == 0) break;
    held += static_cast<std::size_t>(got);
  }
  bytes.resize(held);
  return bytes;
}

}  // namespace wengert::train
