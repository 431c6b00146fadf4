// What a TableEncoder has learned, and what follows from it.
#pragma once

#include "data/schema_words.hpp"
#include <wengert/data/table_encoder.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::data {

/// What the training rows say about a column.
struct LearnedColumn {
  double fill = 0;  // replaces missing numbers; of a category, the index of the one that replaces missing ones
  double mean = 0, deviation = 1;
  std::vector<std::string> categories;  // of a category or label, sorted
  // Whether a training row has a category that is not among these, and whether one has no value.
  bool other_seen = true, missing_seen = true;
};

/// Where a column's values go; follows from the schema and what is learned.
struct ColumnPlace {
  std::size_t first = 0;                                  // among the inputs, indices or targets
  std::size_t width = 0;                                  // inputs, without the indicator
  std::size_t other = 0;                                  // the position for unknown categories
  std::size_t missing = 0;                                // the position for missing values
  std::size_t indicator = 0;                              // among the inputs
  std::map<std::string, std::size_t, std::less<>> index;  // of each category
};

struct TableEncoder::State {
  Schema schema;                       // without ignored columns
  std::vector<LearnedColumn> learned;  // one for each of its columns
  // Set by `complete`.
  std::vector<ColumnPlace> places;
  std::vector<std::string> feature_names, index_names, target_names, class_names;
  std::vector<std::size_t> index_sizes;
  std::string label_name;

  /// Derives places and names from the schema and what is learned.
  void complete();
};

/// The fault of a schema without inputs.
inline constexpr std::string_view no_inputs = "no column is an input";
/// What is wrong with the rules of a schema without ignored columns; empty if nothing is.
std::string fault_of(const Schema& schema);

/// Whether rows without a value in this column are dropped, replaced, or refused.
inline bool replaces(Missing missing) { return missing != Missing::error && missing != Missing::drop; }

/// Throws a FileError or, if the cell is in no file, a ValueError about a cell.
[[noreturn]] void refuse_cell(std::string_view subject, const Frame& frame, std::size_t row, std::size_t column,
                              const std::string& what);
/// Throws like `refuse_cell`, naming the byte, unless the text of a cell is UTF-8.
void check_utf8(std::string_view subject, const Frame& frame, std::size_t row, std::size_t column);
/// The number in a cell that is not missing. Throws about any other cell, and about a fraction if the column holds
/// integers.
double number_in(std::string_view subject, const Frame& frame, std::size_t row, std::size_t column, ColumnKind kind);
/// The columns of the frame that hold those of the schema; npos for labels and targets that are all absent. Throws
/// ValueError if others are absent.
std::vector<std::size_t> matching_columns(std::string_view subject, const Schema& schema, const Frame& frame,
                                          bool inputs_only, bool targets_required, const Location& where);
/// The rows that have a value in each of these columns (a frame's, one for each of the schema's) that drops rows.
std::vector<std::size_t> kept_rows(const Schema& schema, const std::vector<std::size_t>& columns, const Frame& frame);

}  // namespace wengert::data
