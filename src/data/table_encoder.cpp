// TableEncoder::encode, decoding, the printed description, the conversions of EncodedTable, and FrameSource.
#include "base/join.hpp"
#include "base/located.hpp"
#include "data/frame_access.hpp"
#include "data/table_encoder_state.hpp"
#include "io/in_quotes.hpp"

#include <cmath>
#include <limits>
#include <ostream>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

constexpr const char* encode_subject = "TableEncoder::encode";

// Encodes the cells of one column.
template <class T>
class ColumnEncoder {
 public:
  ColumnEncoder(const Column& column, const LearnedColumn& learned, const ColumnPlace& place, const Frame& frame,
                std::size_t index)
      : column_(column), learned_(learned), place_(place), frame_(frame), index_(index) {}

  void write(std::size_t row, std::size_t sample, EncodedTable<T>& to) const {
    const bool missing = frame_.missing(row, index_);
    if (missing && !replaces(column_.missing))
      refuse_cell(encode_subject, frame_, row, index_, "the value is missing, and the schema has no rule for it");
    T* const inputs = to.inputs.data() + sample * to.feature_names.size();
    if (column_.indicator) inputs[place_.indicator] = missing ? T{1} : T{0};
    if (is_number(column_.kind)) {
      inputs[place_.first] = number(row, missing);
    } else if (column_.kind == ColumnKind::target) {
      to.targets.data()[sample * to.target_names.size() + place_.first] = number(row, missing);
    } else {
      const std::size_t at = category(row, missing);
      if (column_.kind == ColumnKind::label)
        to.labels.data()[sample] = static_cast<std::int64_t>(at);
      else if (column_.encoding == Encoding::index)
        to.indices.data()[sample * to.index_names.size() + place_.first] = static_cast<std::int64_t>(at);
      else if (at != nowhere)
        inputs[place_.first + at] = T{1};
    }
  }

 private:
  static constexpr std::size_t nowhere = std::string::npos;

  T number(std::size_t row, bool missing) const {
    double value = missing ? learned_.fill : number_in(encode_subject, frame_, row, index_, column_.kind);
    if (column_.standardise) value = (value - learned_.mean) / learned_.deviation;
    if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<T>::max())))
      refuse_cell(encode_subject, frame_, row, index_, fmt::format("{} is out of range", value));
    return static_cast<T>(value);
  }

  std::size_t category(std::size_t row, bool missing) const {
    if (missing) return column_.missing == Missing::category ? place_.missing : static_cast<std::size_t>(learned_.fill);
    const std::string_view cell = frame_.cell(row, index_);
    const auto found = place_.index.find(cell);
    if (found != place_.index.end()) return found->second;
    check_utf8(encode_subject, frame_, row, index_);
    const bool label = column_.kind == ColumnKind::label;
    if (label || column_.unknown == Unknown::error)
      refuse_cell(encode_subject, frame_, row, index_,
                  fmt::format("{} is not among the {} of the training rows: {}{}", io::in_quotes(cell),
                              label ? "classes" : "categories", first_few(learned_.categories, io::in_quotes),
                              label ? number_hint(row) : "; set a rule, such as Unknown::ignore, for the column"));
    return column_.unknown == Unknown::other ? place_.other : nowhere;
  }

  const char* number_hint(std::size_t row) const {
    return frame_.number(row, index_) ? "; a number to predict is a target, not a label" : "";
  }

  const Column& column_;
  const LearnedColumn& learned_;
  const ColumnPlace& place_;
  const Frame& frame_;
  std::size_t index_;
};

// Notes on the inputs and indices of a column that no training row uses, a line for each.
std::string untrained(const Column& column, const LearnedColumn& learned, const ColumnPlace& place) {
  const auto input = [&](const char* name) {
    return fmt::format("the input {}, so its weights are", io::in_quotes(column.name + "_" + name));
  };
  const auto category = [&](const char* name, std::size_t position) {
    return column.encoding == Encoding::index
               ? fmt::format("index {}, '{}', so its row of an nn::Embedding is", position, name)
               : input(name);
  };
  const auto line = [&](const std::string& unused, const char* cure) {
    return fmt::format("column {}: no training row uses {} never trained: {}\n", io::in_quotes(column.name), unused,
                       cure);
  };
  std::string lines;
  if (column.unknown == Unknown::other && !learned.other_seen)
    lines += line(category("other", place.other),
                  "set a min_frequency that some categories do not reach, or Unknown::error");
  if (column.missing == Missing::category && !learned.missing_seen)
    lines += line(category("missing", place.missing), "set Missing::most_frequent or Missing::error");
  if (column.indicator && !learned.missing_seen) lines += line(input("missing"), "set indicator = false");
  return lines;
}

