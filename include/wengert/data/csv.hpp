// CSV: tables of numbers with a column of labels, or of numbers to be predicted.
#pragma once

#include <wengert/data/dataset.hpp>
#include <wengert/data/table.hpp>
#include <wengert/error.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace wengert {

/// A column of a table: its number, counted from 0, or from the end if negative (-1 is the last); or its name.
using CsvColumn = std::variant<int, std::string>;

/// How `read_csv` understands a table.
struct CsvOptions {
  /// Whether the first line names the columns.
  enum class Header {
    automatic,  ///< it does if it has text, but not a single number, in its cells, which must be names then
    yes,
    no
  };
  CsvColumn label_column = -1;        ///< by its number, or by its name in the header
  Header header = Header::automatic;  ///< whether the first line names the columns
  char delimiter = ',';               ///< between cells; not a character of numbers, and not a quote
  double scale = 1;  ///< every input, but no label, is multiplied by this: 1.0 / 255 makes pixels 0 … 1
  std::size_t most_classes = 10'000;  ///< a label from this on is an error: such a column rarely is one of classes
};

/// Reads a table, plain or compressed by gzip: a sample a line, one cell its label, the others its inputs.
///
/// Cells hold decimal numbers, maybe with blanks around them. Names may stand in quotes, within which a delimiter is
/// part of them, and two quotes are one; a quote that its line does not close is an error. Lines end in LF or CRLF; empty ones are skipped. Labels are whole numbers from 0; for others, see `read_table`. Throws
/// FileError, naming line and column (both counted from 1), for a cell that is empty, not a number, not finite or too
/// large for T, for a line of another length than the first, and for an unfit label; for a header found by itself with
/// a cell that is empty, there twice, or marks a missing value, such as NA; also if the file cannot be read or has no
/// samples. Throws ValueError for options that make no sense or a label column the table does not have.
template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options = {},
                    const Location& where = Location::current());

/// How `read_table` understands a table.
struct TableOptions {
  std::vector<CsvColumn> target_columns = {-1};  ///< what is to be predicted; none: every column is an input
  CsvOptions::Header header = CsvOptions::Header::automatic;  ///< whether the first line names the columns
  char delimiter = ',';                                       ///< as that of CsvOptions
};

/// Reads a table for regression: a sample a line, as `read_csv`, but targets are any numbers, in the order in which the
/// options name their columns. Throws as it does; ValueError also for a column that is named twice, or if no input is
/// left.
template <class T>
Table<T> read_table(const std::filesystem::path& path, const TableOptions& options = {},
                    const Location& where = Location::current());

}  // namespace wengert
