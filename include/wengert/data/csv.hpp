// CSV: tables of numbers with a column of labels or columns of numeric targets.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/table.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace wengert::data {

/// A column of a table: its index, counted from 0, or from the end if negative (-1 is the last); or its name.
using CsvColumn = std::variant<int, std::string>;

/// Options of `read_csv`.
struct CsvOptions {
  /// Whether the first line is a header with the names of the columns.
  enum class Header {
    automatic,  ///< it is one if its cells contain text and no number; they must then be valid names
    yes,
    no
  };
  CsvColumn label_column = -1;        ///< the column of the labels
  Header header = Header::automatic;  ///< whether the first line is a header
  char delimiter = ',';               ///< separates cells; not a letter, digit, sign, point or quote
  double scale = 1;                   ///< multiplies every input: 1.0 / 255 maps pixels to 0 … 1
  std::size_t most_classes = 10'000;  ///< labels must be below this; a column with larger ones rarely holds classes
  char decimal = '.';                 ///< the decimal separator of numbers, '.' or ','
  /// Lines that begin with this character, after any spaces, are skipped, except within quotes; none by default.
  char comment = '\0';
};

/// Reads a table of numbers, plain or compressed by gzip: one sample per row, one cell its label, the other cells its
/// inputs. For text, categories and missing values, see `read_frame`.
///
/// The format is RFC 4180: a cell may be quoted, and then contain delimiters, line breaks and doubled quotes, each of
/// which stands for one. Cells hold decimal numbers; blanks around a cell or a number do not count. Lines end in LF,
/// after any number of CR; blank lines and a byte order mark are skipped. Labels are integers from 0; for other
/// targets, see `read_table`.
///
/// Throws FileError, naming line and column (both counted from 1), for a cell that is empty, not a number, not finite
/// or too large for T, for a quote that is not closed, for a CR outside quotes that ends no line, for a row whose
/// number of cells differs from that of the first, and for an invalid label; for a detected header with a name that is
/// empty, duplicate, or marks a missing value, such as NA, or of one column that consists of numbers with another
/// delimiter; also if the file cannot be read or has no samples. Throws ValueError for invalid options or a label
/// column that the table does not have.
template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options = {},
                    const Location& where = Location::current());

/// Options of `read_table`.
struct TableOptions {
  std::vector<CsvColumn> target_columns = {-1};               ///< the targets; if empty, every column is an input
  CsvOptions::Header header = CsvOptions::Header::automatic;  ///< whether the first line is a header
  char delimiter = ',';                                       ///< as in CsvOptions
  char decimal = '.';                                         ///< as in CsvOptions
  char comment = '\0';                                        ///< as in CsvOptions
};

/// Reads a table for regression, in the format of `read_csv`, but with numeric targets, in the order of
/// `target_columns`. Throws like `read_csv`; ValueError also for a target column given twice, or if no input is left.
template <class T>
Table<T> read_table(const std::filesystem::path& path, const TableOptions& options = {},
                    const Location& where = Location::current());

}  // namespace wengert::data
