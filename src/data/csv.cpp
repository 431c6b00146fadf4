#include "data/input_file.hpp"
#include "io/in_quotes.hpp"
#include <wengert/data/csv.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace wengert {
namespace {

// The lines of a file without their ends, each valid until the next is asked for.
class Lines {
 public:
  explicit Lines(InputFile& file) : file_(file), buffer_(std::size_t{1} << 18) {}

  std::optional<std::string_view> next() {
    std::size_t searched = 0;
    while (true) {
      const char* begin = buffer_.data() + begin_;
      const std::size_t held = end_ - begin_;
      if (const void* newline = std::memchr(begin + searched, '\n', held - searched)) {
        const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - begin);
        return take(length, length + 1);
      }
      if (at_end_) return held == 0 ? std::nullopt : std::optional(take(held, held));
      searched = held;
      fill();
    }
  }

 private:
  std::string_view take(std::size_t length, std::size_t with_end) {
    std::string_view line(buffer_.data() + begin_, length);
    begin_ += with_end;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  void fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const std::size_t wanted = buffer_.size() - end_;
    const std::size_t got = file_.read(buffer_.data() + end_, wanted);
    end_ += got;
    at_end_ = got < wanted;
  }

  InputFile& file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Number {
  double value = 0;
  bool in_range = true;  // of double
};

// The number that a trimmed cell holds, if it is one.
std::optional<Number> parse(std::string_view cell) {
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);  // from_chars knows no plus
  Number number;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number.value);
  if (end != cell.data() + cell.size() || error == std::errc::invalid_argument) return std::nullopt;
  number.in_range = error == std::errc();
  return number;
}

void check(const CsvOptions& options, const Location& where) {
  const char d = options.delimiter;
  if ((d >= '0' && d <= '9') || (d >= 'a' && d <= 'z') || (d >= 'A' && d <= 'Z') ||
      std::string_view("+-.\"'\r\n\0", 8).find(d) != std::string_view::npos)
    throw ValueError("read_csv",
                     fmt::format("delimiter {}: expected a character that no number holds, such as ',' or ';'",
                                 in_quotes(std::string_view(&d, 1))),
                     where);
  if (!std::isfinite(options.scale) || options.scale == 0)
    throw ValueError("read_csv", fmt::format("scale {}: expected a finite number other than 0", options.scale), where);
}

template <class T>
class TableReader {
 public:
  TableReader(const std::filesystem::path& path, const CsvOptions& options, const Location& where)
      : file_("read_csv", path), options_(options), where_(where) {}

