// TableEncoder: the rules of each kind of column, held against scikit-learn, and their errors.
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/csv.hpp>
#include <wengert/data/table_encoder.hpp>
#include <wengert/io/npz.hpp>

#include <map>
#include <numeric>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;
using Texts = std::vector<std::string>;

namespace {

const std::string tables_folder = PROJECT_SOURCE_DIR "/tests/data/";

Frame penguins() { return read_frame(tables_folder + "penguins.csv", {.comment = '#'}); }

// What tables_reference.py computes with scikit-learn.
Tensor<double> figure(const std::string& name) {
  for (const auto& [key, tensor] : io::load_npz<double>(tables_folder + "tables_reference.npz"))
    if (key == name) return tensor;
  FAIL(name);
  return {};
}

Frame frame_of(const Texts& names, const std::vector<Texts>& rows) {
  Frame frame(names);
  for (const Texts& row : rows) frame.add_row(row);
  return frame;
}

// One column of categories, and its encoding.
Frame letters(const Texts& cells) {
  Frame frame({"x"});
  for (const std::string& cell : cells) frame.add_row(Texts{cell});
  return frame;
}

Column category(const std::string& name) { return {.name = name, .kind = ColumnKind::category}; }
Column numeric(const std::string& name) { return {.name = name, .kind = ColumnKind::numeric}; }

}  // namespace

TEST_CASE("missing numbers are replaced, then columns are standardised, as scikit-learn does it") {
  const Frame frame = penguins();
  const std::map<std::string, Missing> rules{
      {"mean", Missing::mean}, {"median", Missing::median}, {"most_frequent", Missing::most_frequent}};
  for (const auto& [name, rule] : rules) {
    CAPTURE(name);
    Schema schema{{numeric("mass"), numeric("bill")}};
    for (Column& column : schema.columns) column.missing = rule;
    CHECK(distance(TableEncoder::fit(frame, schema).encode<double>(frame).inputs, figure(name)) < 1e-13);
    CHECK(distance(TableEncoder::fit(frame, schema).encode<float>(frame).inputs, figure(name)) < 1e-6);
    for (Column& column : schema.columns) column.standardise = false;
    CHECK(distance(TableEncoder::fit(frame, schema).encode<double>(frame).inputs, figure("raw_" + name)) < 1e-12);
  }
}

TEST_CASE("what is learned from some rows is applied to others") {
  const Frame frame = penguins();
  Schema schema{{numeric("mass"), numeric("bill")}};
  for (Column& column : schema.columns) column.missing = Missing::median;
  std::vector<std::size_t> rows(12);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto encoder = TableEncoder::fit(subset(frame, std::span(rows).first(8)), schema);
  CHECK(distance(encoder.encode<double>(subset(frame, std::span(rows).last(4))).inputs, figure("applied")) < 1e-13);
}

TEST_CASE("an indicator follows its column") {
  const Frame frame = penguins();
  Schema schema{{numeric("mass"), numeric("bill")}};
  for (Column& column : schema.columns) column.missing = Missing::mean, column.indicator = true;
  const auto samples = TableEncoder::fit(frame, schema).encode<double>(frame);
  CHECK(samples.feature_names == Texts{"mass", "mass_missing", "bill", "bill_missing"});
  CHECK(distance(xt::view(samples.inputs, xt::all(), xt::range(1, 4, 2)), figure("indicator")) == 0);
  CHECK(distance(xt::view(samples.inputs, xt::all(), xt::range(0, 4, 2)), figure("mean")) < 1e-13);
}

TEST_CASE("dropped rows are neither learned from nor encoded") {
  const Frame frame = penguins();
  Schema schema{{numeric("mass"), numeric("bill")}};
  for (Column& column : schema.columns) column.missing = Missing::drop;
  const auto samples = TableEncoder::fit(frame, schema).encode<double>(frame);
  CHECK(distance(samples.inputs, figure("dropped")) < 1e-13);
  const Tensor<double> kept = figure("kept");
  CHECK(std::ranges::equal(samples.rows, kept));
  CHECK(samples.size() == 8);
}

