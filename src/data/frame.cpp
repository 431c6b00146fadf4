// Frame: cells in one text, names, positions for messages, and reading whole files and chunks.
#include "base/join.hpp"
#include "base/located.hpp"
#include "data/frame_access.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"
#include <wengert/data/frame.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {

Frame::Frame(std::vector<std::string> names, const FrameOptions& options, const Location& where)
    : names_(std::move(names)), missing_values_(options.missing_values), decimal_(options.decimal) {
  std::set<std::string_view> known;
  for (const std::string& name : names_) {
    if (name.empty() || !io::is_utf8(name))
      throw ValueError("Frame", fmt::format("column name {}: expected UTF-8 text", io::in_quotes(name)), where);
    if (!known.insert(name).second)
      throw ValueError("Frame", fmt::format("two columns are called {}", io::in_quotes(name)), where);
  }
  if (decimal_ != '.' && decimal_ != ',')
    throw ValueError(
        "Frame", fmt::format("decimal {}: expected '.' or ','", io::in_quotes(std::string_view(&options.decimal, 1))),
        where);
}

std::size_t Frame::find(std::string_view name, const Location& where) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end())
    throw ValueError("Frame",
                     fmt::format("no column {}: {} has {}", io::in_quotes(name), source_.empty() ? "it" : source_,
                                 first_few(names_, io::in_quotes)),
                     where);
  return static_cast<std::size_t>(found - names_.begin());
}

std::vector<std::string> Frame::column(std::string_view name, const Location& where) const {
  const std::size_t index = find(name, where);
  std::vector<std::string> cells;
  cells.reserve(size());
  for (std::size_t row = 0; row < size(); ++row) cells.emplace_back(cell(row, index, where));
  return cells;
}

void Frame::check(std::size_t row, std::size_t column, const Location& where) const {
  if (row >= size() || column >= columns())
    throw ValueError(
        "Frame", fmt::format("cell ({}, {}): it has {} rows and {} columns", row, column, size(), columns()), where);
}

std::string_view Frame::cell(std::size_t row, std::size_t column, const Location& where) const {
  check(row, column, where);
  const std::size_t index = row * columns() + column, begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(text_).substr(begin, ends_[index] - begin);
}

bool Frame::missing(std::size_t row, std::size_t column, const Location& where) const {
  check(row, column, where);
  return missing_[row * columns() + column];
}

std::optional<double> Frame::number(std::size_t row, std::size_t column, const Location& where) const {
  const std::optional<CsvNumber> number = parse_number(cell(row, column, where), decimal_);
  if (!number) return std::nullopt;
  return number->in_range ? number->value : std::numeric_limits<double>::infinity();
}

std::string Frame::position(std::size_t row, std::size_t column, const Location& where) const {
  check(row, column, where);
  std::size_t line = lines_[row];
  for (std::size_t before = 0; before < column; ++before)
    line += static_cast<std::size_t>(std::ranges::count(cell(row, before, where), '\n'));
  const std::string named = fmt::format("column {} ({})", column + 1, io::in_quotes(names_[column]));
  return source_.empty() ? fmt::format("row {}, {}", row, named) : fmt::format("{}:{}: {}", source_, line, named);
}

void Frame::append(std::string_view cell) {
  text_.append(cell);
  ends_.push_back(text_.size());
  missing_.push_back(std::ranges::find(missing_values_, cell) != missing_values_.end());
}

void Frame::add_row(std::span<const std::string> cells, const Location& where) {
  if (cells.size() != columns() || cells.empty())
    throw ValueError("Frame", fmt::format("a row of {} cells: expected {}", cells.size(), columns()), where);
  located("Frame", where, [&] {
    // The room is made first, so that no exception leaves half a row.
    std::size_t length = text_.size();
    for (const std::string& cell : cells) length += cell.size();
    const auto reserve = [](auto& list, std::size_t count) {
      if (list.capacity() < count) list.reserve(std::max(count, 2 * list.capacity()));
    };
    reserve(text_, length);
    reserve(ends_, ends_.size() + cells.size());
    reserve(missing_, missing_.size() + cells.size());
    reserve(lines_, lines_.size() + 1);
    for (const std::string& cell : cells) append(cell);
    lines_.push_back(0);
  });
}

