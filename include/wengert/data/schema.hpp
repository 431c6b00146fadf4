// Schema: what the columns of a table mean, and how each becomes numbers.
//
//     data::Schema schema = data::Schema::infer(train, {.label = "species"});
//     schema["mass"].missing = data::Missing::median;
//     std::cout << schema;
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/data/frame.hpp>
#include <wengert/data/mapped_frame.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::data {

/// What a column holds.
enum class ColumnKind {
  numeric,   ///< numbers: one input
  integer,   ///< integers: one input; any other number is an error
  category,  ///< text: one of several categories, encoded as Column::encoding says
  label,     ///< the class of a sample, as text or as an integer; at most one column
  target,    ///< a number to predict
  ignored    ///< nothing that is used
};

/// What becomes of a missing value.
enum class Missing {
  error,          ///< an error that names the cell
  mean,           ///< the mean of the column; of a numeric input
  median,         ///< the median of the column; of a numeric input
  most_frequent,  ///< the most frequent value, the least one of several; of any input
  category,       ///< a category of its own; of a category
  drop            ///< the row is dropped
};

/// How a category becomes numbers.
enum class Encoding {
  one_hot,  ///< one input for each category, of which one is 1
  index     ///< an index, for `nn::Embedding`
};

/// What becomes of a category that the training rows do not have.
enum class Unknown {
  error,   ///< an error that names the cell
  ignore,  ///< all inputs of the column are 0; of one-hot encodings
  other    ///< an input or index of its own
};

/// A column of a Schema. The rules are those of scikit-learn's SimpleImputer, StandardScaler and OneHotEncoder.
struct Column {
  std::string name;                       ///< as in the file
  ColumnKind kind = ColumnKind::ignored;  ///< what it holds
  Missing missing = Missing::error;       ///< what becomes of a missing value
  bool indicator = false;                 ///< of an input: adds an input that is 1 where a value is missing
  bool standardise = true;                ///< of numbers: subtracts the mean and divides by the standard deviation
  Encoding encoding = Encoding::one_hot;  ///< of a category; any other column with another encoding is refused
  Unknown unknown = Unknown::error;       ///< of a category, likewise
  /// Of a category: rarer ones in the training rows are treated like unknown ones.
  std::size_t min_frequency = 1;
  std::string note = {};  ///< what `Schema::infer` found, for the reader; saved with an encoder
};

/// Options of `Schema::infer`.
struct InferOptions {
  std::string label = {};                 ///< the column of the labels; none by default
  std::vector<std::string> targets = {};  ///< the columns to predict; they are not standardised
  std::vector<std::string> ignored = {};  ///< columns to ignore
  std::size_t most_categories = 100;      ///< a text column with more different texts is ignored; its note says so
};

/// The name of a column, and the line that names it, for errors.
struct ColumnName {
  /// Refers to the text, which must outlive it.
  ///@{
  ColumnName(const char* text, const Location& line = Location::current()) : name(text), where(line) {}  // NOLINT
  ColumnName(const std::string& text, const Location& line = Location::current())
      : name(text), where(line) {}  // NOLINT
  ///@}
  std::string_view name;  ///< the name
  Location where;         ///< the caller's line
};

/// What the columns of a table mean. Columns of the table that a schema does not list are ignored.
struct Schema {
  std::vector<Column> columns;  ///< in the order of the inputs

  /// Proposes a schema: columns of integers, numbers and text become integer, numeric and category. Integers with
  /// leading zeros, as in postal codes, are text. Columns without values, and text columns of more than
  /// `most_categories` texts, are ignored. Missing values are errors until a rule is set; `note` says how many there
  /// are. Throws ValueError if an option names no column or names one twice, or if there are no rows; then FileError
  /// only if a row cannot be read.
  ///@{
  static Schema infer(const Frame& frame, const InferOptions& options = {},
                      const Location& where = Location::current());
  static Schema infer(const MappedFrame& frame, const InferOptions& options = {},
                      const Location& where = Location::current());
  ///@}

  /// The column of this name. Throws ValueError if there is none.
  ///@{
  Column& operator[](const ColumnName& name);
  const Column& operator[](const ColumnName& name) const;
  ///@}

  /// A table of the columns and their rules.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const Schema& schema);
};

}  // namespace wengert::data