TEST_CASE("categories become one-hot rows or indices, labels classes, as scikit-learn does it") {
  const Frame frame = penguins();
  Schema schema = Schema::infer(frame, {.label = "species", .ignored = {"mass", "bill", "remark"}});
  CHECK(schema["year"].kind == ColumnKind::integer);
  schema["sex"].missing = Missing::most_frequent;
  const auto encoder = TableEncoder::fit(frame, schema);
  const auto samples = encoder.encode<double>(frame);
  CHECK(encoder.feature_names() ==
        Texts{"island_Biscoe", "island_Dream", "island_Torgersen", "year", "sex_female", "sex_male"});
  CHECK(distance(xt::view(samples.inputs, xt::all(), xt::range(0, 3)), figure("island")) == 0);
  CHECK(distance(xt::view(samples.inputs, xt::all(), xt::range(3, 4)), figure("year")) < 1e-13);
  CHECK(distance(xt::view(samples.inputs, xt::all(), xt::range(4, 6)), figure("sex")) == 0);
  CHECK(distance(samples.labels, figure("species")) == 0);
  CHECK(encoder.class_names() == Texts{"Adelie", "Chinstrap", "Gentoo"});
  CHECK(Shape(samples.indices.shape()) == Shape{12, 0});
  CHECK(samples.targets.dimension() == 0);

  schema["island"].encoding = Encoding::index;
  const auto indexed = TableEncoder::fit(frame, schema);
  CHECK(distance(indexed.encode<double>(frame).indices, figure("island_index")) == 0);
  CHECK(indexed.index_names() == Texts{"island"});
  CHECK(indexed.index_sizes() == std::vector<std::size_t>{3});
  CHECK(indexed.feature_names() == Texts{"year", "sex_female", "sex_male"});
}

TEST_CASE("categories and classes are sorted as numbers if all are numbers") {
  const auto sorted = [](const Texts& cells, ColumnKind kind) {
    Frame frame({"x", "y"});
    for (const std::string& cell : cells) frame.add_row(Texts{cell, "1"});
    const auto encoder = TableEncoder::fit(frame, {{{.name = "x", .kind = kind}, numeric("y")}});
    return kind == ColumnKind::label ? encoder.class_names() : encoder.feature_names();
  };
  CHECK(sorted({"10", "9", "-1", "9"}, ColumnKind::label) == Texts{"-1", "9", "10"});
  CHECK(sorted({"10", "9", "x"}, ColumnKind::label) == Texts{"10", "9", "x"});
  CHECK(sorted({"10", "9"}, ColumnKind::category) == Texts{"x_9", "x_10", "y"});
}

TEST_CASE("unknown categories follow their rule") {
  const Frame train = letters({"b", "a", "b", "c"}), test = letters({"c", "d"});
  Schema schema{{category("x")}};
  CHECK_ERROR(
      ValueError,
      "[TableEncoder::encode] row 1, column 1 ('x'): 'd' is not among the categories of the training rows: 'a', "
      "'b', 'c'; set a rule, such as Unknown::ignore, for the column",
      TableEncoder::fit(train, schema).encode<double>(test));
  schema["x"].unknown = Unknown::ignore;
  CHECK(TableEncoder::fit(train, schema).encode<double>(test).inputs == Tensor<double>{{0, 0, 1}, {0, 0, 0}});
  schema["x"].unknown = Unknown::other;
  const auto encoder = TableEncoder::fit(train, schema);
  CHECK(encoder.feature_names() == Texts{"x_a", "x_b", "x_c", "x_other"});
  CHECK(encoder.encode<double>(test).inputs == Tensor<double>{{0, 0, 1, 0}, {0, 0, 0, 1}});
  schema["x"].encoding = Encoding::index;
  const auto indexed = TableEncoder::fit(train, schema);
  CHECK(indexed.index_sizes() == std::vector<std::size_t>{4});
  CHECK(indexed.encode<double>(test).indices == column<std::int64_t>({2, 3}));
  CHECK(Shape(indexed.encode<double>(test).inputs.shape()) == Shape{2, 0});
}

TEST_CASE("rare categories are treated like unknown ones") {
  const Frame train = letters({"b", "a", "b", "c", "c"});
  Schema schema{{{.name = "x", .kind = ColumnKind::category, .unknown = Unknown::other, .min_frequency = 2}}};
  CHECK(TableEncoder::fit(train, schema).encode<double>(letters({"a", "b", "z"})).inputs ==
        Tensor<double>{{0, 0, 1}, {1, 0, 0}, {0, 0, 1}});
  schema["x"].unknown = Unknown::ignore;
  CHECK(TableEncoder::fit(train, schema).encode<double>(letters({"a", "c"})).inputs == Tensor<double>{{0, 0}, {0, 1}});
  schema["x"].min_frequency = 3;
  CHECK_ERROR(ValueError, "[TableEncoder::fit] column 'x': no category occurs 3 times, the min_frequency",
              TableEncoder::fit(train, schema));
}

