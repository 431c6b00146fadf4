// The CSV reader: buffered lines, quoted cells, header detection, and errors that name line and column.
#include "data/csv_reader.hpp"

#include "base/join.hpp"
#include "io/in_quotes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>

namespace wengert::data {

std::optional<std::string_view> CsvLines::next() {
  std::size_t searched = 0;
  while (true) {
    const char* begin = buffer_.data() + begin_;
    const std::size_t held = end_ - begin_;
    if (const void* newline = std::memchr(begin + searched, '\n', held - searched)) {
      const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - begin);
      return take(length, length + 1);
    }
    if (at_end_) return held == 0 ? std::nullopt : std::optional(take(held, held));
    searched = held;
    fill();
  }
}

std::string_view CsvLines::take(std::size_t length, std::size_t with_end) {
  std::string_view line(buffer_.data() + begin_, length);
  begin_ += with_end;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void CsvLines::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const std::size_t wanted = buffer_.size() - end_;
  const std::size_t got = file_.read(buffer_.data() + end_, wanted);
  end_ += got;
  at_end_ = got < wanted;
}

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Number {
  double value = 0;
  bool in_range = true;  // of double
};

// The number in a trimmed cell, if it holds one.
std::optional<Number> parse(std::string_view cell) {
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);  // from_chars rejects a plus
  Number number;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number.value);
  if (end != cell.data() + cell.size() || error == std::errc::invalid_argument) return std::nullopt;
  number.in_range = error == std::errc();
  return number;
}

// A cell without surrounding quotes; inside them, a doubled quote stands for one.
std::string without_quotes(std::string_view cell) {
  if (cell.size() < 2 || cell.front() != '"' || cell.back() != '"') return std::string(cell);
  std::string name(trimmed(cell.substr(1, cell.size() - 2)));
  for (std::size_t at = 0; (at = name.find("\"\"", at)) != std::string::npos; ++at) name.erase(at, 1);
  return name;
}

// The position of the closing quote in a text that begins with a quote; npos if there is none.
std::size_t end_of_quote(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] != '"') continue;
    if (at + 1 == text.size() || text[at + 1] != '"') return at;
    ++at;
  }
  return std::string_view::npos;
}

// Whether a name is a common mark for a missing value.
bool marks_missing(std::string_view name) {
  constexpr std::array<std::string_view, 11> marks{"na",  "n/a",     "#n/a", "<na>", "null", "none",
                                                   "nil", "missing", "?",    "-",    "."};
  std::string small(name);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::ranges::find(marks, small) != marks.end();
}

std::string in_words(const CsvColumn& column) {
  const auto* name = std::get_if<std::string>(&column);
  return name != nullptr ? io::in_quotes(*name) : fmt::format("{}", std::get<int>(column));
}

}  // namespace

CsvReader::CsvReader(std::string_view subject, const std::filesystem::path& path, CsvOptions::Header header,
                     char delimiter, const Location& where)
    : subject_(subject), delimiter_(delimiter), file_(subject_, path), lines_(file_) {
  const char d = delimiter;
  if ((d >= '0' && d <= '9') || (d >= 'a' && d <= 'z') || (d >= 'A' && d <= 'Z') ||
      std::string_view("+-.\"'\r\n\0", 8).find(d) != std::string_view::npos)
    throw ValueError(
        subject_,
        fmt::format("delimiter {}: expected a character that does not occur in numbers, such as ',' or ';'",
                    io::in_quotes(std::string_view(&d, 1))),
        where);
  if (!read_line()) file_.fail("has no rows");
  first_line_ = line_;
  columns_ = cells_.size();
  row_pending_ = !take_header(header);
}

