// MappedFrame: finds the rows of a CSV file, and reads them again on demand.
#include "base/located.hpp"
#include "data/frame_access.hpp"
#include "data/mapped_file.hpp"
#include <wengert/data/mapped_frame.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// Bytes in memory as a file.
class BytesOfFile final : public io::ByteSource {
 public:
  BytesOfFile(const io::ByteSource& file, std::string_view bytes)
      : io::ByteSource("map_frame", file.label()), bytes_(bytes) {}

  std::size_t read(void* to, std::size_t count) override {
    const std::size_t got = std::min(count, bytes_.size());
    if (got > 0) std::memcpy(to, bytes_.data(), got);
    bytes_.remove_prefix(got);
    return got;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

struct MappedFrame::Rows {
  // An open file, and where its rows begin.
  struct File {
    std::unique_ptr<MappedFile> file;
    std::string_view bytes;
    FrameOptions options;
    Frame columns;
    std::vector<std::size_t> positions, lines;
  };
  std::shared_ptr<const File> file;
  bool all;
  std::vector<std::size_t> selected;
};

std::size_t MappedFrame::size() const { return rows_->all ? rows_->file->positions.size() : rows_->selected.size(); }

const std::vector<std::string>& MappedFrame::names() const { return rows_->file->columns.names(); }

Frame MappedFrame::gather(std::span<const std::size_t> indices, const Location& where) const {
  return located("gather", where, [&]() -> Frame {
    FrameAccess::check_rows("gather", indices, size(), where);
    const Rows::File& file = *rows_->file;
    file.file->check_unchanged();
    Frame frame = file.columns;
    if (indices.empty()) return frame;
    const auto row_of = [&](std::size_t index) { return rows_->all ? index : rows_->selected[index]; };

    std::string text = "\n";  // so that no row is the first line, of which a byte order mark would be taken
    for (const std::size_t index : indices) {
      const std::size_t row = row_of(index), begin = file.positions[row];
      const std::size_t end = row + 1 < file.positions.size() ? file.positions[row + 1] : file.bytes.size();
      text.append(file.bytes.substr(begin, end - begin));
      if (text.back() != '\n') text += '\n';
    }
    CsvFormat format = format_of(file.options);
    format.header = CsvOptions::Header::no;
    CsvReader reader("gather", std::make_unique<BytesOfFile>(*file.file, text), format, where);
    for (const std::size_t index : indices) {
      if (!reader.next()) file.file->fail("was modified after it was opened");
      FrameAccess::append_row(frame, reader, file.lines[row_of(index)]);
    }
    return frame;
  });
}

MappedFrame MappedFrame::select(std::span<const std::size_t> indices, const Location& where) const {
  return located("select", where, [&] {
    FrameAccess::check_rows("select", indices, size(), where);
    Rows part{rows_->file, false, {}};
    part.selected.reserve(indices.size());
    for (const std::size_t index : indices) part.selected.push_back(rows_->all ? index : rows_->selected[index]);
    return MappedFrame(std::make_shared<const Rows>(std::move(part)));
  });
}

MappedFrame map_frame(const std::filesystem::path& path, const FrameOptions& options, const Location& where) {
  return located("map_frame", where, [&] {
    auto file = std::make_unique<MappedFile>("map_frame", path);
    const std::span<const std::uint8_t> start = file->rest();
    if (start.size() >= 2 && start[0] == 0x1f && start[1] == 0x8b)
      file->fail("is compressed with gzip: expected an uncompressed file; use gunzip, or read_frame or FrameReader");
    const std::string_view bytes(reinterpret_cast<const char*>(start.data()), start.size());
    CsvReader reader("map_frame", std::make_unique<BytesOfFile>(*file, bytes), format_of(options), where);
    Frame columns = FrameAccess::start(reader, options, "map_frame", where);
    std::vector<std::size_t> positions, lines;
    while (reader.next()) {
      positions.push_back(reader.position());
      lines.push_back(reader.line());
    }
    auto indexed = std::make_shared<const MappedFrame::Rows::File>(MappedFrame::Rows::File{
        std::move(file), bytes, options, std::move(columns), std::move(positions), std::move(lines)});
    return MappedFrame(std::make_shared<const MappedFrame::Rows>(MappedFrame::Rows{std::move(indexed), true, {}}));
  });
}

MappedFrame subset(const MappedFrame& frame, std::span<const std::size_t> rows, const Location& where) {
  return frame.select(rows, where);
}

}  // namespace wengert::data
