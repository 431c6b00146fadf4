// CSV tables of numbers with a column of labels.
#pragma once

#include <wengert/data/dataset.hpp>

#include <filesystem>

namespace wengert {

/// How a CSV file is read.
struct CsvOptions {
  enum class Header { automatic, yes, no };
  int label_column = -1;              ///< counted from the end if negative
  Header header = Header::automatic;  ///< automatic: the first line is one if a cell of it is not a number
  char delimiter = ',';
  double scale = 1;  ///< every feature is multiplied by this
};

/// Reads a table, plain or compressed by gzip: one sample a line, of numbers and one label 0, 1, 2, …
///
/// Throws FileError, with line and column, for a missing or malformed cell, NaN and infinity, a line of another length,
/// or a label that is not a whole number of at least 0; and if there is no sample.
template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options = {});

}  // namespace wengert