TEST_CASE("a missing category is replaced, or a category of its own, with or without an indicator") {
  const Frame frame = letters({"b", "", "a", "b"});
  Schema schema{{category("x")}};
  schema["x"].missing = Missing::most_frequent;
  schema["x"].indicator = true;
  const auto replaced = TableEncoder::fit(frame, schema).encode<double>(frame);
  CHECK(replaced.feature_names == Texts{"x_a", "x_b", "x_missing"});
  CHECK(replaced.inputs == Tensor<double>{{0, 1, 0}, {0, 1, 1}, {1, 0, 0}, {0, 1, 0}});
  schema["x"].indicator = false;
  schema["x"].missing = Missing::category;
  schema["x"].unknown = Unknown::other;
  const auto own = TableEncoder::fit(frame, schema);
  CHECK(own.feature_names() == Texts{"x_a", "x_b", "x_other", "x_missing"});
  CHECK(own.encode<double>(letters({"", "z"})).inputs == Tensor<double>{{0, 0, 0, 1}, {0, 0, 1, 0}});
  schema["x"].encoding = Encoding::index;
  schema["x"].unknown = Unknown::error;
  CHECK(TableEncoder::fit(frame, schema).encode<double>(frame).indices == column<std::int64_t>({1, 2, 0, 1}));
}

TEST_CASE("targets, and predicted ones in their own units") {
  const Frame frame = frame_of({"x", "y", "z"}, {{"1", "10", "5"}, {"2", "20", "5"}, {"3", "60", "5"}});
  Schema schema = Schema::infer(frame, {.targets = {"y", "z"}});
  const auto plain = TableEncoder::fit(frame, schema);
  CHECK(plain.encode<double>(frame).targets == Tensor<double>{{10, 5}, {20, 5}, {60, 5}});
  CHECK(plain.decode_targets(Tensor<double>{{1, 2}}) == Tensor<double>{{1, 2}});
  schema["y"].standardise = schema["z"].standardise = true;
  const auto encoder = TableEncoder::fit(frame, schema);
  const auto samples = encoder.encode<double>(frame);
  const double deviation = std::sqrt((400.0 + 100 + 900) / 3);  // about the mean 30
  CHECK(distance(samples.targets, Tensor<double>{{-20 / deviation, 0}, {-10 / deviation, 0}, {30 / deviation, 0}}) <
        1e-15);
  CHECK(distance(encoder.decode_targets(samples.targets), Tensor<double>{{10, 5}, {20, 5}, {60, 5}}) < 1e-13);
  CHECK_ERROR(ShapeError, "[TableEncoder::decode_targets] targets of shape (1, 3): expected (N, 2)",
              encoder.decode_targets(Tensor<double>{{1, 2, 3}}));

  const Table<double> table = samples.table();
  CHECK(table.inputs == samples.inputs);
  CHECK(table.targets == samples.targets);
  CHECK((table.input_names == Texts{"x"} && table.target_names == Texts{"y", "z"}));
  CHECK_ERROR(ValueError, "[EncodedTable::dataset] the table has no labels", samples.dataset());
}

TEST_CASE("new rows need neither labels nor targets, nor the order of the columns") {
  const Frame train = frame_of({"x", "kind", "y"}, {{"1", "a", "2"}, {"3", "b", "4"}});
  const auto encoder = TableEncoder::fit(train, Schema::infer(train, {.label = "kind"}));
  const auto samples = encoder.encode<double>(frame_of({"y", "more", "x"}, {{"4", "?", "1"}}));
  CHECK(samples.inputs == Tensor<double>{{-1, 1}});
  CHECK(samples.labels.dimension() == 0);
  const Frame strange = frame_of({"x", "y", "kind"}, {{"1", "2", "c"}, {"1", "2", ""}});
  CHECK_ERROR(ValueError, "row 0, column 3 ('kind'): 'c' is not among the classes of the training rows: 'a', 'b' (",
              encoder.encode<double>(strange));
  CHECK(encoder.encode_inputs<double>(strange).inputs == Tensor<double>{{-1, -1}, {-1, -1}});
  CHECK(encoder.encode_inputs<double>(train).labels.dimension() == 0);

  const Dataset<double> dataset = encoder.encode<double>(train).dataset();
  CHECK((dataset.labels == Indices{0, 1} && dataset.classes == 2));
  CHECK((dataset.feature_names == Texts{"x", "y"} && dataset.label_name == "kind"));
  CHECK(encoder.decode(1) == "b");
  CHECK_ERROR(ValueError, "[TableEncoder::decode] label 2: expected one in [0, 2)", encoder.decode(2));
  CHECK_ERROR(ValueError, "[TableEncoder::decode] label -1", encoder.decode(-1));
  CHECK_ERROR(ValueError, "[EncodedTable::table] the table has no targets", encoder.encode<double>(train).table());
}

