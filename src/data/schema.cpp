// Schema: inference from the cells, look-up by name, and the printed table.
#include "base/join.hpp"
#include "base/located.hpp"
#include "data/frame_access.hpp"
#include "data/schema_words.hpp"
#include "io/in_quotes.hpp"
#include <wengert/data/schema.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <ostream>
#include <set>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// What the cells of a column have in common.
struct Seen {
  std::size_t missing = 0, present = 0;
  bool numbers = true, integers = true;
  double least = 0, largest = 0;
  std::set<std::string, std::less<>> texts;  // at most one more than `most_categories`
};

// "007" is a code, not a number.
bool has_leading_zero(std::string_view cell) {
  return cell.size() > 1 && cell[0] == '0' && cell.find_first_not_of("0123456789") == std::string_view::npos;
}

class Inference {
 public:
  explicit Inference(const InferOptions& options) : options_(options) {}

  void add(const Frame& frame) {
    names_ = frame.names();
    seen_.resize(frame.columns());
    for (std::size_t row = 0; row < frame.size(); ++row)
      for (std::size_t column = 0; column < frame.columns(); ++column) add_cell(frame, row, column);
  }

  Schema finish(const Location& where) const {
    if (seen_.empty() || seen_[0].missing + seen_[0].present == 0)
      throw ValueError("Schema::infer", "the table has no rows", where);
    Schema schema;
    for (std::size_t i = 0; i < names_.size(); ++i) schema.columns.push_back(proposal(names_[i], seen_[i]));
    std::set<std::string> named;
    const auto set = [&](const std::string& name, ColumnKind kind, const char* option) {
      const auto found = std::ranges::find(schema.columns, name, &Column::name);
      if (found == schema.columns.end())
        throw ValueError("Schema::infer",
                         fmt::format("{} {}: the table has the columns {}", option, io::in_quotes(name),
                                     first_few(names_, io::in_quotes)),
                         where);
      if (!named.insert(name).second)
        throw ValueError("Schema::infer", fmt::format("column {} is named twice", io::in_quotes(name)), where);
      found->kind = kind;
      if (kind == ColumnKind::label)
        found->note = note_of(seen_[static_cast<std::size_t>(found - schema.columns.begin())], "classes");
      if (kind == ColumnKind::target) found->standardise = false;
    };
    if (!options_.label.empty()) set(options_.label, ColumnKind::label, "label");
    for (const std::string& name : options_.targets) set(name, ColumnKind::target, "target");
    for (const std::string& name : options_.ignored) set(name, ColumnKind::ignored, "ignored column");
    return schema;
  }

 private:
  void add_cell(const Frame& frame, std::size_t row, std::size_t column) {
    Seen& seen = seen_[column];
    if (frame.missing(row, column)) {
      ++seen.missing;
      return;
    }
    const std::string_view cell = frame.cell(row, column);
    ++seen.present;
    if (seen.texts.size() <= options_.most_categories && !seen.texts.contains(cell)) seen.texts.emplace(cell);
    if (!seen.numbers) return;
    const std::optional<double> number = frame.number(row, column);
    seen.numbers = number && std::isfinite(*number) && !has_leading_zero(cell);
    if (!seen.numbers) return;
    seen.integers = seen.integers && cell.find_first_not_of("+-0123456789 \t") == std::string_view::npos;
    seen.least = seen.present == 1 ? *number : std::min(seen.least, *number);
    seen.largest = seen.present == 1 ? *number : std::max(seen.largest, *number);
  }

  std::string note_of(const Seen& seen, std::string_view of) const {
    constexpr std::size_t shown = 4;
    const std::size_t count = seen.texts.size();
    std::string note = seen.missing > 0 ? fmt::format("{} missing; ", seen.missing) : "";
    if (count > options_.most_categories) return note + fmt::format("more than {} {}", options_.most_categories, of);
    note += fmt::format("{} {}", count, of);
    const char* separator = ": ";
    auto text = seen.texts.begin();
    for (std::size_t i = 0; i < std::min(count, shown); ++i) {
      note += separator + io::in_quotes(*text++);
      separator = ", ";
    }
    return count > shown ? note + " …" : note;
  }

  Column proposal(const std::string& name, const Seen& seen) const {
    Column column{.name = name};
    if (seen.present == 0) {
      column.note = "no values";
    } else if (seen.numbers) {
      column.kind = seen.integers ? ColumnKind::integer : ColumnKind::numeric;
      column.note = fmt::format("{}{:.6g} to {:.6g}", seen.missing > 0 ? fmt::format("{} missing; ", seen.missing) : "",
                                seen.least, seen.largest);
    } else {
      const bool few = seen.texts.size() <= options_.most_categories;
      column.kind = few ? ColumnKind::category : ColumnKind::ignored;
      column.note = note_of(seen, few ? "categories" : "texts, the limit `most_categories`");
    }
    return column;
  }

  const InferOptions& options_;
  std::vector<std::string> names_;
  std::vector<Seen> seen_;
};

template <class Rows>
Schema inferred(const Rows& rows, const InferOptions& options, const Location& where) {
  return located("Schema::infer", where, [&] {
    Inference inference(options);
    for_each_chunk(rows, where, [&](const Frame& chunk) { inference.add(chunk); });
    return inference.finish(where);
  });
}

std::string encoding_of(const Column& column) {
  if (column.kind == ColumnKind::category) {
    std::string text(word(column.encoding));
    if (column.unknown != Unknown::error) text += fmt::format(", unknown: {}", word(column.unknown));
    if (column.min_frequency > 1) text += fmt::format(", at least {}", column.min_frequency);
    return text;
  }
  if (column.kind == ColumnKind::label) return "class";
  if (column.kind == ColumnKind::ignored) return "";
  return column.standardise ? "standardised" : "as it is";
}

}  // namespace

Schema Schema::infer(const Frame& frame, const InferOptions& options, const Location& where) {
  return inferred(frame, options, where);
}
Schema Schema::infer(const MappedFrame& frame, const InferOptions& options, const Location& where) {
  return inferred(frame, options, where);
}

const Column& Schema::operator[](const ColumnName& name) const {
  const auto found = std::ranges::find(columns, name.name, &Column::name);
  if (found == columns.end())
    throw ValueError("Schema",
                     fmt::format("no column {}: it has {}", io::in_quotes(name.name),
                                 first_few(columns, [](const Column& column) { return io::in_quotes(column.name); })),
                     name.where);
  return *found;
}
Column& Schema::operator[](const ColumnName& name) {
  return const_cast<Column&>(static_cast<const Schema&>(*this)[name]);
}

std::string Schema::to_string() const {
  using Row = std::array<std::string, 5>;
  std::vector<Row> rows{{"column", "kind", "missing", "encoding", "found"}};
  for (const Column& column : columns) {
    const bool used = column.kind != ColumnKind::ignored;
    rows.push_back({column.name, std::string(word(column.kind)),
                    used ? fmt::format("{}{}", word(column.missing), column.indicator ? ", indicator" : "") : "",
                    encoding_of(column), column.note});
  }
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Schema& schema) { return out << schema.to_string(); }

}  // namespace wengert::data