template <class Array>
Array zeros(const Shape& shape) {
  return Array(xt::dynamic_shape<std::size_t>(shape), 0);
}

template <class T>
EncodedTable<T> encoded(const TableEncoder::State& state, const Frame& frame, bool inputs_only, const Location& where) {
  const std::vector<std::size_t> columns =
      matching_columns(encode_subject, state.schema, frame, inputs_only, false, where);
  EncodedTable<T> result;
  result.rows = kept_rows(state.schema, columns, frame);
  const std::size_t count = result.rows.size();
  result.feature_names = state.feature_names;
  result.index_names = state.index_names;
  result.class_names = state.class_names;
  result.label_name = state.label_name;
  result.target_names = state.target_names;
  result.inputs = zeros<Tensor<T>>({count, state.feature_names.size()});
  result.indices = zeros<Indices>({count, state.index_names.size()});
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == std::string::npos) continue;
    const Column& column = state.schema.columns[i];
    if (column.kind == ColumnKind::label) result.labels = zeros<Indices>({count});
    if (column.kind == ColumnKind::target && result.targets.dimension() == 0)
      result.targets = zeros<Tensor<T>>({count, state.target_names.size()});
    const ColumnEncoder<T> encoder(column, state.learned[i], state.places[i], frame, columns[i]);
    for (std::size_t sample = 0; sample < count; ++sample) encoder.write(result.rows[sample], sample, result);
  }
  return result;
}

template <class T>
void require_no_indices(const EncodedTable<T>& table, const char* subject, const Location& where) {
  if (!table.index_names.empty())
    throw ValueError(
        subject,
        fmt::format(
            "columns {} are encoded as indices: expected inputs only; use Samples{{std::tuple{{inputs, indices}}, …}}",
            first_few(table.index_names, io::in_quotes)),
        where);
}

}  // namespace

template <class T>
Dataset<T> EncodedTable<T>::dataset(const Location& where) const {
  require_no_indices(*this, "EncodedTable::dataset", where);
  if (labels.dimension() != 1) throw ValueError("EncodedTable::dataset", "the table has no labels", where);
  return {inputs, labels, class_names.size(), feature_names, label_name};
}

template <class T>
Table<T> EncodedTable<T>::table(const Location& where) const {
  require_no_indices(*this, "EncodedTable::table", where);
  if (targets.dimension() != 2) throw ValueError("EncodedTable::table", "the table has no targets", where);
  return {inputs, targets, feature_names, target_names};
}

template <class T>
EncodedTable<T> TableEncoder::encode(const Frame& frame, const Location& where) const {
  return located(encode_subject, where, [&] { return encoded<T>(*state_, frame, false, where); });
}
template <class T>
EncodedTable<T> TableEncoder::encode_inputs(const Frame& frame, const Location& where) const {
  return located(encode_subject, where, [&] { return encoded<T>(*state_, frame, true, where); });
}

const Schema& TableEncoder::schema() const { return state_->schema; }
const std::vector<std::string>& TableEncoder::feature_names() const { return state_->feature_names; }
const std::vector<std::string>& TableEncoder::index_names() const { return state_->index_names; }
const std::vector<std::size_t>& TableEncoder::index_sizes() const { return state_->index_sizes; }
const std::vector<std::string>& TableEncoder::target_names() const { return state_->target_names; }
const std::vector<std::string>& TableEncoder::class_names() const { return state_->class_names; }

const std::string& TableEncoder::decode(std::int64_t label, const Location& where) const {
  if (label < 0 || static_cast<std::uint64_t>(label) >= class_names().size())
    throw ValueError("TableEncoder::decode",
                     fmt::format("label {}: expected one in [0, {})", label, class_names().size()), where);
  return class_names()[static_cast<std::size_t>(label)];
}

std::string TableEncoder::to_string() const {
  std::string text = state_->schema.to_string();
  for (std::size_t i = 0; i < state_->schema.columns.size(); ++i)
    text += untrained(state_->schema.columns[i], state_->learned[i], state_->places[i]);
  return text;
}