TEST_CASE("columns that a table lacks are named, with the file") {
  const TemporaryFolder folder;
  const Frame train = frame_of({"x", "y", "t", "u"}, {{"1", "2", "3", "4"}, {"2", "3", "4", "5"}});
  const Schema schema = Schema::infer(train, {.targets = {"t", "u"}});
  const auto encoder = TableEncoder::fit(train, schema);
  const Frame renamed = read_frame(folder.write("new.csv", "x,Y\n1,2\n"));
  CHECK_ERROR(
      ValueError,
      "[TableEncoder::encode] " + renamed.source() + " has no column 'y', as the schema expects: it has 'x', 'Y'",
      encoder.encode<float>(renamed));
  CHECK_ERROR(ValueError, "[TableEncoder::encode] the frame has no column 'u', as the schema expects",
              encoder.encode<float>(frame_of({"x", "y", "t"}, {{"1", "2", "3"}})));
  CHECK_ERROR(ValueError, "[TableEncoder::fit] the frame has no column 't', 'u', as the schema expects",
              TableEncoder::fit(frame_of({"x", "y"}, {{"1", "2"}}), schema));
}

TEST_CASE("cells that their column does not allow are refused by file, line and column") {
  const TemporaryFolder folder;
  const auto complaint = [&](const std::string& cell, const Column& column) {
    const auto path = folder.write("table.csv", "a,x\n\"1\n2\"," + cell + "\n3,1\n");
    const std::string message = file_complaint([&] { TableEncoder::fit(read_frame(path), {{column}}); });
    const std::string start = "[TableEncoder::fit] " + path.string() + ":3: column 2 ('x'): ";
    return message.starts_with(start) ? message.substr(start.size()) : "another start: " + message;
  };
  const Column integer{.name = "x", .kind = ColumnKind::integer}, label{.name = "x", .kind = ColumnKind::label};
  CHECK(complaint("", numeric("x")) == "the value is missing: set a rule, such as Missing::drop, for the column");
  CHECK(complaint("NA", category("x")) == "the value is missing: set a rule, such as Missing::drop, for the column");
  CHECK(complaint("abc", numeric("x")) ==
        "'abc' is not a number; if it marks a missing value, add it to `missing_values`");
  CHECK(
      complaint("\"1,5\"", numeric("x")) ==
      "'1,5' is not a number with the decimal separator '.'; if it marks a missing value, add it to `missing_values`");
  CHECK(complaint("inf", numeric("x")) == "'inf' is not a finite number, or out of range");
  CHECK(complaint("1e999", numeric("x")) == "'1e999' is not a finite number, or out of range");
  CHECK(complaint("1.5", integer) == "'1.5' is not an integer: expected one; other numbers need ColumnKind::numeric");
  CHECK(complaint("\xE9", category("x")) ==
        "byte 1 of '\xE9', 0xE9, is not UTF-8: convert the text, for example by iconv");

  const Frame train = frame_of({"x"}, {{"1"}, {"3"}});
  const auto encoder = TableEncoder::fit(train, {{numeric("x")}});
  CHECK_ERROR(ValueError,
              "[TableEncoder::encode] row 0, column 1 ('x'): the value is missing, and the schema has no rule",
              encoder.encode<float>(letters({""})));
  CHECK_ERROR(ValueError, "[TableEncoder::encode] row 0, column 1 ('x'): 1e+39 is out of range",
              TableEncoder::fit(train, {{{.name = "x", .kind = ColumnKind::numeric, .standardise = false}}})
                  .encode<float>(letters({"1e39"})));
}

