// CSV: tables of numbers with a column of labels.
#pragma once

#include <wengert/data/dataset.hpp>
#include <wengert/error.hpp>

#include <filesystem>

namespace wengert {

/// How `read_csv` understands a table.
struct CsvOptions {
  /// Whether the first line names the columns.
  enum class Header {
    automatic,  ///< it does if it has text, but not a single number, in its cells
    yes,
    no
  };
  int label_column = -1;              ///< counted from 0, or from the end if negative: -1 is the last
  Header header = Header::automatic;  ///< whether the first line names the columns
  char delimiter = ',';               ///< between cells; not a character of numbers, and not a quote
  double scale = 1;  ///< every input, but no label, is multiplied by this: 1.0 / 255 makes pixels 0 … 1
};

/// Reads a table, plain or compressed by gzip: a sample a line, one cell its label, the others its inputs.
///
/// Cells hold decimal numbers, maybe with blanks around them; there is no quoting. Lines end in LF or CRLF; empty ones
/// are skipped. Labels are whole numbers from 0. Throws FileError, naming line and column (both counted from 1), for a
/// cell that is empty, not a number, not finite or too large for T, for a line of another length than the first, and
/// for an unfit label; also if the file cannot be read or has no samples. Throws ValueError for options that make no
/// sense or a label column the table does not have.
template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options = {},
                    const Location& where = Location::current());

}  // namespace wengert