  Dataset<T> read() {
    Lines lines(file_);
    while (const auto line = lines.next()) {
      ++line_;
      std::string_view text = *line;
      if (line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
      if (text.find_first_not_of(' ') == std::string_view::npos) continue;
      split_cells(text);
      const bool first = first_line_ == 0;
      if (first) begin_table();
      if (!first || !is_header()) add_sample();
    }
    if (labels_.empty()) file_.fail(first_line_ == 0 ? "has no rows" : "has no rows below its header");

    Dataset<T> dataset;
    dataset.inputs = Tensor<T>::from_shape({labels_.size(), columns_ - 1});
    std::ranges::copy(inputs_, dataset.inputs.data());
    dataset.labels = IndexTensor::from_shape({labels_.size()});
    std::ranges::copy(labels_, dataset.labels.data());
    dataset.classes = static_cast<std::size_t>(*std::ranges::max_element(labels_)) + 1;
    return dataset;
  }

 private:
  [[noreturn]] void fail(std::size_t column, std::string_view what) const {
    throw FileError("read_csv", fmt::format("{}:{}: column {}: {}", file_.label(), line_, column + 1, what));
  }

  void split_cells(std::string_view line) {
    cells_.clear();
    std::size_t end = 0;
    while ((end = line.find(options_.delimiter)) != std::string_view::npos) {
      cells_.push_back(trimmed(line.substr(0, end)));
      line.remove_prefix(end + 1);
    }
    cells_.push_back(trimmed(line));
  }

  void begin_table() {
    first_line_ = line_;
    columns_ = cells_.size();
    if (columns_ < 2)
      fail(0, fmt::format("the only one, as delimited by {}: expected inputs and a label",
                          in_quotes(std::string_view(&options_.delimiter, 1))));
    const auto count = static_cast<std::int64_t>(columns_);
    const std::int64_t column = options_.label_column;
    if (column < -count || column >= count)
      throw ValueError(
          "read_csv",
          fmt::format("label column {}: {} has {} columns, {} to {}", column, file_.label(), count, -count, count - 1),
          where_);
    label_column_ = static_cast<std::size_t>(column < 0 ? column + count : column);
  }

  bool is_header() const {
    if (options_.header != CsvOptions::Header::automatic) return options_.header == CsvOptions::Header::yes;
    return std::ranges::none_of(cells_, [](std::string_view cell) { return parse(cell).has_value(); }) &&
           std::ranges::any_of(cells_, [](std::string_view cell) { return !cell.empty(); });
  }

  void add_sample() {
    if (cells_.size() != columns_)
      fail(std::min(cells_.size(), columns_),
           fmt::format("{} columns in this line: expected {}, as in line {}", cells_.size(), columns_, first_line_));
    for (std::size_t column = 0; column < columns_; ++column) {
      const double value = finite_number(column);
      if (column == label_column_)
        labels_.push_back(label(column, value));
      else
        inputs_.push_back(input(column, value));
    }
  }

  double finite_number(std::size_t column) const {
    const std::string_view cell = cells_[column];
    if (cell.empty()) fail(column, "the value is missing");
    const std::optional<Number> number = parse(cell);
    if (!number)
      fail(column, fmt::format("{} is not a number{}", in_quotes(cell),
                               line_ == first_line_ ? "; is this line a header?" : ""));
    if (!number->in_range) fail(column, fmt::format("{} is out of range", in_quotes(cell)));
    if (!std::isfinite(number->value)) fail(column, fmt::format("{} is not a finite number", in_quotes(cell)));
    return number->value;
  }

  std::int64_t label(std::size_t column, double value) const {
    constexpr int most_classes = 10'000;  // a one-hot row has as many columns
    if (value < 0 || value != std::floor(value))
      fail(column, fmt::format("{} is not a label: expected a whole number from 0; is {} the label column?",
                               in_quotes(cells_[column]), options_.label_column));
    if (value >= most_classes)
      fail(column, fmt::format("label {}: more than {} classes; is {} the label column?", in_quotes(cells_[column]),
                               most_classes, options_.label_column));
    return static_cast<std::int64_t>(value);
  }

  T input(std::size_t column, double value) const {
    const double scaled = value * options_.scale;
    if (std::abs(scaled) > static_cast<double>(std::numeric_limits<T>::max()))
      fail(column, fmt::format("{} times the scale {} is out of range", in_quotes(cells_[column]), options_.scale));
    return static_cast<T>(scaled);
  }

  InputFile file_;
  const CsvOptions& options_;
  Location where_;
  std::size_t line_ = 0;        // counted from 1
  std::size_t first_line_ = 0;  // that is not empty; 0 before
  std::size_t columns_ = 0;
  std::size_t label_column_ = 0;
  std::vector<std::string_view> cells_;  // of the current line
  std::vector<T> inputs_;
  std::vector<std::int64_t> labels_;
};

}  // namespace

template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options, const Location& where) {
  check(options, where);
  return TableReader<T>(path, options, where).read();
}

template Dataset<float> read_csv(const std::filesystem::path&, const CsvOptions&, const Location&);
template Dataset<double> read_csv(const std::filesystem::path&, const CsvOptions&, const Location&);

}  // namespace wengert
