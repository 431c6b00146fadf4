// The rules of a schema, the places of its columns in the tensors, and the cells that they allow.
#include "data/table_encoder_state.hpp"

#include "base/join.hpp"
#include "data/frame_access.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace wengert::data {
namespace {

std::string fault_of(const Column& column) {
  const ColumnKind kind = column.kind;
  const Missing missing = column.missing;
  const bool category = kind == ColumnKind::category, input = category || is_number(kind);
  const auto unfit = [&](std::string_view rule, std::string_view expected) {
    return fmt::format("column {}, {}: {} does not fit; expected {}", io::in_quotes(column.name), word(kind), rule,
                       expected);
  };
  const auto rule = fmt::format("Missing::{}", word(missing));
  if (!input && missing != Missing::error && missing != Missing::drop) return unfit(rule, "error or drop");
  if (is_number(kind) && missing == Missing::category) return unfit(rule, "mean, median or most_frequent");
  if (category && (missing == Missing::mean || missing == Missing::median))
    return unfit(rule, "most_frequent or category");
  if (column.indicator && (!input || !replaces(missing) || missing == Missing::category))
    return unfit(fmt::format("an indicator with {}", rule), "an input with mean, median or most_frequent");
  if (!category) {
    constexpr const char* only = "only ColumnKind::category with it";
    if (column.encoding != Encoding::one_hot) return unfit(fmt::format("Encoding::{}", word(column.encoding)), only);
    if (column.unknown != Unknown::error) return unfit(fmt::format("Unknown::{}", word(column.unknown)), only);
    if (column.min_frequency > 1) return unfit(fmt::format("min_frequency {}", column.min_frequency), only);
    return {};
  }
  if (column.encoding == Encoding::index && column.unknown == Unknown::ignore)
    return unfit("Unknown::ignore with Encoding::index", "error or other");
  if (column.min_frequency > 1 && column.unknown == Unknown::error)
    return unfit(fmt::format("min_frequency {} with Unknown::error", column.min_frequency), "ignore or other");
  return {};
}

// The place of the first byte that is not UTF-8, in a text that has one.
std::size_t place_of_fault(std::string_view text) {
  for (std::size_t at = 0;;) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (!io::is_utf8(text.substr(at, length))) return at;
    at += length;
  }
}

}  // namespace

std::string fault_of(const Schema& schema) {
  std::set<std::string_view> names;
  std::size_t labels = 0, inputs = 0;
  for (const Column& column : schema.columns) {
    if (!names.insert(column.name).second)
      return fmt::format("two columns of the schema are called {}", io::in_quotes(column.name));
    if (std::string fault = fault_of(column); !fault.empty()) return fault;
    labels += column.kind == ColumnKind::label ? 1 : 0;
    inputs += is_number(column.kind) || column.kind == ColumnKind::category ? 1 : 0;
  }
  if (labels > 1) return fmt::format("{} columns are labels: expected one", labels);
  if (inputs == 0) return std::string(no_inputs);
  return {};
}

void TableEncoder::State::complete() {
  places.assign(schema.columns.size(), {});
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    ColumnPlace& place = places[i];
    const std::vector<std::string>& categories = learned[i].categories;
    for (const std::string& category : categories) place.index.emplace(category, place.index.size());
    if (column.kind == ColumnKind::label) {
      class_names = categories;
      label_name = column.name;
    } else if (column.kind == ColumnKind::target) {
      place.first = target_names.size();
      target_names.push_back(column.name);
    } else if (is_number(column.kind)) {
      place.first = feature_names.size();
      place.width = 1;
      feature_names.push_back(column.name);
    } else {
      std::vector<std::string> names = categories;
      const auto add = [&](bool wanted, const char* name) {
        if (wanted) names.emplace_back(name);
        return names.size() - 1;
      };
      place.other = add(column.unknown == Unknown::other, "other");
      place.missing = add(column.missing == Missing::category, "missing");
      if (column.encoding == Encoding::index) {
        place.first = index_names.size();
        index_names.push_back(column.name);
        index_sizes.push_back(names.size());
      } else {
        place.first = feature_names.size();
        place.width = names.size();
        for (const std::string& name : names) feature_names.push_back(column.name + "_" + name);
      }
    }
    if (column.indicator) {
      place.indicator = feature_names.size();
      feature_names.push_back(column.name + "_missing");
    }
  }
}

