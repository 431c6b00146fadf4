// The CSV reader: buffered lines, quoted cells, numbers, header detection, and errors that name line and column.
#include "data/csv_reader.hpp"

#include "base/join.hpp"
#include "data/input_file.hpp"
#include "io/in_quotes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {

std::optional<std::string_view> CsvLines::next() {
  line_ = begin_;
  return find_end();
}

std::optional<std::string_view> CsvLines::extend() { return find_end(); }

// Looks for the end of the line that starts at `begin_`.
std::optional<std::string_view> CsvLines::find_end() {
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
  std::string_view line(buffer_.data() + line_, begin_ - line_ + length);
  begin_ += with_end;
  while (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void CsvLines::fill() {
  std::memmove(buffer_.data(), buffer_.data() + line_, end_ - line_);
  dropped_ += line_;
  end_ -= line_;
  begin_ -= line_;
  line_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const std::size_t wanted = buffer_.size() - end_;
  const std::size_t got = file_.read(buffer_.data() + end_, wanted);
  end_ += got;
  at_end_ = got < wanted;
}

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string shown(char c) { return io::in_quotes(std::string_view(&c, 1)); }

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

void check_format(const CsvFormat& format, std::string_view subject, const Location& where) {
  const auto in_numbers = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("+-.\r\n", 5).find(c) != std::string_view::npos;
  };
  const auto refuse = [&](std::string_view name, char c, std::string_view expected) {
    throw ValueError(subject, fmt::format("{} {}: expected {}", name, shown(c), expected), where);
  };
  const char d = format.delimiter, q = format.quote, c = format.comment;
  if (in_numbers(d) || d == '"' || d == '\'' || d == '\0')
    refuse("delimiter", d, "a character that does not occur in numbers, such as ',' or ';'");
  if (in_numbers(q) || q == d || q == '\0' || is_blank(q))
    refuse("quote", q, "a character other than the delimiter, such as '\"'");
  if (format.decimal != '.' && format.decimal != ',') refuse("decimal", format.decimal, "'.' or ','");
  if (format.decimal == d) refuse("decimal", d, "a character other than the delimiter; is the delimiter ';'?");
  if (in_numbers(c) || (c != '\0' && (c == d || c == q || is_blank(c))))
    refuse("comment", c, "a character that is neither the delimiter nor the quote, such as '#'");
}

std::string shown_delimiter(char delimiter) { return delimiter == '\t' ? "'\\t'" : shown(delimiter); }

std::optional<CsvNumber> parse_number(std::string_view cell, char decimal) {
  if (!cell.empty() && (is_blank(cell.front()) || is_blank(cell.back()))) cell = trimmed(cell);
  std::string with_point;
  if (decimal != '.') {
    if (cell.find('.') != std::string_view::npos) return std::nullopt;
    with_point = cell;
    std::ranges::replace(with_point, decimal, '.');
    cell = with_point;
  }
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);  // from_chars rejects a plus
  CsvNumber number;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number.value);
  if (end != cell.data() + cell.size() || error == std::errc::invalid_argument) return std::nullopt;
  number.in_range = error == std::errc();
  return number;
}

std::string not_a_number(std::string_view cell, char decimal) {
  const char other = decimal == '.' ? ',' : '.';
  const bool separated = cell.find(other) != std::string_view::npos && parse_number(cell, other);
  return fmt::format("{} is not a number{}", io::in_quotes(cell),
                     separated ? fmt::format(" with the decimal separator {}", shown(decimal)) : "");
}

CsvReader::CsvReader(std::string_view subject, std::unique_ptr<io::ByteSource> file, const CsvFormat& format,
                     const Location& where)
    : subject_(subject), format_(format), file_(std::move(file)), lines_(*file_) {
  check_format(format, subject, where);
  if (!read_row()) file_->fail("has no rows");
  first_line_ = line_;
  columns_ = cells_.size();
  row_pending_ = !take_header(format.header);
}

CsvReader::CsvReader(std::string_view subject, const std::filesystem::path& path, const CsvFormat& format,
                     const Location& where)
    : CsvReader(subject, std::make_unique<InputFile>(std::string(subject), path), format, where) {}