bool CsvReader::read_line() {
  while (const auto line = lines_.next()) {
    ++line_;
    std::string_view text = *line;
    if (line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
    if (text.find_first_not_of(' ') == std::string_view::npos) continue;
    cells_.clear();
    for (bool more = true; more;) {
      const std::size_t end = end_of_cell(text);
      cells_.push_back(trimmed(text.substr(0, end)));
      more = end < text.size();
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
  }
  return false;
}

// Within quotes, a delimiter is part of the cell.
std::size_t CsvReader::end_of_cell(std::string_view text) const {
  std::size_t begin = 0;
  while (begin < text.size() && (text[begin] == ' ' || text[begin] == '\t') && text[begin] != delimiter_) ++begin;
  if (begin == text.size() || text[begin] != '"') return std::min(text.find(delimiter_, begin), text.size());
  const std::size_t closed = end_of_quote(text.substr(begin));
  if (closed == std::string_view::npos) fail(cells_.size(), "an unclosed quote");
  begin += closed + 1;
  const std::size_t end = std::min(text.find(delimiter_, begin), text.size());
  if (!trimmed(text.substr(begin, end - begin)).empty())
    fail(cells_.size(), fmt::format("{} follows the closing quote: expected the delimiter {}",
                                    io::in_quotes(trimmed(text.substr(begin, end - begin))),
                                    io::in_quotes(std::string_view(&delimiter_, 1))));
  return end;
}

bool CsvReader::take_header(CsvOptions::Header header) {
  using Header = CsvOptions::Header;
  const auto is_number = [](std::string_view cell) { return parse(without_quotes(cell)).has_value(); };
  const auto is_text = [](std::string_view cell) { return !without_quotes(cell).empty(); };
  if (header == Header::no) return false;
  if (header == Header::automatic && (std::ranges::any_of(cells_, is_number) || std::ranges::none_of(cells_, is_text)))
    return false;
  for (const std::string_view cell : cells_) names_.emplace_back(without_quotes(cell));
  if (header == Header::automatic) check_names();
  return true;
}

// Fails on a line that may be a row of missing values instead of a header, so that it is not skipped.
void CsvReader::check_names() const {
  const std::string_view advice = "set `header` to state whether it is one";
  std::set<std::string_view> known;
  for (std::size_t column = 0; column < columns_; ++column) {
    const std::string& name = names_[column];
    if (name.empty()) fail(column, fmt::format("a missing name in an apparent header: {}", advice));
    if (marks_missing(name)) fail(column, fmt::format("{} in an apparent header: {}", io::in_quotes(name), advice));
    if (!known.insert(name).second)
      fail(column, fmt::format("{} appears twice in an apparent header: {}", io::in_quotes(name), advice));
  }
}

bool CsvReader::next() {
  if (std::exchange(row_pending_, false)) return has_rows_ = true;
  if (!read_line()) {
    if (!has_rows_) file_.fail("has no rows below its header");
    return false;
  }
  has_rows_ = true;
  if (cells_.size() != columns_)
    fail(std::min(cells_.size(), columns_),
         fmt::format("{} columns in this line: expected {}, as in line {}", cells_.size(), columns_, first_line_));
  return true;
}

void CsvReader::fail(std::size_t column, std::string_view what) const {
  throw FileError(subject_, fmt::format("{}:{}: column {}: {}", file_.label(), line_, column + 1, what));
}

std::size_t CsvReader::find(const CsvColumn& column, std::string_view role, const Location& where) const {
  const auto refuse = [&](const std::string& what) {
    throw ValueError(subject_, fmt::format("{} {}: {} {}", role, in_words(column), file_.label(), what), where);
  };
  if (const int* number = std::get_if<int>(&column)) {
    const auto count = static_cast<std::int64_t>(columns_);
    if (*number < -count || *number >= count) refuse(fmt::format("has {} columns, {} to {}", count, -count, count - 1));
    return static_cast<std::size_t>(*number < 0 ? *number + count : *number);
  }
  const auto& name = std::get<std::string>(column);
  if (names_.empty()) refuse("has no header with names");
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) {
    refuse("has the columns " + first_few(names_, [](const std::string& known) { return known; }));
  }
  if (std::find(found + 1, names_.end(), name) != names_.end()) refuse("has several columns of this name");
  return static_cast<std::size_t>(found - names_.begin());
}

double CsvReader::number(std::size_t column) const {
  const std::string_view cell = cells_[column];
  if (cell.empty()) fail(column, "the value is missing");
  const std::optional<Number> number = parse(cell);
  if (!number)
    fail(column, fmt::format("{} is not a number{}", io::in_quotes(cell),
                             line_ == first_line_ ? "; is this line a header?" : ""));
  if (!number->in_range) fail(column, fmt::format("{} is out of range", io::in_quotes(cell)));
  if (!std::isfinite(number->value)) fail(column, fmt::format("{} is not a finite number", io::in_quotes(cell)));
  return number->value;
}

}  // namespace wengert::data
