#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/csv.hpp>

using namespace wengert;
using namespace wengert::testing;

namespace {

std::string refusal(std::string_view text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  const auto path = folder.write("t.csv", text);
  return message_of<FileError>([&] { read_csv<double>(path, options); });
}

Dataset<double> read(std::string_view text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  return read_csv<double>(folder.write("t.csv", text), options);
}

}  // namespace

TEST_CASE("a table of numbers with labels in the last column") {
  const auto data = read("1,2.5,0\n-3e2, +4 ,2\n");
  CHECK(data.inputs == Tensor<double>{{1, 2.5}, {-300, 4}});
  CHECK(data.labels == IndexTensor{0, 2});
  CHECK(data.classes == 3);
}

TEST_CASE("headers, other line endings, blank lines, other columns and delimiters, scale") {
  CHECK(read("a,b,label\r\n1,2,0\r\n\r\n3,4,1").inputs == Tensor<double>{{1, 2}, {3, 4}});
  CHECK(read("\xEF\xBB\xBF"
             "a,b\n1,0\n")
            .size() == 1);
  CHECK(read("1,2\n3,0\n", {.header = CsvOptions::Header::yes}).size() == 1);
  const auto data = read("1;10;20\n0;30;40\n", {.label_column = 0, .delimiter = ';', .scale = 0.1});
  CHECK(distance(data.inputs, Tensor<double>{{1, 2}, {3, 4}}) < 1e-15);
  CHECK(data.labels == IndexTensor{1, 0});
}

TEST_CASE("every malformed table is refused with line and column") {
  CHECK(contains(refusal("1,2,0\n3,,1\n"), "t.csv:2: column 2: the value is missing"));
  CHECK(contains(refusal("1,2,0\n3, ,1\n"), "t.csv:2: column 2: the value is missing"));
  CHECK(contains(refusal("1,2,0\n3,four,1\n"), "t.csv:2: column 2: 'four' is not a number"));
  CHECK(contains(refusal("1,2,0\n3,4x,1\n"), "'4x' is not a number"));
  CHECK(contains(refusal("1,2,0\n3,nan,1\n"), "'nan' is not a finite number"));
  CHECK(contains(refusal("1,2,0\n3,inf,1\n"), "'inf' is not a finite number"));
  CHECK(contains(refusal("1,2,0\n3,1e999,1\n"), "'1e999' is not a number"));
  CHECK(contains(refusal("1,2,0\n3,4\n"), "t.csv:2: 2 columns, the lines before have 3"));
  CHECK(contains(refusal("1,2,0\n3,4,1.5\n"), "t.csv:2: column 3: the label '1.5' is not a whole number"));
  CHECK(contains(refusal("1,2,0\n3,4,-1\n"), "the label '-1' is not a whole number"));
  CHECK(contains(refusal("1,2,0\n3,4,1e9\n"), "the label '1e9' is not a whole number from 0 to 1000000"));
  CHECK(contains(refusal("a,b\n", {.header = CsvOptions::Header::no}), "t.csv:1: column 1: 'a' is not a number"));
  CHECK(contains(refusal(""), "holds no samples"));
  CHECK(contains(refusal("a,b\n"), "holds no samples"));
  CHECK(contains(refusal("1\n2\n"), "one column: a sample has at least one feature and a label"));
  CHECK(contains(refusal("1,2\n", {.label_column = 2}), "2 columns: there is no label column 2"));
  CHECK(contains(message_of<FileError>([] { read_csv<float>("/nonexistent/t.csv"); }), "no such file"));
}