bool CsvReader::read_row() {
  line_ += row_lines_;
  row_lines_ = 1;
  for (; const auto line = lines_.next(); ++line_) {
    row_ = *line;
    if (line_ == 1 && row_.starts_with("\xEF\xBB\xBF")) row_.remove_prefix(3);  // a byte order mark
    // Searched once for all cells, which are short.
    may_have_return_ = row_.find('\r') != std::string_view::npos;
    const std::size_t begin = row_.find_first_not_of(' ');
    if (begin == std::string_view::npos) continue;
    if (format_.comment != '\0' && row_[begin] == format_.comment) {
      if (may_have_return_) fail_return(0, 0);
      continue;
    }
    split();
    return true;
  }
  return false;
}

void CsvReader::split() {
  cells_.clear();
  for (std::size_t begin = 0;;) {
    const std::size_t cell = begin;
    while (begin < row_.size() && is_blank(row_[begin]) && row_[begin] != format_.delimiter) ++begin;
    std::size_t end;
    if (begin < row_.size() && row_[begin] == format_.quote) {
      end = take_quoted(begin);
    } else {
      end = std::min(row_.find(format_.delimiter, begin), row_.size());
      const std::string_view text = row_.substr(cell, end - cell);
      if (may_have_return_ && text.find('\r') != std::string_view::npos) fail_return(cell, cells_.size());
      cells_.push_back(trimmed(text));
    }
    if (end == row_.size()) return;
    begin = end + 1;
  }
}

// Takes the cell whose quote opens at `begin`; within quotes, a delimiter and a line end are part of the cell, and a
// doubled quote is one quote. Returns the cell's end in the row.
std::size_t CsvReader::take_quoted(std::size_t begin) {
  constexpr std::size_t longest = std::size_t{1} << 24;  // so that an unclosed quote does not swallow a large file
  const char quote = format_.quote;
  std::size_t doubled = 0, at = begin + 1;
  for (;; ++at) {
    at = row_.find(quote, at);
    while (at == std::string_view::npos) {
      const std::size_t searched = row_.size();
      if (searched - begin > longest) fail_in(line_at(begin), cells_.size(), "a quote is not closed within 16 MiB");
      add_line(begin);
      at = row_.find(quote, searched);
    }
    if (at + 1 == row_.size() || row_[at + 1] != quote) break;
    ++at;
    ++doubled;
  }
  std::string_view text = row_.substr(begin + 1, at - begin - 1);
  if (doubled > 0) {  // in place; the quotes that are left over stay at the end
    char* const to = lines_.writable(text.data());
    std::size_t length = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      to[length++] = text[i];
      if (text[i] == quote) ++i;
    }
    std::fill(to + length, to + text.size(), quote);
    text = text.substr(0, length);
  }
  const std::size_t end = std::min(row_.find(format_.delimiter, at), row_.size());
  if (const auto rest = trimmed(row_.substr(at + 1, end - at - 1)); !rest.empty()) {
    if (rest.find('\r') != std::string_view::npos) fail_return(at, cells_.size());
    fail_in(line_at(at), cells_.size(),
            fmt::format("{} follows the closing quote: expected the delimiter {}", io::in_quotes(rest),
                        shown(format_.delimiter)));
  }
  cells_.push_back(text);
  return end;
}

// Adds the next line to the row, whose quote at `open` is not closed.
void CsvReader::add_line(std::size_t open) {
  const std::size_t line = line_at(open), mark = lines_.position(row_.data());
  std::vector<std::size_t> begins;
  for (const std::string_view cell : cells_) begins.push_back(static_cast<std::size_t>(cell.data() - row_.data()));
  const auto longer = lines_.extend();  // invalidates the row
  if (!longer) fail_in(line, cells_.size(), "an unclosed quote");
  row_ = longer->substr(mark - lines_.position(longer->data()));  // without the byte order mark
  for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] = row_.substr(begins[i], cells_[i].size());
  ++row_lines_;
  may_have_return_ = true;
}

void CsvReader::fail_return(std::size_t place, std::size_t column) const {
  fail_in(line_at(place), column,
          "a carriage return that is no line end: expected lines that end in LF or CRLF; convert the file's line ends, "
          "for example by tr '\\r' '\\n'");
}

// The line of a place in the row.
std::size_t CsvReader::line_at(std::size_t place) const {
  const std::string_view before = row_.substr(0, place);
  return line_ + static_cast<std::size_t>(std::ranges::count(before, '\n'));
}

