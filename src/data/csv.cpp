// read_csv and read_table: convert the rows of a CSV file to a Dataset or a Table.
#include "base/located.hpp"
#include "data/csv_reader.hpp"
#include "io/in_quotes.hpp"
#include <wengert/data/csv.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace wengert::data {
namespace {

std::int64_t label(const CsvReader& reader, std::size_t column, const CsvOptions& options) {
  const double value = reader.number(column);
  if (value < 0 || value != std::floor(value))
    reader.fail(column, fmt::format("{} is not a label: expected an integer of at least 0; is this the label column? "
                                    "read_table accepts any numbers",
                                    io::in_quotes(reader.cell(column))));
  if (value >= std::min(static_cast<double>(options.most_classes), 0x1p53))
    reader.fail(column, fmt::format("label {}: more than {} classes, the limit `most_classes`; is this the label "
                                    "column? read_table accepts any numbers",
                                    io::in_quotes(reader.cell(column)), options.most_classes));
  return static_cast<std::int64_t>(value);
}

template <class T>
T value(const CsvReader& reader, std::size_t column, double scale) {
  const double scaled = reader.number(column) * scale;
  if (std::abs(scaled) > static_cast<double>(std::numeric_limits<T>::max()))
    reader.fail(column, scale == 1 ? fmt::format("{} is out of range", io::in_quotes(reader.cell(column)))
                                   : fmt::format("{} times the scale {} is out of range",
                                                 io::in_quotes(reader.cell(column)), scale));
  return static_cast<T>(scaled);
}

// Copies values from a vector: the number of rows is known only at the end of the file.
template <class T>
Tensor<T> as_rows(const std::vector<T>& values, std::size_t rows, std::size_t columns) {
  Tensor<T> tensor = Tensor<T>::from_shape({rows, columns});
  std::ranges::copy(values, tensor.data());
  return tensor;
}

std::vector<std::string> chosen(const std::vector<std::string>& names, const std::vector<std::size_t>& columns) {
  std::vector<std::string> result;
  if (!names.empty())
    for (const std::size_t column : columns) result.push_back(names[column]);
  return result;
}

std::vector<std::size_t> all_but(const std::vector<std::size_t>& columns, std::size_t count) {
  std::vector<std::size_t> rest;
  for (std::size_t column = 0; column < count; ++column)
    if (std::ranges::find(columns, column) == columns.end()) rest.push_back(column);
  return rest;
}

}  // namespace

template <class T>
Dataset<T> read_csv(const std::filesystem::path& path, const CsvOptions& options, const Location& where) {
  return located("read_csv", where, [&]() -> Dataset<T> {
    if (!std::isfinite(options.scale) || options.scale == 0)
      throw ValueError("read_csv", fmt::format("scale {}: expected a finite number other than 0", options.scale),
                       where);
    CsvReader reader("read_csv", path, {options.header, options.delimiter, options.decimal, options.comment}, where);
    if (reader.columns() < 2)
      reader.fail(0, fmt::format("the only column, with delimiter {}: expected inputs and a label",
                                 io::in_quotes(std::string_view(&options.delimiter, 1))));
    const std::size_t label_column = reader.find(options.label_column, "label column", where);
    std::vector<T> inputs;
    std::vector<std::int64_t> labels;
    while (reader.next())
      for (std::size_t column = 0; column < reader.columns(); ++column)
        if (column == label_column)
          labels.push_back(label(reader, column, options));
        else
          inputs.push_back(value<T>(reader, column, options.scale));

    Dataset<T> dataset;
    dataset.inputs = as_rows(inputs, labels.size(), reader.columns() - 1);
    dataset.labels = Indices::from_shape({labels.size()});
    std::ranges::copy(labels, dataset.labels.data());
    dataset.classes = static_cast<std::size_t>(*std::ranges::max_element(labels)) + 1;
    dataset.feature_names = chosen(reader.names(), all_but({label_column}, reader.columns()));
    if (!reader.names().empty()) dataset.label_name = reader.names()[label_column];
    return dataset;
  });
}

template <class T>
Table<T> read_table(const std::filesystem::path& path, const TableOptions& options, const Location& where) {
  return located("read_table", where, [&]() -> Table<T> {
    CsvReader reader("read_table", path, {options.header, options.delimiter, options.decimal, options.comment}, where);
    std::vector<std::size_t> target_columns;
    for (const CsvColumn& asked : options.target_columns) {
      const std::size_t column = reader.find(asked, "target column", where);
      if (std::ranges::find(target_columns, column) != target_columns.end())
        throw ValueError("read_table", fmt::format("target column {} is named twice: expected once", column), where);
      target_columns.push_back(column);
    }
    const std::vector<std::size_t> input_columns = all_but(target_columns, reader.columns());
    if (input_columns.empty())
      throw ValueError("read_table",
                       fmt::format("{} columns, with delimiter {}, are all targets: expected at least one input",
                                   reader.columns(), io::in_quotes(std::string_view(&options.delimiter, 1))),
                       where);
    std::size_t rows = 0;
    std::vector<T> inputs, targets;
    for (; reader.next(); ++rows) {
      for (const std::size_t column : input_columns) inputs.push_back(value<T>(reader, column, 1));
      for (const std::size_t column : target_columns) targets.push_back(value<T>(reader, column, 1));
    }
    return {as_rows(inputs, rows, input_columns.size()), as_rows(targets, rows, target_columns.size()),
            chosen(reader.names(), input_columns), chosen(reader.names(), target_columns)};
  });
}

template Dataset<float> read_csv(const std::filesystem::path&, const CsvOptions&, const Location&);
template Dataset<double> read_csv(const std::filesystem::path&, const CsvOptions&, const Location&);
template Table<float> read_table(const std::filesystem::path&, const TableOptions&, const Location&);
template Table<double> read_table(const std::filesystem::path&, const TableOptions&, const Location&);

}  // namespace wengert::data
