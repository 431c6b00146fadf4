// Reads whole files, and writes files with a buffer and an atomic replacement.
#include "io/files.hpp"

#include "io/output_file.hpp"
#include "io/plain_file.hpp"

namespace wengert::io {

void write_whole(std::string_view subject, const std::filesystem::path& path,
                 const std::function<void(const WriteBytes&)>& write) {
  OutputFile file(std::string(subject), path, OutputFile::TemporaryName::partial);
  std::string buffer;  // small pieces are written together
  constexpr std::size_t large = std::size_t{1} << 16;
  write([&](const void* bytes, std::size_t count) {
    const std::string_view piece(static_cast<const char*>(bytes), count);
    if (buffer.size() + count >= large) {
      file.write(buffer);
      buffer.clear();
    }
    if (count >= large)
      file.write(piece);
    else
      buffer.append(piece);
  });
  file.write(buffer);
  file.finish();
}

void write_whole(std::string_view subject, const std::filesystem::path& path, std::string_view text) {
  write_whole(subject, path, [&](const WriteBytes& write) { write(text.data(), text.size()); });
}

std::string read_whole(std::string_view subject, const std::filesystem::path& path) {
  const auto bytes = PlainFile(std::string(subject), path).read_all();
  return {bytes.begin(), bytes.end()};
}

}  // namespace wengert::io
