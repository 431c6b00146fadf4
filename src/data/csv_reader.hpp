// Reads the rows of a table and splits them into cells, as RFC 4180 defines them.
#pragma once

#include "io/byte_source.hpp"
#include <wengert/base/error.hpp>
#include <wengert/data/csv.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::data {

/// How a file writes a table.
struct CsvFormat {
  CsvOptions::Header header = CsvOptions::Header::automatic;
  char delimiter = ',';
  char decimal = '.';
  char comment = '\0';
  char quote = '"';
  /// Whether cells may hold text. If so, a first row of text and numbers may be a header or not, which is an error if
  /// `header` is automatic; otherwise it is none, and any other header must consist of valid names.
  bool text = false;
};

/// Throws ValueError as `subject` unless the characters of the format are distinct, and those for delimiter, comment
/// and quote do not occur in numbers.
void check_format(const CsvFormat& format, std::string_view subject, const Location& where);

/// A number in a cell.
struct CsvNumber {
  double value = 0;
  bool in_range = true;  // of double
};
/// The number that a cell consists of, apart from surrounding blanks, if it is one.
std::optional<CsvNumber> parse_number(std::string_view cell, char decimal);
/// Says that a cell is not a number.
std::string not_a_number(std::string_view cell, char decimal);

/// Characters other than the comma that often separate cells.
inline constexpr std::string_view other_delimiters = ";\t| ";
/// A delimiter as C++ source.
std::string shown_delimiter(char delimiter);

/// The lines of a file without their line ends: LF, after any number of CR. Each is valid until the next call of `next`
/// or `extend`.
class CsvLines {
 public:
  explicit CsvLines(io::ByteSource& file) : file_(file), buffer_(std::size_t{1} << 15) {}

  std::optional<std::string_view> next();
  /// The current line together with the next one and the line end between them; nullopt at the end of the file.
  std::optional<std::string_view> extend();
  /// The position in the file of a place in the current line.
  std::size_t position(const char* place) const { return dropped_ + static_cast<std::size_t>(place - buffer_.data()); }
  /// Writes to a place in the current line.
  char* writable(const char* place) { return buffer_.data() + (place - buffer_.data()); }

 private:
  std::optional<std::string_view> find_end();
  std::string_view take(std::size_t length, std::size_t with_end);
  void fill();

  io::ByteSource& file_;
  std::vector<char> buffer_;
  std::size_t line_ = 0;   // begin of the current line
  std::size_t begin_ = 0;  // begin of what follows it
  std::size_t end_ = 0;
  std::size_t dropped_ = 0;  // bytes of the file before the buffer
  bool at_end_ = false;
};

/// The rows of a table, and the names in its header.
class CsvReader {
 public:
  /// Reads the header, if there is one. Throws FileError or ValueError as `subject`.
  CsvReader(std::string_view subject, std::unique_ptr<io::ByteSource> file, const CsvFormat& format,
            const Location& where);
  CsvReader(std::string_view subject, const std::filesystem::path& path, const CsvFormat& format,
            const Location& where);

  /// Goes to the next row; false after the last. Throws FileError if there are no rows at all.
  bool next();

  std::size_t columns() const { return columns_; }
  /// The names of the columns; empty if there is no header.
  const std::vector<std::string>& names() const { return names_; }
  /// The index of a column. Throws ValueError, which calls it `role`, unless one column has that name or number.
  std::size_t find(const CsvColumn& column, std::string_view role, const Location& where) const;
  /// The file.
  io::ByteSource& file() const { return *file_; }

  /// A cell of the current row, without quotes.
  std::string_view cell(std::size_t column) const { return cells_[column]; }
  /// The number in a cell of the current row. Throws FileError if there is none, or if it is not finite.
  double number(std::size_t column) const;
  /// The line on which the current row begins, counted from 1.
  std::size_t line() const { return line_; }
  /// The position in the file where the current row begins.
  std::size_t position() const { return lines_.position(row_.data()); }
  /// Throws a FileError about a cell of the current row.
  [[noreturn]] void fail(std::size_t column, std::string_view what) const;

 private:
  bool read_row();
  void split();
  std::size_t take_quoted(std::size_t begin);
  void add_line(std::size_t open);
  [[noreturn]] void fail_return(std::size_t place, std::size_t column) const;
  std::size_t line_at(std::size_t place) const;
  [[noreturn]] void fail_in(std::size_t line, std::size_t column, std::string_view what) const;
  bool take_header(CsvOptions::Header header);
  void check_delimiter() const;
  void check_names() const;

  std::string subject_;
  CsvFormat format_;
  std::unique_ptr<io::ByteSource> file_;
  CsvLines lines_;
  std::string_view row_;          // the current row: one line, or several if there are line breaks within quotes
  std::size_t line_ = 0;          // of the row's begin, counted from 1
  std::size_t row_lines_ = 1;     // how many lines the row has
  bool may_have_return_ = false;  // whether the row may contain a CR
  std::size_t first_line_ = 0;    // the first that is not empty
  std::size_t columns_ = 0;
  bool row_pending_ = false;  // whether the current row is one that `next` has not returned yet
  bool has_rows_ = false;
  std::vector<std::string> names_;
  std::vector<std::string_view> cells_;  // of the current row
};

}  // namespace wengert::data
