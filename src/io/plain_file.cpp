// PlainFile: a ByteSource on C standard I/O that reports missing and unreadable files.
#include "io/plain_file.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace wengert::io {

PlainFile::PlainFile(std::string subject, const std::filesystem::path& path)
    : ByteSource(std::move(subject), path.string()) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail("is a directory: expected a file");
  errno = 0;
  file_.reset(std::fopen(path.c_str(), "rb"));
  if (!file_ && errno == ENOENT) fail("no such file");
  if (!file_) fail(fmt::format("cannot be opened: {}", std::generic_category().message(errno)));
}

std::size_t PlainFile::read(void* to, std::size_t count) {
  const std::size_t got = std::fread(to, 1, count, file_.get());
  if (got < count && std::ferror(file_.get()) != 0)
    fail(fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  return got;
}

}  // namespace wengert::io
