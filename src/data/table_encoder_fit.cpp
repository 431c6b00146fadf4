// TableEncoder::fit: means, deviations, replacements and categories, in one pass over the training rows.
#include "base/located.hpp"
#include "data/frame_access.hpp"
#include "data/moments.hpp"
#include "data/table_encoder_state.hpp"
#include "io/in_quotes.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

constexpr const char* fit_subject = "TableEncoder::fit";

// What has been seen of a column.
struct SeenColumn {
  ColumnMoments moments{1};
  std::size_t missing = 0;
  std::vector<double> values;                             // for the median
  std::unordered_map<double, std::size_t> counts;         // for the most frequent number
  std::map<std::string, std::size_t, std::less<>> texts;  // how often each occurs
};

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return std::midpoint(*std::max_element(values.begin(), middle), *middle);
}

// The value that occurs most often; the least of several.
double most_frequent(const std::unordered_map<double, std::size_t>& counts) {
  auto best = counts.begin();
  for (auto at = counts.begin(); at != counts.end(); ++at)
    if (at->second > best->second || (at->second == best->second && at->first < best->first)) best = at;
  return best->first;
}

// Sorts as numbers if all are numbers, otherwise as text.
void sort_categories(std::vector<std::string>& texts) {
  std::vector<std::pair<double, std::string>> numbers;
  for (const std::string& text : texts) {
    const auto number = parse_number(text, '.');
    if (!number || !number->in_range || std::isnan(number->value)) return std::ranges::sort(texts), void();
    numbers.emplace_back(number->value, text);
  }
  std::ranges::sort(numbers);
  std::ranges::transform(numbers, texts.begin(), [](const auto& number) { return number.second; });
}

Schema without_ignored(const Schema& schema) {
  Schema used;
  std::ranges::copy_if(schema.columns, std::back_inserter(used.columns),
                       [](const Column& column) { return column.kind != ColumnKind::ignored; });
  return used;
}

class Learner {
 public:
  /// Of a schema that has no ignored columns and no fault.
  Learner(Schema schema, const Location& where) : where_(where), schema_(std::move(schema)) {
    seen_.resize(schema_.columns.size());
  }

  void add(const Frame& frame) {
    const std::vector<std::size_t> columns = matching_columns(fit_subject, schema_, frame, false, true, where_);
    const std::vector<std::size_t> rows = kept_rows(schema_, columns, frame);
    rows_ += rows.size();
    for (std::size_t i = 0; i < columns.size(); ++i)
      for (const std::size_t row : rows) add_cell(schema_.columns[i], seen_[i], frame, row, columns[i]);
  }

  std::shared_ptr<const TableEncoder::State> finish() {
    if (rows_ == 0) throw ValueError(fit_subject, "no rows to learn from", where_);
    auto state = std::make_shared<TableEncoder::State>();
    for (std::size_t i = 0; i < seen_.size(); ++i) state->learned.push_back(learned(schema_.columns[i], seen_[i]));
    state->schema = std::move(schema_);
    state->complete();
    return state;
  }

 private:
  static void add_cell(const Column& column, SeenColumn& seen, const Frame& frame, std::size_t row, std::size_t index) {
    if (frame.missing(row, index)) {
      if (!replaces(column.missing))
        refuse_cell(fit_subject, frame, row, index,
                    "the value is missing: set a rule, such as Missing::drop, for the column");
      ++seen.missing;
    } else if (column.kind == ColumnKind::category || column.kind == ColumnKind::label) {
      const std::string_view cell = frame.cell(row, index);
      const auto found = seen.texts.find(cell);
      if (found != seen.texts.end()) {
        ++found->second;
        return;
      }
      check_utf8(fit_subject, frame, row, index);
      seen.texts.emplace(cell, 1);
    } else {
      const double number = number_in(fit_subject, frame, row, index, column.kind);
      seen.moments.add(&number);
      if (column.missing == Missing::median) seen.values.push_back(number);
      if (column.missing == Missing::most_frequent) ++seen.counts[number];
    }
  }

  LearnedColumn learned(const Column& column, SeenColumn& seen) const {
    const bool texts = column.kind == ColumnKind::category || column.kind == ColumnKind::label;
    LearnedColumn result = texts ? learned_categories(column, seen) : learned_number(column, seen);
    result.missing_seen = seen.missing > 0;
    return result;
  }

