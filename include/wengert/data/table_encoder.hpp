// TableEncoder: turns the rows of a table into tensors, as learned from training rows.
//
//     const auto encoder = data::TableEncoder::fit(train, schema);
//     const auto samples = encoder.encode<float>(test);
//     encoder.save("penguins.json");
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/frame.hpp>
#include <wengert/data/mapped_frame.hpp>
#include <wengert/data/schema.hpp>
#include <wengert/data/table.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace wengert::data {

/// The rows of a table as tensors. T is float or double.
template <class T>
struct EncodedTable {
  Tensor<T> inputs;                        ///< N×D: numbers, one-hot encodings and indicators, as `feature_names` says
  Indices indices;                         ///< N×C: the categories that are encoded as indices, as `index_names` says
  Indices labels;                          ///< N, each in [0, K) for K `class_names`; of rank 0 if there is no label
  Tensor<T> targets;                       ///< N×M, as `target_names` says; of rank 0 if there are none
  std::vector<std::size_t> rows;           ///< N: the row of the table that each sample comes from; others were dropped
  std::vector<std::string> feature_names;  ///< D: `mass`, `mass_missing`, `island_Dream`
  std::vector<std::string> index_names;    ///< C: the names of the columns
  std::vector<std::string> target_names;   ///< M: the names of the columns
  std::vector<std::string> class_names;    ///< K: the labels' texts
  std::string label_name;                  ///< the name of the label column

  /// The number of samples, N.
  std::size_t size() const { return rows.size(); }
  /// Inputs and labels as a Dataset. Throws ValueError if there are no labels, or if some columns are encoded as
  /// indices.
  Dataset<T> dataset(const Location& where = Location::current()) const;
  /// Inputs and targets as a Table. Throws ValueError if there are no targets, or if some columns are encoded as
  /// indices.
  Table<T> table(const Location& where = Location::current()) const;
};

/// What training rows say about the columns of a schema: means, standard deviations, replacements of missing values,
/// categories and classes. A handle to an immutable state: copies are cheap.
///
/// Categories and class names are sorted: by value if all are numbers, otherwise by their bytes.
class TableEncoder {
 public:
  // No move operations: a moved-from handle would refer to nothing.
  /// A copy refers to the same state.
  ///@{
  TableEncoder(const TableEncoder&) = default;
  TableEncoder& operator=(const TableEncoder&) = default;
  ///@}

  /// Learns from the training rows in one pass; dropped rows do not count. Means and deviations are those of the column
  /// with its missing values replaced, computed in double by Welford's recurrence (1962); the deviation is that of the
  /// population, and 1 for a constant column. A median keeps all values of its column in memory, 8 bytes per row; the
  /// most frequent value keeps one count per distinct value.
  ///
  /// Throws ValueError for a schema whose rules do not fit its columns or that has no input, for a column that the
  /// table lacks or that has no values, and for values whose mean or deviation is not finite; FileError, naming line
  /// and column, for a cell that its column does not allow, such as text that is not UTF-8 (ValueError if the rows come
  /// from no file). ValueError also for a label with one class only.
  ///@{
  static TableEncoder fit(const Frame& train, const Schema& schema, const Location& where = Location::current());
  static TableEncoder fit(const MappedFrame& train, const Schema& schema, const Location& where = Location::current());
  static TableEncoder fit(FrameReader& train, const Schema& schema, const Location& where = Location::current());
  ///@}

  /// Encodes rows, with the labels and targets if the table has their columns: they may be absent for prediction. The
  /// order of the columns does not matter; further columns are ignored. Throws like `fit`; FileError or ValueError also
  /// for a category that is unknown, unless the schema has a rule for it, and for a number that T cannot represent.
  template <class T>
  EncodedTable<T> encode(const Frame& frame, const Location& where = Location::current()) const;
  /// The same without labels and targets, even if the table has them.
  template <class T>
  EncodedTable<T> encode_inputs(const Frame& frame, const Location& where = Location::current()) const;

