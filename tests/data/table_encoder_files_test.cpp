// TableEncoder in files: JSON, streaming, and sources for training.
#include "data/files.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/csv.hpp>
#include <wengert/data/normalise.hpp>
#include <wengert/data/table_encoder.hpp>

#include <cmath>
#include <numeric>
#include <tuple>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;
using Texts = std::vector<std::string>;

namespace {

// A table with every kind of column, and gaps.
std::string large_table(std::size_t rows) {
  std::string text = "id,mass,count,island,site,price,kind\n";
  for (std::size_t i = 0; i < rows; ++i)
    text +=
        fmt::format("{},{},{},{},\"s\n{}\",{},{}\n", i, i % 7 == 3 ? "NA" : fmt::format("{}", 0.37 * double(i % 101)),
                    i % 13, i % 11 == 5 ? "" : std::string(1, static_cast<char>('a' + i % 3)), i % 5,
                    i % 17 == 9 ? "" : fmt::format("{}", i % 29), i % 2 == 0 ? "even" : "odd");
  return text;
}

Schema large_schema(const Frame& frame) {
  Schema schema = Schema::infer(frame, {.label = "kind", .targets = {"price"}, .ignored = {"id"}});
  schema["mass"].missing = Missing::median;
  schema["mass"].indicator = true;
  schema["island"].missing = Missing::category;
  schema["island"].unknown = Unknown::other;
  schema["price"].missing = Missing::drop;
  schema["price"].standardise = true;
  return schema;
}

template <class T>
void check_same(const EncodedTable<T>& a, const EncodedTable<T>& b) {
  CHECK(a.inputs == b.inputs);
  CHECK(a.indices == b.indices);
  CHECK(a.labels == b.labels);
  CHECK(a.targets == b.targets);
  CHECK(a.rows == b.rows);
  CHECK((a.feature_names == b.feature_names && a.index_names == b.index_names && a.class_names == b.class_names));
  CHECK((a.target_names == b.target_names && a.label_name == b.label_name));
}

std::string load_complaint(const std::string& json) {
  const std::string message = file_complaint([&] { TableEncoder::from_json(json, "e.json"); });
  const std::string start = "[TableEncoder::from_json] e.json: not a table encoder: ";
  return message.starts_with(start) ? message.substr(start.size()) : "another start: " + message;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("an encoder read from its file encodes to the last bit as before") {
  const TemporaryFolder folder;
  const Frame frame = read_frame(folder.write("table.csv", large_table(200)));
  Schema schema = large_schema(frame);
  schema["site"].encoding = Encoding::index;
  const auto encoder = TableEncoder::fit(frame, schema);
  encoder.save(folder / "encoder.json");
  const auto loaded = TableEncoder::load(folder / "encoder.json");
  check_same(loaded.encode<double>(frame), encoder.encode<double>(frame));
  check_same(loaded.encode<float>(frame), encoder.encode<float>(frame));
  CHECK(loaded.to_json() == encoder.to_json());
  CHECK(loaded.index_sizes() == encoder.index_sizes());
  CHECK(loaded.schema().columns.size() == 6);
  CHECK(loaded.schema()["mass"].missing == Missing::median);
  CHECK(TableEncoder::from_json(encoder.to_json()).to_json() == encoder.to_json());
  CHECK(bytes_of(folder / "encoder.json") == encoder.to_json());
  CHECK(folder.files() == 2);
}

TEST_CASE("texts of any kind survive the file") {
  Frame frame({"a \"b\"\n<c>", "x"});
  for (const std::string cell : {"ä,\"ö\"", "\t\x01", "</script>", "\\"}) frame.add_row(Texts{cell, "1e-300"});
  const Schema schema{{{.name = "a \"b\"\n<c>", .kind = ColumnKind::category},
                       {.name = "x", .kind = ColumnKind::numeric, .standardise = false}}};
  const auto encoder = TableEncoder::fit(frame, schema);
  check_same(TableEncoder::from_json(encoder.to_json()).encode<double>(frame), encoder.encode<double>(frame));
}

TEST_CASE("a file that is not a table encoder is refused") {
  const TemporaryFolder folder;
  Frame frame({"x", "k"});
  frame.add_row(Texts{"1.5", "a"});
  frame.add_row(Texts{"2", "b"});
  const std::string good = TableEncoder::fit(frame, Schema::infer(frame)).to_json();
  const auto changed = [&](const std::string& what, const std::string& by) {
    return load_complaint(replaced(good, what, by));
  };
  CHECK(contains(load_complaint(""), "(at character 0)"));
  CHECK(contains(load_complaint(good.substr(0, good.size() - 4)), "(at character "));
  CHECK(load_complaint("[]") == "expected an object");
  CHECK(load_complaint("5") == "expected an object");
  CHECK(load_complaint("{}") == "it lacks 'format', 'version' or 'columns'");
  CHECK(changed("wengert.table_encoder", "another") == "'format' is not 'wengert.table_encoder'");
  CHECK(changed("\"version\": 1", "\"version\": 2") == "version 2: this version of Wengert reads 1");
  CHECK(changed("\"version\": 1,", "") == "it lacks 'version'");
  CHECK(changed("\"version\": 1", "\"version\": -1") == "an unexpected value of 'version'");
  CHECK(changed("\"version\": 1", "\"version\": 1, \"more\": 1") == "an unexpected value of 'more'");
  CHECK(changed("\"kind\": \"numeric\"", "\"kind\": \"real\"") == "an unknown kind: 'real'");
  CHECK(changed("\"kind\": \"numeric\"", "\"kind\": \"ignored\"") == "column 'x' has the kind 'ignored'");
  CHECK(changed("\"kind\": \"numeric\"", "\"kind\": \"category\"") == "column 'x' has no categories");
  CHECK(changed("\"kind\": \"category\"", "\"kind\": \"integer\"") == "column 'k' has categories");
  CHECK(changed("\"missing\": \"error\"", "\"missing\": \"category\"") ==
        "column 'x', numeric: Missing::category does not fit; expected mean, median or most_frequent");
  CHECK(changed("\"mean\": 1.75", "\"mean\": null") == "an unexpected value of 'mean'");
  CHECK(changed("\"mean\": 1.75", "\"mean\": [1.75]") == "an unexpected value of 'mean'");
  CHECK(changed("\"mean\": 1.75", "\"mean\": \"1.75\"") == "an unexpected value of 'mean'");
  CHECK(changed("\"mean\": 1.75,", "") == "a column lacks 'mean'");
  CHECK(changed("\"mean\": 1.75", "\"mean\": 1.75, \"mean\": 1") == "'mean' appears twice in a column");
  CHECK(changed("\"mean\": 1.75", "\"mean\": 1.75, \"median\": 1") == "an unknown key of a column: 'median'");
  CHECK(changed("\"deviation\": 0.25", "\"deviation\": 0") == "column 'x' has a deviation that is not positive");
  CHECK(changed("\"a\",", "\"b\",") == "column 'k' has a category twice");
  CHECK(changed("\"k\"", "\"x\"") == "two columns of the schema are called 'x'");
  CHECK(changed("\"min_frequency\": 1", "\"min_frequency\": 0.5") == "column 'x' has an invalid min_frequency");
  const std::size_t second = good.find("\"k\"");
  CHECK(load_complaint(good.substr(0, second) + replaced(good.substr(second), "\"fill\": 0", "\"fill\": 2")) ==
        "column 'k' has an invalid fill");
  const auto path = folder.write("bad.json", "[]");
  CHECK_ERROR(FileError, "[TableEncoder::load] " + path.string() + ": not a table encoder: expected an object",
              TableEncoder::load(path));
  CHECK(contains(file_complaint([&] { TableEncoder::load(folder / "none"); }), "none: no such file"));
}

TEST_CASE("an encoder learns from a stream what it learns from all rows at once") {
  const TemporaryFolder folder;
  const std::string text = large_table(5000);
  const auto path = folder.write("table.csv", text);
  const Frame frame = read_frame(path);
  const Schema schema = large_schema(frame);
  CHECK(Schema::infer(map_frame(path)).to_string() == Schema::infer(frame).to_string());
  const std::string whole = TableEncoder::fit(frame, schema).to_json();
  CHECK(TableEncoder::fit(map_frame(path), schema).to_json() == whole);
  for (const auto& source : {path, write_gzip(folder / "table.csv.gz", text)}) {
    FrameReader reader(source);
    CHECK(TableEncoder::fit(reader, schema).to_json() == whole);
  }
}

TEST_CASE("rows of a file are samples for training") {
  const TemporaryFolder folder;
  const auto path = folder.write("table.csv", large_table(3000));
  const Frame frame = read_frame(path);
  const Schema schema = large_schema(frame);
  const auto encoder = TableEncoder::fit(frame, schema);
  const auto all = encoder.encode<float>(frame);
  const MappedFrame mapped = map_frame(path);
  const FrameSource<float> classes(mapped, encoder);
  const FrameSource<float, Tensor<float>> prices(mapped, encoder);
  REQUIRE(classes.size() == all.size());
  CHECK(all.size() < 3000);
  const std::vector<std::size_t> rows{2000, 0, 2000, 17};
  Tensor<float> x, y;
  Indices labels;
  classes.gather(rows, x, labels);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(xt::view(x, i) == xt::view(all.inputs, rows[i]));
    CHECK(labels(i) == all.labels(rows[i]));
  }
  prices.gather(rows, x, y);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(y(i, 0) == all.targets(rows[i], 0));

  Schema indexed = schema;
  indexed["site"].encoding = Encoding::index;
  using Prices = FrameSource<float, Tensor<float>>;
  indexed["island"].encoding = Encoding::index;
  const auto with_indices = TableEncoder::fit(frame, indexed);
  CHECK_ERROR(ValueError,
              "[FrameSource] columns 'island', 'site' are encoded as indices: use IndexedFrameSource, whose",
              FrameSource<float>(mapped, with_indices));
  const IndexedFrameSource<float> pairs(mapped, with_indices);
  const IndexedFrameSource<float, Tensor<float>> priced(mapped, with_indices);
  const auto both = with_indices.encode<float>(frame);
  REQUIRE(both.indices.shape()[1] == 2);
  REQUIRE(pairs.size() == all.size());
  std::tuple<Tensor<float>, Indices> two;
  const auto check_two = [&] {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(xt::view(std::get<0>(two), i) == xt::view(both.inputs, rows[i]));
      CHECK(xt::view(std::get<1>(two), i) == xt::view(both.indices, rows[i]));
    }
  };
  pairs.gather(rows, two, labels);
  check_two();
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(labels(i) == all.labels(rows[i]));
  two = {};
  priced.gather(rows, two, y);
  check_two();
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(y(i, 0) == all.targets(rows[i], 0));
  Schema unlabelled = schema;
  unlabelled["kind"].kind = ColumnKind::ignored;
  unlabelled["price"].kind = ColumnKind::ignored;
  CHECK_ERROR(ValueError, "[FrameSource] the encoder gives no labels for this table",
              FrameSource<float>(mapped, TableEncoder::fit(frame, unlabelled)));
  CHECK_ERROR(ValueError, "[FrameSource] the encoder gives no targets for this table",
              Prices(mapped, TableEncoder::fit(frame, unlabelled)));
  folder.write("table.csv", large_table(3001));
  CHECK_THROWS_AS(classes.gather(rows, x, labels), FileError);
}