std::ostream& operator<<(std::ostream& out, const TableEncoder& encoder) { return out << encoder.to_string(); }

template <class T>
Tensor<T> TableEncoder::decode_targets(const Tensor<T>& targets, const Location& where) const {
  const std::size_t count = target_names().size();
  if (targets.dimension() != 2 || targets.shape()[1] != count)
    throw ShapeError(
        "TableEncoder::decode_targets",
        fmt::format("targets of shape {}: expected (N, {})", wengert::to_string(Shape(targets.shape())), count), where);
  Tensor<T> result = targets;
  for (std::size_t i = 0; i < state_->schema.columns.size(); ++i) {
    if (state_->schema.columns[i].kind != ColumnKind::target) continue;
    const LearnedColumn& learned = state_->learned[i];
    for (std::size_t at = state_->places[i].first; at < result.size(); at += count)
      result.data()[at] = static_cast<T>(static_cast<double>(result.data()[at]) * learned.deviation + learned.mean);
  }
  return result;
}

// Encodes rows, without their targets if Y has none.
template <class T, class Y>
static EncodedTable<T> encoded_for(const TableEncoder& encoder, const Frame& frame, const Location& where) {
  if constexpr (std::is_same_v<Y, std::tuple<>>)
    return encoder.encode_inputs<T>(frame, where);
  else
    return encoder.encode<T>(frame, where);
}

template <class T, class Y, class X>
FrameSource<T, Y, X>::FrameSource(const MappedFrame& frame, const TableEncoder& encoder, const Location& where)
    : frame_(frame), encoder_(encoder) {
  located("FrameSource", where, [&] {
    if (std::is_same_v<X, Tensor<T>> && !encoder.index_names().empty())
      throw ValueError(
          "FrameSource",
          fmt::format("columns {} are encoded as indices: use IndexedFrameSource, whose batches have two inputs",
                      first_few(encoder.index_names(), io::in_quotes)),
          where);
    std::vector<std::size_t> rows;
    std::size_t first = 0;
    for_each_chunk(frame, where, [&](const Frame& chunk) {
      const EncodedTable<T> encoded = encoded_for<T, Y>(encoder, chunk, where);
      const bool has_targets =
          std::is_same_v<Y, std::tuple<>> ||
          (std::is_same_v<Y, Indices> ? encoded.labels.dimension() : encoded.targets.dimension()) > 0;
      if (!has_targets)
        throw ValueError(
            "FrameSource",
            fmt::format("the encoder gives no {} for this table", std::is_same_v<Y, Indices> ? "labels" : "targets"),
            where);
      for (const std::size_t row : encoded.rows) rows.push_back(first + row);
      first += chunk.size();
    });
    if (rows.size() < frame.size()) frame_ = frame.select(rows, where);
  });
}

template <class T, class Y, class X>
void FrameSource<T, Y, X>::gather(std::span<const std::size_t> rows, Inputs& x, [[maybe_unused]] Targets& y) const {
  EncodedTable<T> encoded = encoded_for<T, Y>(encoder_, frame_.gather(rows, {}), {});
  if constexpr (std::is_same_v<X, Tensor<T>>)
    x = std::move(encoded.inputs);
  else
    x = {std::move(encoded.inputs), std::move(encoded.indices)};
  if constexpr (std::is_same_v<Y, Indices>)
    y = std::move(encoded.labels);
  else if constexpr (std::is_same_v<Y, Tensor<T>>)
    y = std::move(encoded.targets);
}

#define INSTANTIATE(T)                                                                       \
  template struct EncodedTable<T>;                                                           \
  template EncodedTable<T> TableEncoder::encode(const Frame&, const Location&) const;        \
  template EncodedTable<T> TableEncoder::encode_inputs(const Frame&, const Location&) const; \
  template Tensor<T> TableEncoder::decode_targets(const Tensor<T>&, const Location&) const;  \
  template class FrameSource<T, Indices>;                                                    \
  template class FrameSource<T, Tensor<T>>;                                                  \
  template class FrameSource<T, std::tuple<>>;                                               \
  template class FrameSource<T, std::tuple<>, std::tuple<Tensor<T>, Indices>>;               \
  template class FrameSource<T, Indices, std::tuple<Tensor<T>, Indices>>;                    \
  template class FrameSource<T, Tensor<T>, std::tuple<Tensor<T>, Indices>>;
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::data