  /// The schema that it was fitted with, without ignored columns.
  const Schema& schema() const;
  /// The names of the D inputs.
  const std::vector<std::string>& feature_names() const;
  /// The names of the C columns that are encoded as indices.
  const std::vector<std::string>& index_names() const;
  /// The number of indices of each of these columns: the `entries` of an `nn::Embedding`.
  const std::vector<std::size_t>& index_sizes() const;
  /// The names of the M targets.
  const std::vector<std::string>& target_names() const;
  /// The labels' texts; the index of each is its class.
  const std::vector<std::string>& class_names() const;
  /// The text of a class: the inverse of a label's encoding. Throws ValueError for an index out of range.
  const std::string& decode(std::int64_t label, const Location& where = Location::current()) const;
  /// Predicted targets, N×M, in the units of the table: undoes the standardisation. Throws ShapeError.
  template <class T>
  Tensor<T> decode_targets(const Tensor<T>& targets, const Location& where = Location::current()) const;

  /// A table of the columns, their rules and their notes; then a line for each input or index that no training row
  /// uses, so that what a network learns for it is left to chance: that of Unknown::other if no category is rarer than
  /// `min_frequency`, and those for missing values if there were none.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const TableEncoder& encoder);

  /// The encoder as JSON text, with the notes of its columns.
  std::string to_json() const;
  /// Reads the text of `to_json`. Throws FileError for any other text, which `source` names.
  static TableEncoder from_json(std::string_view text, std::string_view source = "text",
                                const Location& where = Location::current());
  /// Writes `to_json` to a file, which is replaced only when the new one is complete. Throws FileError.
  void save(const std::filesystem::path& path, const Location& where = Location::current()) const;
  /// Reads a file of `save`. Throws FileError for any other file.
  static TableEncoder load(const std::filesystem::path& path, const Location& where = Location::current());

  /// The state that copies share.
  struct State;
  /// An encoder with this state.
  explicit TableEncoder(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

/// The rows of a CSV file of any size as samples for `train::fit`, which are read and encoded when a batch is made.
/// Targets is `Indices` for a label, `Tensor<T>` for targets, or `std::tuple<>` for none: rows to predict, of a file
/// that needs no column of labels or targets. Inputs is `Tensor<T>`, or a tuple of it and `Indices` for an encoder with
/// columns that are encoded as indices: see IndexedFrameSource.
///
///     const data::FrameSource<float> samples(data::map_frame("large.csv"), encoder);
template <class T, class Targets_ = Indices, class Inputs_ = Tensor<T>>
class FrameSource {
 public:
  using Inputs = Inputs_;                ///< the inputs of a batch: as EncodedTable's `inputs`, and `indices`
  using Targets = Targets_;              ///< the labels or targets of a batch
  static constexpr bool repeats = true;  ///< the same rows always give the same batch

  /// Reads the file once, to check that every row can be encoded and to find those that are dropped. Throws like
  /// `encode` (without targets, like `encode_inputs`); ValueError also if there are no labels or targets, or if some
  /// columns are encoded as indices, but Inputs has none.
  FrameSource(const MappedFrame& frame, const TableEncoder& encoder, const Location& where = Location::current());

  /// The number of samples.
  std::size_t size() const { return frame_.size(); }
  /// Reads and encodes samples. Throws like `MappedFrame::gather`.
  void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const;

 private:
  MappedFrame frame_;
  TableEncoder encoder_;
};

/// A FrameSource for a network of two inputs, `network(numbers, indices)`: numbers N×D, and indices N×C, of which
/// `nn::Embedding` makes N×C×width. `TableEncoder::index_sizes` has the number of indices of each column.
template <class T, class Targets = Indices>
using IndexedFrameSource = FrameSource<T, Targets, std::tuple<Tensor<T>, Indices>>;

}  // namespace wengert::data