bool CsvReader::take_header(CsvOptions::Header header) {
  using Header = CsvOptions::Header;
  const auto is_number = [&](std::string_view cell) { return parse_number(cell, format_.decimal).has_value(); };
  const auto is_text = [&](std::string_view cell) { return !trimmed(cell).empty() && !is_number(cell); };
  const bool automatic = header == Header::automatic;
  if (header == Header::no) return false;
  if (automatic && std::ranges::none_of(cells_, is_text)) return false;
  if (const auto number = std::ranges::find_if(cells_, is_number); automatic && number != cells_.end()) {
    if (!format_.text) return false;
    fail(static_cast<std::size_t>(number - cells_.begin()),
         fmt::format("{} among text in the first row: set `header` to state whether it is one, and `names` "
                     "if its cells are no names",
                     io::in_quotes(*number)));
  }
  if (automatic && columns_ == 1) check_delimiter();
  for (const std::string_view cell : cells_) names_.emplace_back(trimmed(cell));
  if (automatic && !format_.text) check_names();
  return true;
}

// Fails on an apparent header of one column that may be a row of numbers with another delimiter.
void CsvReader::check_delimiter() const {
  const std::string_view row = trimmed(row_);
  if (row.front() == format_.quote) return;
  for (const char delimiter : std::string(other_delimiters) + ',') {
    if (delimiter == format_.delimiter || row.find(delimiter) == std::string_view::npos) continue;
    std::size_t numbers = 0, others = 0;
    for (std::size_t begin = 0, end; begin <= row.size(); begin = end + 1) {
      end = std::min(row.find(delimiter, begin), row.size());
      const std::string_view part = trimmed(row.substr(begin, end - begin));
      if (parse_number(part, format_.decimal))
        ++numbers;
      else if (!part.empty() && !marks_missing(part))
        ++others;
    }
    if (numbers > 0 && others == 0)
      fail(0, fmt::format("{} in an apparent header of one column: set `delimiter` to {} if it separates numbers{}, or "
                          "`header` to state whether it is one",
                          io::in_quotes(row), shown_delimiter(delimiter),
                          delimiter == ',' ? ", `decimal` if it is a decimal comma" : ""));
  }
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
  if (!read_row()) {
    if (!has_rows_) file_->fail("has no rows below its header");
    return false;
  }
  has_rows_ = true;
  if (cells_.size() != columns_)
    fail(std::min(cells_.size(), columns_),
         fmt::format("{} columns in this line: expected {}, as in line {}", cells_.size(), columns_, first_line_));
  return true;
}

void CsvReader::fail(std::size_t column, std::string_view what) const {
  const bool present = column < cells_.size();
  fail_in(present ? line_at(static_cast<std::size_t>(cells_[column].data() - row_.data())) : line_, column, what);
}

void CsvReader::fail_in(std::size_t line, std::size_t column, std::string_view what) const {
  throw FileError(subject_, fmt::format("{}:{}: column {}: {}", file_->label(), line, column + 1, what));
}

std::size_t CsvReader::find(const CsvColumn& column, std::string_view role, const Location& where) const {
  const auto refuse = [&](const std::string& what) {
    throw ValueError(subject_, fmt::format("{} {}: {} {}", role, in_words(column), file_->label(), what), where);
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
    refuse("has the columns " + first_few(names_, io::in_quotes));
  }
  if (std::find(found + 1, names_.end(), name) != names_.end()) refuse("has several columns of this name");
  return static_cast<std::size_t>(found - names_.begin());
}

double CsvReader::number(std::size_t column) const {
  const std::string_view cell = cells_[column];
  if (cell.empty()) fail(column, "the value is missing");
  const std::optional<CsvNumber> number = parse_number(cell, format_.decimal);
  if (!number)
    fail(column, not_a_number(cell, format_.decimal) + (line_ == first_line_ ? "; is this line a header?" : ""));
  if (!number->in_range) fail(column, fmt::format("{} is out of range", io::in_quotes(cell)));
  if (!std::isfinite(number->value)) fail(column, fmt::format("{} is not a finite number", io::in_quotes(cell)));
  return number->value;
}

}  // namespace wengert::data