TEST_CASE("rules that do not fit their column are refused") {
  const Frame frame = frame_of({"x", "y"}, {{"1", "a"}, {"2", ""}});
  const auto refused = [&](const Column& column, const std::string& text) {
    CHECK_ERROR(ValueError, "[TableEncoder::fit] " + text, TableEncoder::fit(frame, {{column}}));
  };
  using enum ColumnKind;
  refused({.name = "x", .kind = numeric, .missing = Missing::category},
          "column 'x', numeric: Missing::category does not fit; expected mean, median or most_frequent");
  refused({.name = "x", .kind = ColumnKind::category, .missing = Missing::mean},
          "column 'x', category: Missing::mean does not fit; expected most_frequent or category");
  refused({.name = "x", .kind = label, .missing = Missing::most_frequent},
          "column 'x', label: Missing::most_frequent does not fit; expected error or drop");
  refused({.name = "x", .kind = target, .missing = Missing::mean}, "column 'x', target: Missing::mean does not fit");
  refused({.name = "x", .kind = numeric, .missing = Missing::drop, .indicator = true},
          "column 'x', numeric: an indicator with Missing::drop does not fit; expected an input with mean, median or "
          "most_frequent");
  refused({.name = "x", .kind = ColumnKind::category, .encoding = Encoding::index, .unknown = Unknown::ignore},
          "column 'x', category: Unknown::ignore with Encoding::index does not fit; expected error or other");
  refused({.name = "x", .kind = ColumnKind::category, .min_frequency = 2},
          "column 'x', category: min_frequency 2 with Unknown::error does not fit; expected ignore or other");
  refused({.name = "x", .kind = numeric, .encoding = Encoding::index},
          "column 'x', numeric: Encoding::index does not fit; expected only ColumnKind::category with it");
  refused({.name = "x", .kind = integer, .unknown = Unknown::other},
          "column 'x', integer: Unknown::other does not fit; expected only ColumnKind::category with it");
  refused({.name = "x", .kind = label, .min_frequency = 2},
          "column 'x', label: min_frequency 2 does not fit; expected only ColumnKind::category with it");
  refused({.name = "x", .kind = label}, "no column is an input");
  refused({.name = "x"}, "no column is an input");
  const Column x{.name = "x", .kind = numeric};
  CHECK_ERROR(ValueError, "[TableEncoder::fit] two columns of the schema are called 'x'",
              TableEncoder::fit(frame, {{x, x}}));
  CHECK_ERROR(ValueError, "[TableEncoder::fit] 2 columns are labels: expected one",
              TableEncoder::fit(frame, {{{.name = "x", .kind = label}, {.name = "y", .kind = label}}}));
  CHECK_ERROR(ValueError, "[TableEncoder::fit] no rows to learn from", TableEncoder::fit(Frame({"x"}), {{x}}));
  const Frame empty = letters({"", ""});
  CHECK_ERROR(ValueError, "[TableEncoder::fit] column 'x' has no values to learn from",
              TableEncoder::fit(empty, {{{.name = "x", .kind = numeric, .missing = Missing::mean}}}));
  CHECK_ERROR(ValueError, "[TableEncoder::fit] column 'x' has no values to learn from",
              TableEncoder::fit(empty, {{{.name = "x", .kind = ColumnKind::category, .missing = Missing::category}}}));
  CHECK_ERROR(ValueError, "[TableEncoder::fit] column 'x' has values too large to square: set standardise = false",
              TableEncoder::fit(letters({"1e300", "-1e300"}), {{x}}));
}

TEST_CASE("values that are too large to average are refused, the median excepted") {
  const Frame frame = frame_of({"x", "y"}, {{"1.7e308", "1"}, {"-1.7e308", "2"}, {"1.7e308", "3"}, {"", "4"}});
  Schema schema = Schema::infer(frame);
  schema["x"].standardise = false;
  schema["x"].missing = Missing::mean;
  CHECK_ERROR(ValueError,
              "[TableEncoder::fit] column 'x' has values too large to average: expected another rule than "
              "Missing::mean, such as most_frequent, or smaller numbers",
              TableEncoder::fit(frame, schema));
  schema["x"].missing = Missing::median;
  const Frame even = frame_of({"x", "y"}, {{"1.7e308", "1"}, {"-1.7e308", "2"}, {"", "3"}});
  CHECK(TableEncoder::fit(even, schema).encode<double>(even).inputs(2, 0) == 0);
}
