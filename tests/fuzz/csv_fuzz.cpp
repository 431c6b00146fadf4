// Fuzz target for CSV files: with a label, as a table, with another delimiter.
#include "fuzz.hpp"
#include <wengert/data/csv.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all(
      {data, size}, [](const auto& path) { read_csv<float>(path); },
      [](const auto& path) { read_csv<double>(path, {.label_column = 0, .header = CsvOptions::Header::no}); },
      [](const auto& path) { read_table<double>(path, {.target_columns = {0}, .delimiter = ';'}); });
}