TEST_CASE("a table of numbers is encoded as read_csv and learn_normalisation do it") {
  const TemporaryFolder folder;
  const Tensor<double> numbers = random_tensor({500, 12}, 1);
  std::string text;
  for (std::size_t row = 0; row < 500; ++row) {
    for (std::size_t column = 0; column < 12; ++column)  // columns of magnitudes from 10⁻⁶ to 10⁵
      text += fmt::format("{},", std::pow(10.0, static_cast<double>(column) - 6) * (3 + numbers(row, column)));
    text += numbers(row, 3) > 0 ? "1\n" : "0\n";
  }
  const auto path = folder.write("numbers.csv", text);
  const Frame frame = read_frame(path);
  CHECK((frame.size() == 500 && frame.columns() == 13));
  const Schema schema = Schema::infer(frame, {.label = "column_13"});
  CHECK(std::ranges::count(schema.columns, ColumnKind::numeric, &Column::kind) == 12);
  const auto samples = TableEncoder::fit(frame, schema).encode<double>(frame);
  Dataset<double> dataset = read_csv<double>(path);
  normalise(dataset.inputs, learn_normalisation(dataset.inputs));
  CHECK(distance(samples.inputs, dataset.inputs) < 1e-12);
  CHECK(samples.labels == dataset.labels);
  CHECK(samples.class_names == Texts{"0", "1"});
}

TEST_CASE("a table without inputs, of one column that may hold several, asks for the delimiter") {
  const TemporaryFolder folder;
  std::string text = "a;b\n";
  for (int i = 0; i < 101; ++i) text += fmt::format("{};0\n", i);
  const auto path = folder.write("table.csv", text);
  const Frame frame = read_frame(path);
  const Schema schema = Schema::infer(frame);
  const std::string question =
      "[TableEncoder::fit] no column is an input; '0;0' is in the only column: is ';' the file's delimiter?";
  CHECK_ERROR(ValueError, question, TableEncoder::fit(frame, schema));
  CHECK_ERROR(ValueError, question, TableEncoder::fit(map_frame(path), schema));
  FrameReader reader(path);
  CHECK_ERROR(ValueError, question, TableEncoder::fit(reader, schema));
}
