// RunLock: an flock on a file that names its holder and is removed on release.
#include "train/run_lock.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace wengert::train {
namespace {

std::string this_process() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) std::strcpy(host.data(), "?");
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S} UTC\n", getpid(), host.data(),
                     fmt::gmtime(std::time(nullptr)));
}

// The line that the holder has written to the file.
std::string holder(int file) {
  std::array<char, 512> text{};
  const ssize_t length = pread(file, text.data(), text.size(), 0);
  std::string_view line(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  line = line.substr(0, line.find('\n'));
  return line.empty() ? "another process" : std::string(line);
}

// Whether `path` still refers to an open file: the previous holder of the lock removes it.
bool is_still_there(int file, const std::filesystem::path& path) {
  struct stat open {
  }, named{};
  return fstat(file, &open) == 0 && stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& folder, const Location& where) : path_(folder / "lock") {
  while (true) {
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0)
      throw FileError("fit", fmt::format("{}: cannot be written: {}", path_.string(), std::strerror(errno)), where);
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) break;  // this file system has no locks
      const std::string who = holder(file_);
      close(std::exchange(file_, -1));
      throw FileError(
          "fit",
          fmt::format(
              "{}: another training run is writing to this folder: {}; wait for it to end, or choose another folder",
              folder.string(), who),
          where);
    }
    if (is_still_there(file_, path_)) break;
    close(std::exchange(file_, -1));
  }
  const std::string text = this_process();
  if (ftruncate(file_, 0) != 0 || pwrite(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    release();
    throw FileError("fit", fmt::format("{}: cannot be written", path_.string()), where);
  }
}

RunLock::~RunLock() { release(); }
RunLock::RunLock(RunLock&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
RunLock& RunLock::operator=(RunLock&& other) noexcept {
  release();
  path_ = std::move(other.path_);
  file_ = std::exchange(other.file_, -1);
  return *this;
}

// Removes the file before releasing the lock, so that no one locks a file that is about to be removed.
void RunLock::release() {
  if (file_ < 0) return;
  unlink(path_.c_str());
  close(std::exchange(file_, -1));
}

}  // namespace wengert::train
