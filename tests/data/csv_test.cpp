// CSV files: labels, headers, quotes, delimiters and regression tables, and errors that name line and column.
#include "data/files.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/csv.hpp>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;
using Header = CsvOptions::Header;

namespace {

class CsvFile {
 public:
  Dataset<double> read(const std::string& content, const CsvOptions& options = {}) const {
    return read_csv<double>(folder_.write("table.csv", content), options);
  }
  /// Returns the part of the error message after the path.
  std::string complaint(const std::string& content, const CsvOptions& options = {}) const {
    const std::string message = file_complaint([&] { read(content, options); });
    const std::string start = "[read_csv] " + (folder_ / "table.csv").string();
    return message.starts_with(start) ? message.substr(start.size()) : "another start: " + message;
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a table becomes samples with the labels of its last column") {
  const auto dataset = CsvFile().read("0,0.5,1\n-1,2e3,0\n16,.25,3\n");
  CHECK(dataset.inputs == Tensor<double>{{0, 0.5}, {-1, 2000}, {16, 0.25}});
  CHECK(dataset.labels == Indices{1, 0, 3});
  CHECK(dataset.classes == 4);
  CHECK(dataset.size() == 3);
  CHECK(dataset.features() == 2);
}

TEST_CASE("a table of floats, compressed by gzip") {
  const TemporaryFolder folder;
  const auto dataset = read_csv<float>(write_gzip(folder / "table.csv.gz", "0.1,2,1\n0.7,3,0\n"));
  CHECK(dataset.inputs == Tensor<float>{{0.1f, 2}, {0.7f, 3}});
}

TEST_CASE("the label column is counted from either end") {
  const CsvFile table;
  for (const int column : {0, -3}) {
    const auto first = table.read("1,5,6\n0,7,8\n", {.label_column = column});
    CHECK(first.labels == Indices{1, 0});
    CHECK(first.inputs == Tensor<double>{{5, 6}, {7, 8}});
  }
  CHECK(table.read("5,1,6\n7,0,8\n", {.label_column = 1}).inputs == Tensor<double>{{5, 6}, {7, 8}});
}

TEST_CASE("inputs are scaled, labels are not") {
  const auto dataset = CsvFile().read("16,8,2\n0,4,1\n", {.scale = 1.0 / 16});
  CHECK(dataset.inputs == Tensor<double>{{1, 0.5}, {0, 0.25}});
  CHECK(dataset.labels == Indices{2, 1});
}

TEST_CASE("blanks, plus signs, LF and CRLF, empty lines and a byte order mark are accepted") {
  const CsvFile table;
  const Tensor<double> expected{{1, 2}, {3, -4}};
  CHECK(table.read("1,2,0\n3,-4,1").inputs == expected);
  CHECK(table.read("1,2,0\r\n3,-4,1\r\n").inputs == expected);
  CHECK(table.read("1,2,0\r\r\n3,-4,1\r\r\n").inputs == expected);
  CHECK(table.read(" 1 ,\t+2, +0\n+3,-4 ,1 \n").inputs == expected);
  CHECK(table.read("\n1,2,0\n\r\n  \n3,-4,1\n\n").inputs == expected);
  CHECK(table
            .read("\xEF\xBB\xBF"
                  "1,2,0\n3,-4,1\n")
            .inputs == expected);
  CHECK(table.read("1.0,2,0.0\n3,-4,1e0\n").labels == Indices{0, 1});
}

TEST_CASE("other delimiters") {
  const CsvFile table;
  const Tensor<double> expected{{1, 2}, {3, 4}};
  CHECK(table.read("1;2;0\n3; 4;1\n", {.delimiter = ';'}).inputs == expected);
  CHECK(table.read("1\t2\t0\n3\t4\t1\n", {.delimiter = '\t'}).inputs == expected);
  CHECK(table.read("1 2 0\n3 4 1\n", {.delimiter = ' '}).inputs == expected);
  CHECK(table.complaint("1\t\t0\n", {.delimiter = '\t'}) == ":1: column 2: the value is missing");
}

TEST_CASE("the first line is a header if it has text and no number") {
  const CsvFile table;
  const Tensor<double> expected{{1, 2}, {3, 4}};
  const std::string rows = "1,2,0\n3,4,1\n";
  CHECK(table.read("width,height,kind\n" + rows).inputs == expected);
  CHECK(table.read("\nwidth , \"x\",\"y\"\n" + rows).inputs == expected);
  CHECK(table.read("7,8,9\n" + rows, {.header = Header::yes}).inputs == expected);
  CHECK(table.read("7,x,\n" + rows, {.header = Header::yes}).inputs == expected);
  CHECK(table.read(rows, {.header = Header::no}).inputs == expected);
  CHECK(table.complaint("a,b,c\n" + rows, {.header = Header::no}) ==
        ":1: column 1: 'a' is not a number; is this line a header?");
  // A typo in the first row must not turn the row into a header.
  CHECK(table.complaint("1,2O,0\n" + rows) == ":1: column 2: '2O' is not a number; is this line a header?");
  CHECK(table.complaint(",,\n" + rows) == ":1: column 1: the value is missing");
  CHECK(table.complaint("nan,inf,nan\n" + rows) == ":1: column 1: 'nan' is not a finite number");
}

TEST_CASE("the label column is found by its name, and the names of columns are kept") {
  const CsvFile table;
  const std::string rows = "1,5,6\n0,7,8\n";
  const auto named = table.read("kind,\"leaf width\", height\n" + rows, {.label_column = "kind"});
  CHECK(named.labels == Indices{1, 0});
  CHECK(named.inputs == Tensor<double>{{5, 6}, {7, 8}});
  CHECK(named.feature_names == std::vector<std::string>{"leaf width", "height"});
  CHECK(named.label_name == "kind");
  const auto part = subset(named, std::vector<std::size_t>{1});
  CHECK(part.feature_names == named.feature_names);
  CHECK(part.label_name == "kind");
  CHECK(table.read("7,8,9\n" + rows, {.label_column = "7", .header = Header::yes}).label_name == "7");
  const auto unnamed = table.read("5,6,1\n");
  CHECK((unnamed.feature_names.empty() && unnamed.label_name.empty()));

  const auto refused = [&](const std::string& header, const CsvOptions& options) {
    const auto path = table.folder().write("table.csv", header + rows);
    const std::string message = message_of<ValueError>([&] { read_csv<double>(path, options); });
    const std::string start = "[read_csv] label column 'kind': " + path.string();
    return message.starts_with(start) ? message.substr(start.size()) : "another start: " + message;
  };
  CHECK(
      contains(refused("Kind,width,height\n", {.label_column = "kind"}), " has the columns 'Kind', 'width', 'height'"));
  CHECK(contains(refused("", {.label_column = "kind"}), " has no header with names"));
  CHECK(contains(refused("kind,x,kind\n", {.label_column = "kind", .header = Header::yes}),
                 " has several columns of this name"));
}

TEST_CASE("a quote that is never closed is an error, and a delimiter within quotes none") {
  const CsvFile table;
  const std::string rows = "1,5,6\n0,7,8\n";
  const auto named = table.read("kind,\"width, mm\" , \"a \"\"leaf\"\"\"\n" + rows, {.label_column = 0});
  CHECK(named.feature_names == std::vector<std::string>{"width, mm", "a \"leaf\""});
  const std::string open = "an unclosed quote";
  CHECK(table.complaint("kind,\"width,height\n" + rows) == ":1: column 2: " + open);
  CHECK(table.complaint("kind,width,\"\n" + rows) == ":1: column 3: " + open);
  CHECK(table.complaint("kind,width,\"a\"\"\n" + rows) == ":1: column 3: " + open);
  CHECK(table.complaint(rows + "\"3,4,1\n5,6,0\n") == ":3: column 1: " + open);
  CHECK(table.complaint("kind,\"width\"mm,height\n" + rows) ==
        ":1: column 2: 'mm' follows the closing quote: expected the delimiter ','");
  // A tab as delimiter is not white space before a quote.
  CHECK(table.read("a\t\t\"b\tc\"\n1\t2\t0\n", {.header = CsvOptions::Header::yes, .delimiter = '\t'}).feature_names ==
        std::vector<std::string>{"a", ""});
}

TEST_CASE("cells may be quoted, and contain line breaks, as in RFC 4180") {
  const CsvFile table;
  const auto quoted = table.read("\"leaf\nwidth\",x,\"kind\"\r\n\" 1.5\",\"2\",\"0\"\r\n3, \"-4\" ,1");
  CHECK(quoted.inputs == Tensor<double>{{1.5, 2}, {3, -4}});
  CHECK(quoted.labels == Indices{0, 1});
  CHECK(quoted.feature_names == std::vector<std::string>{"leaf\nwidth", "x"});
  CHECK(table.complaint("a,b\n1,0\n\"2\n\",\"x\ny\"\n") == ":3: column 1: '2?' is not a number");
  CHECK(table.complaint("a,b\n\"\",0\n") == ":2: column 1: the value is missing");
  CHECK(table.complaint("\"a\n\",b\n1,0\n\n2\n") == ":5: column 2: 1 columns in this line: expected 2, as in line 1");
}

TEST_CASE("a carriage return outside quotes that ends no line is refused") {
  const CsvFile table;
  const std::string fault =
      "a carriage return that is no line end: expected lines that end in LF or CRLF; convert the file's line ends, for "
      "example by tr '\\r' '\\n'";
  CHECK(table.complaint("a,b\r1,0\r2,1\r") == ":1: column 2: " + fault);
  CHECK(table.complaint("1,0\r2,1\r", {.header = Header::no}) == ":1: column 2: " + fault);
  CHECK(table.complaint("\"a\",\"b\"\r1,0\r") == ":1: column 2: " + fault);
  CHECK(table.complaint("a,b\n1,0\n2,\r1\n") == ":3: column 2: " + fault);
  CHECK(table.complaint("\"a\nb\",c\rd\n1,0\n") == ":2: column 2: " + fault);
  CHECK(table.complaint("# c\ra,b\n1,0\n", {.comment = '#'}) == ":1: column 1: " + fault);
  CHECK(table.read("\"a\rb\",c\n1,0\n").feature_names == std::vector<std::string>{"a\rb"});
}

TEST_CASE("decimal commas and comments") {
  const CsvFile table;
  const CsvOptions comma{.delimiter = ';', .decimal = ','}, hash{.comment = '#'};
  CHECK(table.read("1,5;-,25;0\n2;3e1;1\n", comma).inputs == Tensor<double>{{1.5, -0.25}, {2, 30}});
  CHECK(table.complaint("1,5;2.5;0\n", comma) ==
        ":1: column 2: '2.5' is not a number with the decimal separator ','; is this line a header?");
  CHECK(table.complaint("1;2;0\n1,5;2;0\n", {.delimiter = ';'}) ==
        ":2: column 1: '1,5' is not a number with the decimal separator '.'");
  CHECK(table.read("# a\n1,2,0\n #b,,\n#\n3,4,1\n#", hash).inputs == Tensor<double>{{1, 2}, {3, 4}});
  CHECK(table.complaint("#\n1,2,0\n#\n3,x,1\n", hash) == ":4: column 2: 'x' is not a number");
  CHECK(table.complaint("1,2,0\n#3,4,1\n") == ":2: column 1: '#3' is not a number");
  const TemporaryFolder folder;
  const auto path = folder.write("table.csv", "x;y\n#\n0,5;1,5\n");
  const TableOptions both{.delimiter = ';', .decimal = ',', .comment = '#'}, wrong{.decimal = ','};
  CHECK(read_table<double>(path, both).targets == column<double>({1.5}));
  CHECK_ERROR(ValueError, "[read_table] decimal ',': expected a character other than the delimiter",
              read_table<double>(path, wrong));
}

TEST_CASE("a line of missing values is not taken for a header") {
  const CsvFile table;
  const std::string rows = "1,2,0\n3,4,1\n", advice = " in an apparent header: set `header` to state whether it is one";
  CHECK(table.complaint(",x,y\n" + rows) == ":1: column 1: a missing name" + advice);
  CHECK(table.complaint("x,\"\",y\n" + rows) == ":1: column 2: a missing name" + advice);
  CHECK(table.complaint("x,y,x\n" + rows) == ":1: column 3: 'x' appears twice" + advice);
  for (const std::string missing : {"NA", "n/a", "null", "None", "?", "-"})
    CHECK(table.complaint("x,y," + missing + "\n" + rows) == ":1: column 3: '" + missing + "'" + advice);
  CHECK(table.read("\"1\",\"2\",\"0\"\n" + rows).size() == 3);  // nor is a line of quoted numbers
  CHECK(table.read(",x,x\n" + rows, {.header = Header::yes}).feature_names == std::vector<std::string>{"", "x"});
}

TEST_CASE("a table for regression has targets that are any numbers") {
  const TemporaryFolder folder;
  const auto path = folder.write("houses.csv", "price,area,rooms,age\n250000.5,80,3,-1\n1e5,40.25,2,30\n");
  const auto table = read_table<double>(path, {.target_columns = {"price"}});
  CHECK(table.inputs == Tensor<double>{{80, 3, -1}, {40.25, 2, 30}});
  CHECK(table.targets == column<double>({250000.5, 1e5}));
  CHECK(table.input_names == std::vector<std::string>{"area", "rooms", "age"});
  CHECK(table.target_names == std::vector<std::string>{"price"});
  CHECK(table.size() == 2);

  const auto two = read_table<float>(path, {.target_columns = {-1, "area"}});
  CHECK(two.targets == Tensor<float>{{-1, 80}, {30, 40.25F}});
  CHECK(two.input_names == std::vector<std::string>{"price", "rooms"});
  const auto all = read_table<float>(folder.write("plain.csv", "1;2\n3;4\n"), {.target_columns = {}, .delimiter = ';'});
  CHECK(all.inputs == Tensor<float>{{1, 2}, {3, 4}});
  CHECK(Shape(all.targets.shape()) == Shape{2, 0});
  CHECK(all.input_names.empty());

  const TableOptions twice{.target_columns = {0, "price"}}, every{.target_columns = {0, 1, 2, 3}},
      none{.target_columns = {"cost"}};
  CHECK_ERROR(ValueError, "[read_table] target column 0 is named twice", read_table<float>(path, twice));
  CHECK_ERROR(ValueError, "[read_table] 4 columns, with delimiter ',', are all targets",
              read_table<float>(path, every));
  CHECK_ERROR(
      ValueError,
      "[read_table] target column 'cost': " + path.string() + " has the columns 'price', 'area', 'rooms', 'age'",
      read_table<float>(path, none));
  folder.write("houses.csv", "price,area\n1,2\n3,x\n");
  CHECK(file_complaint([&] { read_table<float>(path, {.target_columns = {"price"}}); }) ==
        "[read_table] " + path.string() + ":3: column 2: 'x' is not a number");
}

TEST_CASE("a table is split like a data set") {
  const TemporaryFolder folder;
  std::string text = "x,y\n";
  for (int i = 0; i < 10; ++i) text += fmt::format("{},{}\n", i, i + 0.5);
  const auto table = read_table<double>(folder.write("table.csv", text));
  const auto [train, test] = split(table, 0.3, 1);
  CHECK((train.size() == 7 && test.size() == 3));
  CHECK(train.targets == train.inputs + 0.5);
  CHECK(test.targets == test.inputs + 0.5);
  CHECK(test.input_names == std::vector<std::string>{"x"});
  CHECK(xt::sum(train.inputs)() + xt::sum(test.inputs)() == 45);
  Table<double> uneven = table;
  uneven.targets = column<double>({1, 2});
  CHECK_ERROR(ShapeError, "[split] 10 samples, targets of shape (2, 1): expected one for each", split(uneven, 0.3, 1));
}

TEST_CASE("a cell that is no finite number is refused by line and column") {
  const CsvFile table;
  const auto second = [&](const std::string& cell) { return table.complaint("1,2,0\n3," + cell + ",1\n"); };
  CHECK(second("") == ":2: column 2: the value is missing");
  CHECK(second("  ") == ":2: column 2: the value is missing");
  for (const std::string cell : {"x", "1.2.3", "0x10", "--1", "+-1", "+", "-", "1 2", "\"5 6\"", "1d3", "."}) {
    const std::string text = cell.front() == '"' ? cell.substr(1, cell.size() - 2) : cell;
    CHECK(second(cell) == ":2: column 2: '" + text + "' is not a number");
  }
  for (const std::string cell : {"nan", "NaN", "inf", "-Infinity"})
    CHECK(second(cell) == ":2: column 2: '" + cell + "' is not a finite number");
  CHECK(second("1e999") == ":2: column 2: '1e999' is out of range");
  CHECK(second(std::string("a\0b", 3)) == ":2: column 2: 'a?b' is not a number");
  CHECK(second(std::string(50, 'z')) == ":2: column 2: '" + std::string(40, 'z') + "…' is not a number");
  CHECK(second(std::string(39, 'z') + "ößü") == ":2: column 2: '" + std::string(39, 'z') + "…' is not a number");
}

TEST_CASE("a number too large for the tensor's type is refused") {
  const TemporaryFolder folder;
  const auto path = folder.write("table.csv", "1,0\n1e39,1\n");
  CHECK(read_csv<double>(path).inputs(1, 0) == 1e39);
  CHECK(contains(file_complaint([&] { read_csv<float>(path); }), ":2: column 1: '1e39' is out of range"));
  CHECK(read_csv<float>(path, {.scale = 0.1}).inputs(1, 0) == doctest::Approx(1e38));
}

TEST_CASE("lines of different length are refused at the first cell too few or too many") {
  const CsvFile table;
  CHECK(table.complaint("1,2,0\n3,4,1\n5,6\n") == ":3: column 3: 2 columns in this line: expected 3, as in line 1");
  CHECK(table.complaint("\n1,2,0\n3,4,1,\n") == ":3: column 4: 4 columns in this line: expected 3, as in line 2");
  CHECK(table.complaint("a,b\n1,2,0\n") == ":2: column 3: 3 columns in this line: expected 2, as in line 1");
  CHECK(table.complaint("a;b\n2;1\n") ==
        ":1: column 1: the only column, with delimiter ',': expected inputs and a label");
}

TEST_CASE("labels are integers from 0") {
  const CsvFile table;
  for (const std::string label : {"-1", "1.5", "-0.1"})
    CHECK(table.complaint("1,2,0\n3,4," + label + "\n") ==
          ":2: column 3: '" + label +
              "' is not a label: expected an integer of at least 0; is this the label column? " +
              "read_table accepts any numbers");
  CHECK(contains(table.complaint("-1,2,0\n", {.label_column = 0}), ":1: column 1: '-1' is not a label"));
  for (const std::string label : {"10000", "1e300"})
    CHECK(table.complaint("1,2,0\n3,4," + label + "\n") ==
          ":2: column 3: label '" + label + "': more than 10000 classes, the limit `most_classes`; is this the label " +
              "column? read_table accepts any numbers");
  CHECK(table.read("1,2,0\n3,4,50256\n", {.most_classes = 50257}).classes == 50257);
}

TEST_CASE("a file without samples is refused") {
  const CsvFile table;
  CHECK(table.complaint("") == ": has no rows");
  CHECK(table.complaint("\n \r\n\n") == ": has no rows");
  CHECK(table.complaint("a,b,c\n\n") == ": has no rows below its header");
}

TEST_CASE("a file that cannot be read is refused") {
  const TemporaryFolder folder;
  const auto complaint = [](const std::filesystem::path& path) {
    return file_complaint([&] { read_csv<float>(path); });
  };
  CHECK(complaint(folder / ".") == "[read_csv] " + (folder / ".").string() + ": is a directory: expected a file");
  CHECK(complaint(folder / "none") == "[read_csv] " + (folder / "none").string() + ": no such file");
  const std::string zipped = bytes_of(write_gzip(folder / "good.gz", "1,0\n2,1\n"));
  CHECK(contains(complaint(folder.write("short.gz", zipped.substr(0, zipped.size() - 4))),
                 "short.gz: is truncated: its gzip data ends too early"));
}

TEST_CASE("options that make no sense are refused at the caller's line") {
  const CsvFile table;
  const auto path = table.folder().write("table.csv", "1,2,0\n");
  const CsvOptions fourth{.label_column = 3}, before{.label_column = -4}, digit{.delimiter = '1'},
      dot{.delimiter = '.'}, newline{.delimiter = '\n'};
  const CsvOptions zero{.scale = 0}, infinite{.scale = std::numeric_limits<double>::infinity()};
  CHECK_ERROR(ValueError, "[read_csv] label column 3: " + path.string() + " has 3 columns, -3 to 2",
              read_csv<float>(path, fourth));
  CHECK_ERROR(ValueError, "label column -4: ", read_csv<float>(path, before));
  CHECK_ERROR(ValueError, "delimiter '1': expected a character that does not occur in numbers, such as ',' or ';'",
              read_csv<float>(path, digit));
  CHECK_ERROR(ValueError, "delimiter '.'", read_csv<float>(path, dot));
  CHECK_ERROR(ValueError, "delimiter '?'", read_csv<float>(path, newline));
  CHECK_ERROR(ValueError, "scale 0: expected a finite number other than 0", read_csv<float>(path, zero));
  CHECK_ERROR(ValueError, "scale inf", read_csv<float>(path, infinite));
}

TEST_CASE("lines longer than the buffer and files of many lines are read whole") {
  const CsvFile table;
  constexpr std::size_t columns = 100'000, rows = 20'000;
  std::string wide;
  for (std::size_t i = 0; i < columns; ++i) wide += std::to_string(i) + ",";
  const auto row = table.read(wide + "7\n" + wide + "8");
  CHECK(row.features() == columns);
  CHECK(row.inputs(1, columns - 1) == columns - 1);
  CHECK(row.labels == Indices{7, 8});
  std::string tall;
  for (std::size_t i = 0; i < rows; ++i) tall += fmt::format("{},{},{}\r\n", i, 2 * i, i % 10);
  const auto column = table.read(tall);
  CHECK(column.size() == rows);
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) sum += column.inputs(i, 0);
  CHECK(sum == rows * (rows - 1) / 2.0);
  CHECK(table.complaint(tall + "1,x,2\n") == ":20001: column 2: 'x' is not a number");
}
