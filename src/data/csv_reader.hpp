// Reads the lines of a table and splits them into cells.
#pragma once

#include "data/input_file.hpp"
#include <wengert/base/error.hpp>
#include <wengert/data/csv.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::data {

/// The lines of a file without their line ends. Each is valid until the next call of `next`.
class CsvLines {
 public:
  explicit CsvLines(InputFile& file) : file_(file), buffer_(std::size_t{1} << 15) {}

  std::optional<std::string_view> next();

 private:
  std::string_view take(std::size_t length, std::size_t with_end);
  void fill();

  InputFile& file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

/// The rows of numbers in a table, and the names in its header.
class CsvReader {
 public:
  /// Reads the header, if there is one. Throws FileError or ValueError as `subject`.
  CsvReader(std::string_view subject, const std::filesystem::path& path, CsvOptions::Header header, char delimiter,
            const Location& where);

  /// Goes to the next row; false after the last. Throws FileError if there are no rows at all.
  bool next();

  std::size_t columns() const { return columns_; }
  /// The names of the columns; empty if there is no header.
  const std::vector<std::string>& names() const { return names_; }
  /// The index of a column. Throws ValueError, which calls it `role`, unless one column has that name or number.
  std::size_t find(const CsvColumn& column, std::string_view role, const Location& where) const;

  /// A cell of the current row.
  std::string_view cell(std::size_t column) const { return cells_[column]; }
  /// The number in a cell of the current row. Throws FileError if there is none, or if it is not finite.
  double number(std::size_t column) const;
  /// Throws a FileError about a cell of the current row.
  [[noreturn]] void fail(std::size_t column, std::string_view what) const;

 private:
  bool read_line();
  std::size_t end_of_cell(std::string_view text) const;
  bool take_header(CsvOptions::Header header);
  void check_names() const;

  std::string subject_;
  char delimiter_;
  InputFile file_;
  CsvLines lines_;
  std::size_t line_ = 0;        // counted from 1
  std::size_t first_line_ = 0;  // the first that is not empty
  std::size_t columns_ = 0;
  bool row_pending_ = false;  // whether the current line is a row that `next` has not returned yet
  bool has_rows_ = false;
  std::vector<std::string> names_;
  std::vector<std::string_view> cells_;  // of the current line
};

}  // namespace wengert::data