Frame FrameAccess::start(const CsvReader& reader, const FrameOptions& options, std::string_view subject,
                         const Location& where) {
  if (!options.names.empty() && options.names.size() != reader.columns())
    throw ValueError(
        subject,
        fmt::format("{} names: {} has {} columns", options.names.size(), reader.file().label(), reader.columns()),
        where);
  std::vector<std::string> names = options.names.empty() ? reader.names() : options.names;
  names.resize(reader.columns());
  std::set<std::string> known;
  for (std::size_t column = 0; column < names.size(); ++column) {
    std::string& name = names[column];
    if (name.empty()) name = fmt::format("column_{}", column + 1);
    if (!io::is_utf8(name))
      reader.fail(column,
                  fmt::format("the name {} is not UTF-8: convert the file, for example by iconv, or set `names`",
                              io::in_quotes(name)));
    if (!known.insert(name).second)
      reader.fail(column, fmt::format("a second column is called {}: set `names`, or `header` if the row is none",
                                      io::in_quotes(name)));
  }
  Frame frame(std::move(names), options, where);
  frame.source_ = reader.file().label();
  return frame;
}

void FrameAccess::append_row(Frame& frame, const CsvReader& reader, std::size_t line) {
  for (std::size_t column = 0; column < frame.columns(); ++column) frame.append(reader.cell(column));
  frame.lines_.push_back(line);
}

void FrameAccess::append_row(Frame& frame, const Frame& from, std::size_t row) {
  for (std::size_t column = 0; column < from.columns(); ++column) {
    frame.text_.append(from.cell(row, column));
    frame.ends_.push_back(frame.text_.size());
    frame.missing_.push_back(from.missing_[row * from.columns() + column]);
  }
  frame.lines_.push_back(from.lines_[row]);
}

void FrameAccess::check_rows(std::string_view subject, std::span<const std::size_t> rows, std::size_t size,
                             const Location& where) {
  for (const std::size_t row : rows)
    if (row >= size) throw ValueError(subject, fmt::format("row {}: the table has {} rows", row, size), where);
}

Frame FrameAccess::without_rows(const Frame& frame) {
  Frame result;
  result.names_ = frame.names_;
  result.missing_values_ = frame.missing_values_;
  result.source_ = frame.source_;
  result.decimal_ = frame.decimal_;
  return result;
}

Frame read_frame(const std::filesystem::path& path, const FrameOptions& options, const Location& where) {
  return located("read_frame", where, [&] {
    CsvReader reader("read_frame", path, format_of(options), where);
    Frame frame = FrameAccess::start(reader, options, "read_frame", where);
    while (reader.next()) FrameAccess::append_row(frame, reader, reader.line());
    return frame;
  });
}

Frame subset(const Frame& frame, std::span<const std::size_t> rows, const Location& where) {
  return located("subset", where, [&] {
    FrameAccess::check_rows("subset", rows, frame.size(), where);
    Frame part = FrameAccess::without_rows(frame);
    for (const std::size_t row : rows) FrameAccess::append_row(part, frame, row);
    return part;
  });
}

struct FrameReader::State {
  CsvReader reader;
  Frame columns;
};

FrameReader::FrameReader(const std::filesystem::path& path, const FrameOptions& options, const Location& where)
    : state_(located("FrameReader", where, [&] {
        CsvReader reader("FrameReader", path, format_of(options), where);
        Frame columns = FrameAccess::start(reader, options, "FrameReader", where);
        return std::unique_ptr<State>(new State{std::move(reader), std::move(columns)});
      })) {}

FrameReader::~FrameReader() = default;

const std::vector<std::string>& FrameReader::names() const { return state_->columns.names(); }

bool FrameReader::next(Frame& chunk, std::size_t rows, const Location& where) {
  return located("FrameReader", where, [&] {
    if (rows == 0) throw ValueError("FrameReader", "chunks of 0 rows: expected at least 1", where);
    chunk = state_->columns;
    while (chunk.size() < rows && state_->reader.next())
      FrameAccess::append_row(chunk, state_->reader, state_->reader.line());
    return chunk.size() > 0;
  });
}

}  // namespace wengert::data
