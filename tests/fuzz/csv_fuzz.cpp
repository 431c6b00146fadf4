// Fuzz target for CSV files: with a label, as a table, with other delimiters, decimal commas and comments.
#include "fuzz.hpp"
#include <wengert/data/csv.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all(
      {data, size}, [](const auto& path) { data::read_csv<float>(path); },
      [](const auto& path) {
        data::read_csv<double>(path, {.label_column = 0, .header = data::CsvOptions::Header::no});
      },
      [](const auto& path) {
        data::read_table<double>(path, {.target_columns = {0}, .delimiter = ';', .decimal = ',', .comment = '#'});
      });
}