void refuse_cell(std::string_view subject, const Frame& frame, std::size_t row, std::size_t column,
                 const std::string& what) {
  const std::string message = fmt::format("{}: {}", frame.position(row, column), what);
  if (frame.source().empty()) throw ValueError(subject, message);
  throw FileError(subject, message);
}

void check_utf8(std::string_view subject, const Frame& frame, std::size_t row, std::size_t column) {
  const std::string_view cell = frame.cell(row, column);
  if (io::is_utf8(cell)) return;
  const std::size_t place = place_of_fault(cell);
  refuse_cell(subject, frame, row, column,
              fmt::format("byte {} of {}, 0x{:02X}, is not UTF-8: convert the text, for example by iconv", place + 1,
                          io::in_quotes(cell), static_cast<unsigned char>(cell[place])));
}

double number_in(std::string_view subject, const Frame& frame, std::size_t row, std::size_t column, ColumnKind kind) {
  const std::string_view cell = frame.cell(row, column);
  const std::optional<double> number = frame.number(row, column);
  if (!number)
    refuse_cell(
        subject, frame, row, column,
        not_a_number(cell, FrameAccess::decimal(frame)) + "; if it marks a missing value, add it to `missing_values`");
  if (!std::isfinite(*number))
    refuse_cell(subject, frame, row, column,
                fmt::format("{} is not a finite number, or out of range", io::in_quotes(cell)));
  if (kind == ColumnKind::integer && *number != std::floor(*number))
    refuse_cell(
        subject, frame, row, column,
        fmt::format("{} is not an integer: expected one; other numbers need ColumnKind::numeric", io::in_quotes(cell)));
  return *number;
}

std::vector<std::size_t> matching_columns(std::string_view subject, const Schema& schema, const Frame& frame,
                                          bool inputs_only, bool targets_required, const Location& where) {
  std::vector<std::size_t> columns;
  std::vector<std::string> absent, absent_targets;
  std::size_t targets = 0;
  for (const Column& column : schema.columns) {
    const bool is_target = column.kind == ColumnKind::label || column.kind == ColumnKind::target;
    const auto found = std::ranges::find(frame.names(), column.name);
    const bool present = found != frame.names().end() && !(is_target && inputs_only);
    columns.push_back(present ? static_cast<std::size_t>(found - frame.names().begin()) : std::string::npos);
    targets += is_target ? 1 : 0;
    if (!present) (is_target ? absent_targets : absent).push_back(column.name);
  }
  if (targets_required || (!inputs_only && absent_targets.size() < targets))
    absent.insert(absent.end(), absent_targets.begin(), absent_targets.end());
  if (!absent.empty())
    throw ValueError(subject,
                     fmt::format("{} has no column {}, as the schema expects: it has {}",
                                 frame.source().empty() ? "the frame" : frame.source(),
                                 first_few(absent, io::in_quotes), first_few(frame.names(), io::in_quotes)),
                     where);
  return columns;
}

std::vector<std::size_t> kept_rows(const Schema& schema, const std::vector<std::size_t>& columns, const Frame& frame) {
  std::vector<std::size_t> rows, dropping;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != std::string::npos && schema.columns[i].missing == Missing::drop) dropping.push_back(columns[i]);
  for (std::size_t row = 0; row < frame.size(); ++row)
    if (std::ranges::none_of(dropping, [&](std::size_t column) { return frame.missing(row, column); }))
      rows.push_back(row);
  return rows;
}

}  // namespace wengert::data
