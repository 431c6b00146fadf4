// Real tables: every CSV file that samples/fetch_data.sh fetches has the rows, cells and columns that Python's csv
// module finds.
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/frame.hpp>
#include <wengert/data/mapped_frame.hpp>
#include <wengert/data/schema.hpp>
#include <wengert/data/table_encoder.hpp>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

struct RealTable {
  const char* file;  // below build/data
  std::size_t rows, columns, missing, bytes;
  std::string kinds;  // of the columns: numeric, integer, category, ignored
};

// Printed by real_tables.py.
const std::vector<RealTable> real_tables{
    {"breast_cancer/breast_cancer.csv", 569, 31, 0, 102250, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnni"},
    {"digits/digits.csv.gz", 1797, 65, 0, 147907, "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"},
    {"drawn_faces/pairs.csv", 1440, 5, 0, 127829, "cccc-"},
    {"tables/airports.csv", 3376, 7, 24, 186663, "---ccnn"},
    {"tables/birdstrikes.csv", 10000, 14, 2836, 1073108, "c-c-cccccciiii"},
    {"tables/seattle-weather.csv", 1461, 6, 0, 39403, "-nnnnc"},
};

const std::filesystem::path fetched_folder = PROJECT_SOURCE_DIR "/build/data";

std::string letters_of(const Schema& schema) {
  std::string letters;
  for (const Column& column : schema.columns)
    letters += column.kind == ColumnKind::numeric    ? 'n'
               : column.kind == ColumnKind::integer  ? 'i'
               : column.kind == ColumnKind::category ? 'c'
                                                     : '-';
  return letters;
}

}  // namespace

TEST_CASE("real tables are read as Python's csv module reads them") {
  for (const RealTable& table : real_tables) {
    const std::filesystem::path path = fetched_folder / table.file;
    CAPTURE(path.string());
    if (!std::filesystem::exists(path)) {
      MESSAGE("skipped: run bash samples/fetch_data.sh ", path.parent_path().filename().string());
      continue;
    }
    const Frame frame = read_frame(path);
    CHECK(frame.size() == table.rows);
    CHECK(frame.columns() == table.columns);
    std::size_t missing = 0, bytes = 0;
    for (std::size_t row = 0; row < frame.size(); ++row)
      for (std::size_t column = 0; column < frame.columns(); ++column) {
        missing += frame.missing(row, column) ? 1 : 0;
        bytes += frame.cell(row, column).size();
      }
    CHECK(missing == table.missing);
    CHECK(bytes == table.bytes);

    Schema schema = Schema::infer(frame);
    CHECK(letters_of(schema) == table.kinds);
    if (path.extension() == ".csv") CHECK(Schema::infer(map_frame(path)).to_string() == schema.to_string());
    for (Column& column : schema.columns)
      column.missing = column.kind == ColumnKind::category ? Missing::category : Missing::median;
    std::erase_if(schema.columns, [](const Column& column) { return column.kind == ColumnKind::ignored; });
    const auto encoder = TableEncoder::fit(frame, schema);
    const auto samples = encoder.encode<float>(frame);
    CHECK(samples.size() == table.rows);
    CHECK(TableEncoder::from_json(encoder.to_json()).encode<float>(frame).inputs == samples.inputs);
  }
}

TEST_CASE("every table that is fetched has its figures in the test above") {
  const std::string script = bytes_of(PROJECT_SOURCE_DIR "/samples/fetch_data.sh");
  std::set<std::string> listed, fetched;
  for (const RealTable& table : real_tables) listed.insert(std::filesystem::path(table.file).filename().string());
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) {  // echo "SUM  NAME"
    const std::size_t begin = line.rfind("  "), end = line.rfind('"');
    if (end == std::string::npos || begin == std::string::npos || begin > end) continue;
    const std::string name = line.substr(begin + 2, end - begin - 2);
    if (name.ends_with(".csv") || name.ends_with(".csv.gz")) fetched.insert(name);
  }
  CHECK(listed == fetched);
}
