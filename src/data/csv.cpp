#include "data/compressed_file.hpp"
#include <wengert/data/csv.hpp>
#include <wengert/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace wengert {
namespace {

std::string_view trimmed(std::string_view cell) {
  while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) cell.remove_prefix(1);
  while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.remove_suffix(1);
  return cell;
}

// The number a cell holds, if it holds one and nothing else.
std::optional<double> number(std::string_view cell) {
  cell = trimmed(cell);
  if (cell.size() > 1 && cell.front() == '+' && cell[1] != '-') cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  Reader(const std::filesystem::path& path, const CsvOptions& options) : path_(path), options_(options) {}

  template <class T>
  Dataset<T> read() {
    const auto bytes = CompressedFile(path_).read(std::string::npos);
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    bool first = true;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      ++line_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (trimmed(line).empty()) continue;
      split_cells(line);
      if (std::exchange(first, false)) {
        choose_label_column();
        if (is_header()) continue;
      }
      take_row();
    }
    if (labels_.empty()) throw FileError("csv", path_.string() + ": holds no samples");
    Dataset<T> data;
    data.inputs = Tensor<T>::from_shape({labels_.size(), columns_ - 1});
    std::transform(features_.begin(), features_.end(), data.inputs.data(), [](double v) { return static_cast<T>(v); });
    data.labels = IndexTensor::from_shape({labels_.size()});
    std::copy(labels_.begin(), labels_.end(), data.labels.data());
    data.classes = static_cast<std::size_t>(*std::max_element(labels_.begin(), labels_.end())) + 1;
    return data;
  }

 private:
  static constexpr std::int64_t most_classes = 1'000'000;

  [[noreturn]] void refuse(std::size_t column, const std::string& reason) const {
    throw FileError("csv", fmt::format("{}:{}: column {}: {}", path_.string(), line_, column + 1, reason));
  }
  void split_cells(std::string_view line) {
    cells_.clear();
    while (true) {
      const std::size_t end = line.find(options_.delimiter);
      cells_.push_back(line.substr(0, end));
      if (end == std::string_view::npos) return;
      line.remove_prefix(end + 1);
    }
  }
  void choose_label_column() {
    columns_ = cells_.size();
    const std::int64_t column =
        options_.label_column + (options_.label_column < 0 ? static_cast<std::int64_t>(columns_) : 0);
    if (column < 0 || column >= static_cast<std::int64_t>(columns_))
      throw FileError("csv", fmt::format("{}:{}: {} columns: there is no label column {}", path_.string(), line_,
                                         columns_, options_.label_column));
    if (columns_ < 2)
      throw FileError("csv", fmt::format("{}:{}: one column: a sample has at least one feature and a label",
                                         path_.string(), line_));
    label_column_ = static_cast<std::size_t>(column);
  }
  bool is_header() const {
    if (options_.header != CsvOptions::Header::automatic) return options_.header == CsvOptions::Header::yes;
    return std::any_of(cells_.begin(), cells_.end(),
                       [](std::string_view cell) { return !trimmed(cell).empty() && !number(cell); });
  }
  void take_row() {
    if (cells_.size() != columns_)
      throw FileError("csv", fmt::format("{}:{}: {} columns, the lines before have {}", path_.string(), line_,
                                         cells_.size(), columns_));
    for (std::size_t column = 0; column < columns_; ++column) {
      if (trimmed(cells_[column]).empty()) refuse(column, "the value is missing");
      const auto value = number(cells_[column]);
      if (!value) refuse(column, fmt::format("'{}' is not a number", cells_[column]));
      if (!std::isfinite(*value)) refuse(column, fmt::format("'{}' is not a finite number", cells_[column]));
      if (column != label_column_) {
        features_.push_back(*value * options_.scale);
        continue;
      }
      if (*value < 0 || *value > static_cast<double>(most_classes) || *value != std::floor(*value))
        refuse(column,
               fmt::format("the label '{}' is not a whole number from 0 to {}", trimmed(cells_[column]), most_classes));
      labels_.push_back(static_cast<std::int64_t>(*value));
    }
  }

  const std::filesystem::path& path_;
  const CsvOptions& options_;
  std::size_t line_ = 0;
  std::size_t columns_ = 0;
  std::size_t label_column_ = 0;
  std::vector<std::string_view> cells_;
  std::vector<double> features_;
  std::vector<std::int64_t> labels_;
};

}  // namespace

template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  return Reader(path, options).read<T>();
}

template Dataset<float> read_csv(const std::filesystem::path&, const CsvOptions&);
template Dataset<double> read_csv(const std::filesystem::path&, const CsvOptions&);

}  // namespace wengert