  LearnedColumn learned_number(const Column& column, SeenColumn& seen) const {
    LearnedColumn result;
    const auto present = static_cast<double>(seen.moments.rows()), missing = static_cast<double>(seen.missing);
    if (present == 0)
      throw ValueError(fit_subject, fmt::format("column {} has no values to learn from", io::in_quotes(column.name)),
                       where_);
    Moments moments = seen.moments.joined(0, 1);
    if (column.missing == Missing::mean) result.fill = moments.mean;
    if (column.missing == Missing::median) result.fill = median_of(seen.values);
    if (column.missing == Missing::most_frequent) result.fill = most_frequent(seen.counts);
    if (!std::isfinite(result.fill))
      throw ValueError(fit_subject,
                       fmt::format("column {} has values too large to average: expected another rule than "
                                   "Missing::{}, such as most_frequent, or smaller numbers",
                                   io::in_quotes(column.name), word(column.missing)),
                       where_);
    if (!column.standardise) return result;
    // The replaced values are joined to the others (Chan, Golub & LeVeque 1979).
    const double distance = result.fill - moments.mean, all = present + missing;
    if (missing > 0) {
      moments.mean += distance * missing / all;
      moments.squares += distance * distance * present * missing / all;
    }
    if (!std::isfinite(moments.squares))
      throw ValueError(
          fit_subject,
          fmt::format("column {} has values too large to square: set standardise = false", io::in_quotes(column.name)),
          where_);
    result.mean = moments.mean;
    result.deviation = std::sqrt(moments.squares / all);
    if (result.deviation == 0) result.deviation = 1;
    return result;
  }

  LearnedColumn learned_categories(const Column& column, const SeenColumn& seen) const {
    LearnedColumn result;
    for (const auto& [text, count] : seen.texts)
      if (count >= column.min_frequency) result.categories.push_back(text);
    if (result.categories.empty())
      throw ValueError(fit_subject,
                       seen.texts.empty()
                           ? fmt::format("column {} has no values to learn from", io::in_quotes(column.name))
                           : fmt::format("column {}: no category occurs {} times, the min_frequency",
                                         io::in_quotes(column.name), column.min_frequency),
                       where_);
    if (column.kind == ColumnKind::label && result.categories.size() == 1)
      throw ValueError(fit_subject,
                       fmt::format("column {}: {} is the only class of the training rows: expected at least two",
                                   io::in_quotes(column.name), io::in_quotes(result.categories[0])),
                       where_);
    result.other_seen = result.categories.size() < seen.texts.size();
    sort_categories(result.categories);
    if (column.missing == Missing::most_frequent) {
      const auto frequency = [&](const std::string& text) { return seen.texts.find(text)->second; };
      const auto most = std::ranges::max_element(result.categories, {}, frequency);
      result.fill = static_cast<double>(most - result.categories.begin());
    }
    return result;
  }

  const Location& where_;
  Schema schema_;
  std::vector<SeenColumn> seen_;
  std::size_t rows_ = 0;
};

// Asks for the delimiter if the rows of a file have one column that may hold several.
template <class Rows>
std::string delimiter_question(Rows& rows, const Location& where) {
  std::string question;
  for_each_chunk(rows, where, [&](const Frame& chunk) {
    if (chunk.source().empty() || chunk.columns() != 1) return;
    for (std::size_t row = 0; question.empty() && row < chunk.size(); ++row) {
      const std::string_view cell = chunk.cell(row, 0);
      for (const char delimiter : other_delimiters)
        if (question.empty() && cell.find(delimiter) != std::string_view::npos)
          question = fmt::format("; {} is in the only column: is {} the file's delimiter?", io::in_quotes(cell),
                                 shown_delimiter(delimiter));
    }
  });
  return question;
}

template <class Rows>
TableEncoder fitted(Rows& rows, const Schema& schema, const Location& where) {
  return located(fit_subject, where, [&] {
    Schema used = without_ignored(schema);
    if (std::string fault = fault_of(used); !fault.empty()) {
      if (fault == no_inputs) fault += delimiter_question(rows, where);
      throw ValueError(fit_subject, fault, where);
    }
    Learner learner(std::move(used), where);
    for_each_chunk(rows, where, [&](const Frame& chunk) { learner.add(chunk); });
    return TableEncoder(learner.finish());
  });
}

}  // namespace

TableEncoder TableEncoder::fit(const Frame& train, const Schema& schema, const Location& where) {
  return fitted(train, schema, where);
}
TableEncoder TableEncoder::fit(const MappedFrame& train, const Schema& schema, const Location& where) {
  return fitted(train, schema, where);
}
TableEncoder TableEncoder::fit(FrameReader& train, const Schema& schema, const Location& where) {
  return fitted(train, schema, where);
}

}  // namespace wengert::data
