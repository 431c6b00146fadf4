// Frames: cells of RFC 4180, formats, names, missing values, positions, chunks and splits.
#include "data/files.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/frame.hpp>
#include <wengert/data/mapped_frame.hpp>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;
using Header = CsvOptions::Header;
using Texts = std::vector<std::string>;

namespace {

class FrameFile {
 public:
  Frame read(const std::string& content, const FrameOptions& options = {}) const {
    return read_frame(folder_.write("table.csv", content), options);
  }
  // The part of the message after the path, of reading at once, in chunks and mapped, which must agree.
  std::string complaint(const std::string& content, const FrameOptions& options = {}) const {
    const std::filesystem::path path = folder_.write("table.csv", content);
    const auto rest = [&](const std::string& subject, const std::string& message) {
      const std::string start = "[" + subject + "] " + path.string();
      return message.starts_with(start) ? message.substr(start.size()) : "another start: " + message;
    };
    const std::string whole = rest("read_frame", file_complaint([&] { read_frame(path, options); }));
    CHECK(rest("map_frame", file_complaint([&] { map_frame(path, options); })) == whole);
    CHECK(rest("FrameReader", file_complaint([&] {
                 FrameReader reader(path, options);
                 for (Frame chunk; reader.next(chunk, 2);) CHECK(chunk.size() <= 2);
               })) == whole);
    return whole;
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

std::vector<Texts> cells_of(const Frame& frame) {
  std::vector<Texts> rows(frame.size());
  for (std::size_t row = 0; row < frame.size(); ++row)
    for (std::size_t column = 0; column < frame.columns(); ++column) rows[row].emplace_back(frame.cell(row, column));
  return rows;
}

}  // namespace

TEST_CASE("cells of a frame follow RFC 4180") {
  const FrameFile file;
  const auto cells = [&](const std::string& rows, const FrameOptions& options = {}) {
    return cells_of(file.read("a,b\n" + rows, options));
  };
  CHECK(cells("x,y\r\nz,\r\n") == std::vector<Texts>{{"x", "y"}, {"z", ""}});
  CHECK(cells("x,y") == std::vector<Texts>{{"x", "y"}});
  CHECK(cells("x,y\r\r\n\"1\r2\",\"3\r\r\n\"\r\r\n") == std::vector<Texts>{{"x", "y"}, {"1\r2", "3\r\r\n"}});
  CHECK(cells("\"x,1\",\"say \"\"so\"\"\"\n") == std::vector<Texts>{{"x,1", "say \"so\""}});
  CHECK(cells("\"x\ny\",\"1\r\n\n2\"\n\"\",z\n") == std::vector<Texts>{{"x\ny", "1\r\n\n2"}, {"", "z"}});
  CHECK(cells("\"\"\"\",\"\"\"\"\"\"\n") == std::vector<Texts>{{"\"", "\"\""}});
  CHECK(cells("\"a\"\"\nb\",\"\n\"\n") == std::vector<Texts>{{"a\"\nb", "\n"}});
  // Blanks count only within quotes; a quote within an unquoted cell is an ordinary character.
  CHECK(cells("  x y ,\t\" z \"  \n") == std::vector<Texts>{{"x y", " z "}});
  CHECK(cells("5\" pipe,it\"s\n") == std::vector<Texts>{{"5\" pipe", "it\"s"}});
  CHECK(cells("\n  \nx,y\n\n") == std::vector<Texts>{{"x", "y"}});
}

TEST_CASE("formats of a frame") {
  const FrameFile file;
  CHECK(cells_of(file.read("a;b\n'x;1';'it''s'\n", {.delimiter = ';', .quote = '\''})) ==
        std::vector<Texts>{{"x;1", "it's"}});
  CHECK(cells_of(file.read("a\tb\nx\t\n", {.delimiter = '\t'})) == std::vector<Texts>{{"x", ""}});
  const Frame commented = file.read("# first\na,b\n#1,2\n  # 3\n\"#4\",5\n6,#7\n\"8\n# 9\",10\n", {.comment = '#'});
  CHECK(cells_of(commented) == std::vector<Texts>{{"#4", "5"}, {"6", "#7"}, {"8\n# 9", "10"}});
  CHECK(file.read("\xEF\xBB\xBF"
                  "a,b\n1,2\n")
            .names() == Texts{"a", "b"});
  CHECK(file.read("\xEF\xBB\xBF\"a\nc\",b\n1,2\n").names() == Texts{"a\nc", "b"});
  const Frame gzipped = read_frame(write_gzip(file.folder() / "t.gz", "a,b\n\"x\ny\",z\n"));
  CHECK(cells_of(gzipped) == std::vector<Texts>{{"x\ny", "z"}});

  const Frame german = file.read("preis;n\n1,5;2\n\"-0,25\";1.5\n", {.delimiter = ';', .decimal = ','});
  CHECK(german.number(0, 0) == 1.5);
  CHECK(german.number(1, 0) == -0.25);
  CHECK(german.number(0, 1) == 2);
  CHECK(german.number(1, 1) == std::nullopt);
  const Frame english = file.read("a,b\n\" 1e3 \",+5\n\"1,5\",1e999\n");
  CHECK((english.number(0, 0) == 1000 && english.number(0, 1) == 5));
  CHECK((english.number(1, 0) == std::nullopt && english.number(1, 1) == infinity));
}

TEST_CASE("names of columns come from the header or the options") {
  const FrameFile file;
  CHECK(file.read("a, \"b \" ,c1\nx,y,z\n").names() == Texts{"a", "b", "c1"});
  CHECK(file.read(",a,\"\"\n1,2,3\n").names() == Texts{"column_1", "a", "column_3"});
  const Frame none = file.read("1,2\n3,4\n", {.header = Header::no});
  CHECK(none.names() == Texts{"column_1", "column_2"});
  CHECK(none.size() == 2);
  CHECK(file.read("1,2\n3,4\n").names() == Texts{"column_1", "column_2"});
  CHECK(file.read("1,\n3,4\n").size() == 2);
  CHECK(file.read("1,2\n3,4\n", {.header = Header::yes}).names() == Texts{"1", "2"});
  CHECK(file.read("a,b\nx,y\n", {.header = Header::no}).size() == 2);
  CHECK(file.complaint("a,1990,1991\n3,4,5\n") ==
        ":1: column 2: '1990' among text in the first row: set `header` to state whether it is one, and `names` if "
        "its cells are no names");
  CHECK(file.read("a,1990\n3,4\n", {.header = Header::yes}).names() == Texts{"a", "1990"});
  CHECK(file.read("1,2\n", {.header = Header::no, .names = {"x", "y"}}).names() == Texts{"x", "y"});
  CHECK(file.read("a,a\n1,2\n", {.names = {"x", "y"}}).names() == Texts{"x", "y"});

  CHECK(file.complaint("\na,b,a\n1,2,3\n") ==
        ":2: column 3: a second column is called 'a': set `names`, or `header` if the row is none");
  CHECK(file.complaint("a,\xE9\n1,2\n") ==
        ":1: column 2: the name '\xE9' is not UTF-8: convert the file, for example by iconv, or set `names`");
  const FrameOptions three{.names = {"x", "y", "z"}}, twice{.names = {"x", "x"}};
  const auto path = file.folder().write("table.csv", "a,b\n1,2\n");
  CHECK_ERROR(ValueError, "[read_frame] 3 names: " + path.string() + " has 2 columns", read_frame(path, three));
  CHECK(contains(file_complaint([&] { read_frame(path, twice); }), "a second column is called 'x'"));
}

TEST_CASE("a first row of numbers with another delimiter is no header of one column") {
  const FrameFile file;
  const auto complaint = [](const std::string& row, const std::string& delimiter, const std::string& decimal = "") {
    return ":1: column 1: '" + row + "' in an apparent header of one column: set `delimiter` to " + delimiter +
           " if it separates numbers" + decimal + ", or `header` to state whether it is one";
  };
  CHECK(file.complaint("1.5 2.5\n3.5 4.5\n") == complaint("1.5 2.5", "' '"));
  CHECK(file.complaint("1.5;2.5\n3.5;4.5\n") == complaint("1.5;2.5", "';'"));
  CHECK(file.complaint("1.5|NA|\n3.5|4.5|1\n") == complaint("1.5|NA|", "'|'"));
  CHECK(file.complaint("1.5\t 2.5\n3.5\t4.5\n") == complaint("1.5? 2.5", "'\\t'"));
  CHECK(file.complaint("1,5 2,5\n", {.delimiter = ';', .decimal = ','}) == complaint("1,5 2,5", "' '"));
  CHECK(file.complaint("1,5\n2,5\n", {.delimiter = ';'}) ==
        complaint("1,5", "','", ", `decimal` if it is a decimal comma"));
  // Names, quoted cells, and what the options state.
  CHECK(file.read("width 2\n1\n").names() == Texts{"width 2"});
  CHECK(file.read("NA;?\n1\n").names() == Texts{"NA;?"});
  CHECK(file.read("\"1 2\"\n1\n").names() == Texts{"1 2"});
  CHECK(file.read("1 2\n3\n", {.header = Header::yes}).names() == Texts{"1 2"});
  CHECK(file.read("1 2\n3\n", {.header = Header::no}).size() == 2);
  CHECK(file.read("1 2\n3 4\n", {.delimiter = ' '}).columns() == 2);
}

TEST_CASE("missing values are those of the list") {
  const FrameFile file;
  const std::string rows = "a,b\nNA,?\n\"\",none\nnan,0\n NULL ,-99\n";
  const auto missing = [&](const FrameOptions& options) {
    const Frame frame = file.read(rows, options);
    std::string marks;
    for (std::size_t row = 0; row < frame.size(); ++row)
      for (std::size_t column = 0; column < 2; ++column) marks += frame.missing(row, column) ? 'x' : '.';
    return marks;
  };
  CHECK(missing({}) == "xxx.x.x.");
  CHECK(missing({.missing_values = {"-99", "none"}}) == "...x...x");
  CHECK(missing({.missing_values = {}}) == "........");
}

TEST_CASE("errors of frames name line and column, also after line breaks within quotes") {
  const FrameFile file;
  CHECK(file.complaint("a,b\n\"1\n2\",3\n4\n") == ":4: column 2: 1 columns in this line: expected 2, as in line 1");
  CHECK(file.complaint("a,b\n1,2,3\n") == ":2: column 3: 3 columns in this line: expected 2, as in line 1");
  CHECK(file.complaint("a,b\n\"1\n2\",\"x\n3,4\n") == ":3: column 2: an unclosed quote");
  CHECK(file.complaint("a,b\n1,\"x\ny\"z\n") ==
        ":3: column 2: 'z' follows the closing quote: expected the delimiter ','");
  CHECK(file.complaint("") == ": has no rows");
  CHECK(file.complaint("a,b\n\n") == ": has no rows below its header");

  const Frame frame = file.read("a,b\n\"1\n2\",\"3\n4\"\nx,y\n");
  const std::string path = (file.folder() / "table.csv").string();
  CHECK(frame.source() == path);
  CHECK(frame.position(0, 0) == path + ":2: column 1 ('a')");
  CHECK(frame.position(0, 1) == path + ":3: column 2 ('b')");
  CHECK(frame.position(1, 1) == path + ":5: column 2 ('b')");
}

TEST_CASE("a quote that is never closed does not swallow a large file") {
  const FrameFile file;
  CHECK(file.complaint("a,b\n1,\"x\n" + std::string((std::size_t{1} << 24) + 10, 'y') + "\nz\n") ==
        ":2: column 2: a quote is not closed within 16 MiB");
}

TEST_CASE("options of a frame that make no sense are refused") {
  const FrameFile file;
  const auto path = file.folder().write("table.csv", "a,b\n1,2\n");
  const auto refused = [&](const FrameOptions& options, const std::string& text) {
    CHECK_ERROR(ValueError, "[read_frame] " + text, read_frame(path, options));
  };
  refused({.delimiter = '1'}, "delimiter '1': expected a character that does not occur in numbers");
  refused({.delimiter = '"'}, "delimiter '\"'");
  refused({.decimal = ';'}, "decimal ';': expected '.' or ','");
  refused({.decimal = ','}, "decimal ',': expected a character other than the delimiter; is the delimiter ';'?");
  refused({.quote = ','}, "quote ',': expected a character other than the delimiter");
  refused({.quote = '7'}, "quote '7'");
  refused({.quote = '\0'}, "quote '?'");
  refused({.comment = ','}, "comment ',': expected a character that is neither the delimiter nor the quote");
  refused({.comment = '-'}, "comment '-'");
  refused({.comment = '"'}, "comment '\"'");
}

TEST_CASE("a frame gives columns by name and refuses what it does not have") {
  const FrameFile file;
  const Frame frame = file.read("a,b\n1,2\n3,4\n");
  CHECK(frame.column("b") == Texts{"2", "4"});
  CHECK(frame.find("a") == 0);
  CHECK_ERROR(ValueError, "[Frame] no column 'c': " + frame.source() + " has 'a', 'b'", frame.column("c"));
  CHECK_ERROR(ValueError, "[Frame] cell (2, 0): it has 2 rows and 2 columns", frame.cell(2, 0));
  CHECK_ERROR(ValueError, "[Frame] cell (0, 2)", frame.missing(0, 2));
}

TEST_CASE("a frame is built row by row") {
  Frame frame({"a", "b"}, {.decimal = ',', .missing_values = {"-"}});
  frame.add_row(Texts{"1,5", "-"});
  frame.add_row(Texts{"", "x"});
  CHECK(frame.size() == 2);
  CHECK(frame.number(0, 0) == 1.5);
  CHECK((frame.missing(0, 1) && !frame.missing(1, 0)));
  CHECK(frame.position(1, 1) == "row 1, column 2 ('b')");
  CHECK_ERROR(ValueError, "[Frame] a row of 1 cells: expected 2", frame.add_row(Texts{"1"}));
  CHECK(frame.size() == 2);
  CHECK_ERROR(ValueError, "[Frame] two columns are called 'a'", Frame(Texts{"a", "a"}));
  CHECK_ERROR(ValueError, "[Frame] column name '': expected UTF-8 text", Frame(Texts{""}));
}

TEST_CASE("chunks of a file are its rows in order") {
  const FrameFile file;
  std::string text = "i,j\n";
  for (int i = 0; i < 10; ++i) text += fmt::format("{},\"x\n{}\"\n", i, i);
  const auto path = file.folder().write("table.csv", text);
  const auto whole = cells_of(read_frame(path));
  for (const auto& source : {path, write_gzip(file.folder() / "table.csv.gz", text)}) {
    FrameReader reader(source);
    CHECK(reader.names() == Texts{"i", "j"});
    std::vector<Texts> all;
    std::vector<std::size_t> sizes;
    for (Frame chunk; reader.next(chunk, 4);) {
      sizes.push_back(chunk.size());
      CHECK(contains(chunk.position(0, 1), fmt::format(":{}: column 2 ('j')", 2 + 2 * all.size())));
      for (const Texts& row : cells_of(chunk)) all.push_back(row);
    }
    CHECK(all == whole);
    CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
  }
  FrameReader reader(path);
  Frame chunk;
  CHECK_ERROR(ValueError, "[FrameReader] chunks of 0 rows: expected at least 1", reader.next(chunk, 0));
}

TEST_CASE("a mapped frame reads any rows of its file") {
  const FrameFile file;
  const std::string text =
      "\xEF\xBB\xBF# c\r\na;b\r\n1;\"x\r\n;\"\"y\"\r\n\r\n# c\r\n2;\xEF\xBB\xBFz\r\n\xEF\xBB\xBF"
      "3;w";
  const FrameOptions options{.delimiter = ';', .comment = '#'};
  const auto path = file.folder().write("table.csv", text.substr(3));
  const Frame whole = read_frame(path, options);
  const MappedFrame mapped = map_frame(path, options);
  CHECK(whole.size() == 3);
  CHECK(mapped.size() == 3);
  CHECK(mapped.names() == whole.names());
  const std::vector<std::size_t> rows{2, 0, 2, 1};
  const Frame gathered = mapped.gather(rows);
  CHECK(cells_of(gathered) == cells_of(subset(whole, rows)));
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(gathered.position(i, 1) == whole.position(rows[i], 1));
  CHECK(mapped.gather({}).size() == 0);
  const MappedFrame some = mapped.select(rows).select(std::vector<std::size_t>{3, 0});
  CHECK(cells_of(some.gather(std::vector<std::size_t>{0, 1})) ==
        std::vector<Texts>{cells_of(whole)[1], cells_of(whole)[2]});

  CHECK_ERROR(ValueError, "[gather] row 3: the table has 3 rows", mapped.gather(std::vector<std::size_t>{3}));
  CHECK_ERROR(ValueError, "[select] row 2: the table has 2 rows", some.select(std::vector<std::size_t>{2}));
  CHECK(contains(
      file_complaint([&] { map_frame(write_gzip(file.folder() / "t.gz", "a,b\n1,2\n")); }),
      "t.gz: is compressed with gzip: expected an uncompressed file; use gunzip, or read_frame or FrameReader"));
  file.folder().write("table.csv", text + "\r\n4;v\r\n");
  CHECK(contains(file_complaint([&] { mapped.gather(rows); }), "[map_frame] " + path.string() + ": has "));
}

TEST_CASE("the first row of a mapped frame without a header follows a byte order mark") {
  const FrameFile file;
  const auto path = file.folder().write("table.csv", "\xEF\xBB\xBF\"x\ny\",1\nz,2\n");
  const MappedFrame mapped = map_frame(path, {.header = Header::no});
  CHECK(cells_of(mapped.gather(std::vector<std::size_t>{1, 0})) == std::vector<Texts>{{"z", "2"}, {"x\ny", "1"}});
}

TEST_CASE("frames are split like data sets") {
  const FrameFile file;
  std::string text = "i,kind\n";
  for (int i = 0; i < 10; ++i) text += fmt::format("{},{}\n", i, i % 5 == 0 ? "rare" : "common");
  const Frame frame = file.read(text);
  const auto [train, test] = split(frame, 0.3, 1);
  CHECK((train.size() == 7 && test.size() == 3));
  Texts all = train.column("i");
  for (const std::string& cell : test.column("i")) all.push_back(cell);
  std::ranges::sort(all);
  CHECK(all == frame.column("i"));
  CHECK(contains(test.position(0, 0), fmt::format(":{}: column 1", 2 + std::stoi(test.column("i")[0]))));

  const MappedFrame mapped = map_frame(frame.source());
  const auto parts = split(mapped, 0.3, 1);
  CHECK(cells_of(parts.test.gather(std::vector<std::size_t>{0, 1, 2})) == cells_of(test));
  CHECK(cells_of(subset(mapped, std::vector<std::size_t>{9}).gather(std::vector<std::size_t>{0})) ==
        std::vector<Texts>{{"9", "common"}});

  const auto stratified = stratified_split(frame, "kind", 0.5, 1);
  CHECK(std::ranges::count(stratified.test.column("kind"), "rare") == 1);
  CHECK(std::ranges::count(stratified.train.column("kind"), "common") == 4);
  CHECK_ERROR(ValueError,
              "[stratified_split] class '0' has one row: expected at least two, one for each part; split needs no",
              stratified_split(frame, "i", 0.5, 1));
  CHECK_ERROR(ValueError, "[Frame] no column 'none'", stratified_split(frame, "none", 0.5, 1));
  CHECK_ERROR(ValueError, "[split] test fraction 1", split(frame, 1, 1));
  CHECK_ERROR(ValueError, "[split] test fraction 1", split(mapped, 1, 1));
  CHECK_ERROR(ValueError, "[subset] row 10: the table has 10 rows", subset(frame, std::vector<std::size_t>{10}));
}
