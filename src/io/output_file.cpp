// OutputFile: writes beside the target and replaces it atomically, by fsync and rename.
#include "io/output_file.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace wengert::io {

OutputFile::OutputFile(std::string subject, const std::filesystem::path& path, TemporaryName name)
    : subject_(std::move(subject)),
      path_(std::filesystem::is_symlink(path) ? std::filesystem::weakly_canonical(path) : path) {
  const auto refuse = [&](std::string_view what) {
    throw FileError(subject_, fmt::format("{}: {}", path_.string(), what));
  };
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::is_directory(status)) refuse("is a directory: expected a file");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) refuse("is not a regular file");

  static std::atomic<unsigned> serial{0};
  const mode_t mode = std::filesystem::exists(status) ? static_cast<mode_t>(status.permissions()) : 0666;
  if (name == TemporaryName::partial) {
    temporary_ = path_.string() + ".partial";
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  } else {
    do {
      temporary_ = fmt::format("{}.{}-{}", path_.string(), getpid(), serial++);
      descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (descriptor_ < 0 && errno == EEXIST);
  }
  if (descriptor_ < 0) {
    temporary_.clear();
    fail("cannot be written", errno);
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::fail(std::string_view what, int error_number) const {
  throw FileError(subject_,
                  fmt::format("{}: {}: {}", path_.string(), what, std::generic_category().message(error_number)));
}

void OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    constexpr std::size_t most_at_once = std::size_t{1} << 30;
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), most_at_once));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::finish() {
  if (fsync(descriptor_) != 0) fail("cannot be written", errno);
  if (close(std::exchange(descriptor_, -1)) != 0) fail("cannot be written", errno);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be replaced", errno);
  temporary_.clear();
  // The rename is safe only once the folder is synced. If the folder cannot be opened, that is left to the system.
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  if (const int at = open(folder.c_str(), O_RDONLY | O_CLOEXEC); at >= 0) {
    static_cast<void>(fsync(at));
    close(at);
  }
}

}  // namespace wengert::io
