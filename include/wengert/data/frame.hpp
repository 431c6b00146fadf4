// Frame: a table of text cells with named columns, from a CSV file or built row by row; reading in chunks, and splits.
//
//     const data::Frame frame = data::read_frame("penguins.csv");
//     auto [train, test] = data::stratified_split(frame, "species", 0.2, 1);
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/data/csv.hpp>
#include <wengert/data/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::data {

/// Options of `read_frame`, `FrameReader` and `map_frame`: how the file writes a table.
struct FrameOptions {
  /// Whether the first row is a header. If automatic, it is one unless its cells are numbers; a row of text and numbers
  /// is then an error.
  CsvOptions::Header header = CsvOptions::Header::automatic;
  char delimiter = ',';  ///< separates cells; not a letter, digit, sign, point or quote
  char decimal = '.';    ///< the decimal separator of numbers, '.' or ','
  /// Lines that begin with this character, after any spaces, are skipped, except within quotes; none by default.
  char comment = '\0';
  char quote = '"';                     ///< encloses cells; doubled within them, it stands for itself
  std::vector<std::string> names = {};  ///< names of the columns, instead of those of a header
  /// The texts of cells that hold no value. Texts are compared exactly, without the blanks around an unquoted cell.
  std::vector<std::string> missing_values = {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?"};
};

/// N rows of text cells in named columns. Each cell knows its file, line and column, for messages.
class Frame {
 public:
  /// No rows and no columns.
  Frame() = default;
  /// No rows yet; see `add_row`. Only `decimal` and `missing_values` of the options count. Throws ValueError for a
  /// name that is empty or duplicate.
  explicit Frame(std::vector<std::string> names, const FrameOptions& options = {},
                 const Location& where = Location::current());

  /// The number of rows, N.
  std::size_t size() const { return lines_.size(); }
  /// The number of columns.
  std::size_t columns() const { return names_.size(); }
  /// The names of the columns. A column without a name in the header is called `column_3`, counted from 1.
  const std::vector<std::string>& names() const { return names_; }
  /// The file that the rows come from; empty if there is none.
  const std::string& source() const { return source_; }

  /// The index of a column. Throws ValueError if there is none of this name.
  std::size_t find(std::string_view name, const Location& where = Location::current()) const;
  /// The cells of a column, from the first row to the last. Throws ValueError if there is none of this name.
  std::vector<std::string> column(std::string_view name, const Location& where = Location::current()) const;
  /// The text of a cell, without quotes. Throws ValueError for an index out of range.
  std::string_view cell(std::size_t row, std::size_t column, const Location& where = Location::current()) const;
  /// Whether a cell holds no value: its text is one of `missing_values`. Throws like `cell`.
  bool missing(std::size_t row, std::size_t column, const Location& where = Location::current()) const;
  /// The number that a cell consists of, if it is one: infinite if it is out of range. Throws like `cell`.
  std::optional<double> number(std::size_t row, std::size_t column, const Location& where = Location::current()) const;
  /// Where a cell stands, for messages: `penguins.csv:17: column 3 ('mass')`. Throws like `cell`.
  std::string position(std::size_t row, std::size_t column, const Location& where = Location::current()) const;

  /// Appends a row, such as a new sample to predict. Throws ValueError unless there is one cell for each column.
  void add_row(std::span<const std::string> cells, const Location& where = Location::current());

 private:
  friend struct FrameAccess;
  void append(std::string_view cell);
  void check(std::size_t row, std::size_t column, const Location& where) const;

  std::vector<std::string> names_;
  std::vector<std::string> missing_values_;
  std::string source_;
  char decimal_ = '.';
  std::string text_;                // all cells, row by row
  std::vector<std::size_t> ends_;   // of each cell in the text
  std::vector<bool> missing_;       // one per cell
  std::vector<std::size_t> lines_;  // on which each row begins; 0 for rows without a file
};

/// Reads a table of text cells, plain or compressed by gzip, in the format of `read_csv`. Throws FileError, naming line
/// and column, for a quote that is not closed, a CR outside quotes that ends no line, a row whose number of cells
/// differs from that of the first, duplicate names, names that are not UTF-8, and a first row that may be a header or
/// not; also if the file cannot be read or has no rows. Throws ValueError for invalid options, or if the number of
/// `names` is not that of the columns.
Frame read_frame(const std::filesystem::path& path, const FrameOptions& options = {},
                 const Location& where = Location::current());

/// Reads a file of any size in chunks of rows, plain or compressed by gzip.
///
///     data::FrameReader reader("large.csv.gz");
///     for (data::Frame chunk; reader.next(chunk, 1000);) use(chunk);
class FrameReader {
 public:
  /// Opens the file and reads the names of its columns. Throws like `read_frame`.
  explicit FrameReader(const std::filesystem::path& path, const FrameOptions& options = {},
                       const Location& where = Location::current());
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// The names of the columns.
  const std::vector<std::string>& names() const;
  /// Replaces `chunk` by the next `rows` rows, fewer only at the end; false if none are left. Throws like `read_frame`.
  bool next(Frame& chunk, std::size_t rows, const Location& where = Location::current());

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Splits the rows randomly, like `split` of a Dataset: learn a schema's statistics on the training part only. Throws
/// likewise.
SplitOf<Frame> split(const Frame& frame, double test_fraction, std::uint64_t seed,
                     const Location& where = Location::current());
/// Splits like `stratified_split` of a Dataset; the classes are the texts in the column `label`. Throws likewise;
/// ValueError also if there is no such column.
SplitOf<Frame> stratified_split(const Frame& frame, std::string_view label, double test_fraction, std::uint64_t seed,
                                const Location& where = Location::current());
/// The rows with these indices, in this order; an index may occur more than once. Throws ValueError for an index out of
/// range.
Frame subset(const Frame& frame, std::span<const std::size_t> rows, const Location& where = Location::current());

}  // namespace wengert::data
