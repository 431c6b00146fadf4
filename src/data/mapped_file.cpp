// MappedFile: a read-only mapping of a regular file that detects later changes to the file.
#include "data/mapped_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// Closes a descriptor unless it was taken over.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) close(value);
  }
};

}  // namespace

MappedFile::MappedFile(std::string subject, const std::filesystem::path& path)
    : io::ByteSource(std::move(subject), path.string()) {
  Descriptor opened{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (opened.value < 0 && errno == ENOENT) fail("no such file");
  if (opened.value < 0) fail(fmt::format("cannot be opened: {}", std::generic_category().message(errno)));
  struct stat status {};
  if (fstat(opened.value, &status) != 0)
    fail(fmt::format("cannot be opened: {}", std::generic_category().message(errno)));
  if (S_ISDIR(status.st_mode)) fail("is a directory: expected a file");
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  size_ = static_cast<std::size_t>(status.st_size);
  changed_ = status.st_mtim;
  if (size_ > 0) {
    void* const at = mmap(nullptr, size_, PROT_READ, MAP_SHARED, opened.value, 0);
    if (at == MAP_FAILED) fail(fmt::format("cannot be mapped: {}", std::generic_category().message(errno)));
    data_ = static_cast<const std::uint8_t*>(at);
  }
  descriptor_ = std::exchange(opened.value, -1);
}

MappedFile::~MappedFile() {
  if (size_ > 0) munmap(const_cast<std::uint8_t*>(data_), size_);
  if (descriptor_ >= 0) close(descriptor_);
}

std::size_t MappedFile::read(void* to, std::size_t count) {
  const std::size_t got = std::min(count, size_ - position_);
  if (got > 0) std::memcpy(to, data_ + position_, got);
  position_ += got;
  return got;
}

void MappedFile::check_unchanged() const {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) fail(fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  if (static_cast<std::size_t>(status.st_size) != size_)
    fail(fmt::format("has {} bytes now: it had {} when it was opened", status.st_size, size_));
  if (status.st_mtim.tv_sec != changed_.tv_sec || status.st_mtim.tv_nsec != changed_.tv_nsec)
    fail("was modified after it was opened");
}

}  // namespace wengert::data
