// TableEncoder: text that is not UTF-8, labels of one class, and what an encoder says about its training rows.
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/table_encoder.hpp>

#include <map>
#include <sstream>
#include <utility>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;
using Texts = std::vector<std::string>;

namespace {

// Rows of the columns `x` and `y` without a file.
Frame pairs_of(const std::vector<std::pair<std::string, std::string>>& rows) {
  Frame frame({"x", "y"});
  for (const auto& [x, y] : rows) frame.add_row(Texts{x, y});
  return frame;
}

Schema with_category(Unknown unknown, Encoding encoding) {
  return {{{.name = "x", .kind = ColumnKind::category, .encoding = encoding, .unknown = unknown},
           {.name = "y", .kind = ColumnKind::numeric}}};
}

// What an encoder says below the table of its schema.
std::string remarks(const TableEncoder& encoder) {
  const std::string table = encoder.schema().to_string(), text = encoder.to_string();
  REQUIRE(text.starts_with(table));
  return text.substr(table.size());
}

// The JSON text without the keys that files had not at first.
std::string as_before_notes(const std::string& json) {
  std::istringstream lines(json);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (contains(line, "\"note\":") || contains(line, "\"missing_seen\":") || contains(line, "\"other_seen\":"))
      continue;
    if (contains(line, "}") && text.ends_with(",\n")) text.erase(text.size() - 2, 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("text that is not UTF-8 is neither learned from nor encoded, whatever the rule for unknown categories") {
  const Frame good = pairs_of({{"a", "1"}, {"b", "2"}});
  // U+00E9 and U+1F600 are valid; then follow a byte of Latin-1, a truncated character, an overlong form, a surrogate.
  const std::map<std::string, std::string> faults{
      {"\xC3\xA9\xF0\x9F\x98\x80 caf\xE9",
       "byte 11 of '\xC3\xA9\xF0\x9F\x98\x80 caf\xE9', 0xE9, is not UTF-8: convert"},
      {"x\xE2\x82", "byte 2 of 'x\xE2\x82', 0xE2, is not UTF-8"},
      {"\xC0\x80", "byte 1 of '\xC0\x80', 0xC0, is not UTF-8"},
      {"ab\xED\xA0\x80", "byte 3 of 'ab\xED\xA0\x80', 0xED, is not UTF-8"}};
  for (const auto& [text, complaint] : faults) {
    CAPTURE(complaint);
    const Frame bad = pairs_of({{"b", "1"}, {text, "2"}});
    for (const Unknown unknown : {Unknown::error, Unknown::ignore, Unknown::other}) {
      const Schema schema = with_category(unknown, Encoding::one_hot);
      CHECK_ERROR(ValueError, "[TableEncoder::fit] row 1, column 1 ('x'): " + complaint,
                  TableEncoder::fit(bad, schema));
      const auto encoder = TableEncoder::fit(good, schema);
      CHECK_ERROR(ValueError, "[TableEncoder::encode] row 1, column 1 ('x'): " + complaint, encoder.encode<float>(bad));
      CHECK_ERROR(ValueError, "[TableEncoder::encode] row 1, column 1 ('x'): " + complaint,
                  encoder.encode_inputs<double>(bad));
    }
  }
  const Schema labels{{{.name = "x", .kind = ColumnKind::label}, {.name = "y", .kind = ColumnKind::numeric}}};
  CHECK_ERROR(ValueError, "row 0, column 1 ('x'): byte 1 of '\xE9', 0xE9, is not UTF-8",
              TableEncoder::fit(good, labels).encode<float>(pairs_of({{"\xE9", "1"}})));

  const TemporaryFolder folder;
  const auto path = folder.write("new.csv", "y,x\n1,a\n2,\xE9t\xE9\n");
  CHECK(contains(file_complaint([&] {
                   const auto encoder = TableEncoder::fit(good, with_category(Unknown::ignore, Encoding::one_hot));
                   encoder.encode<float>(read_frame(path));
                 }),
                 path.string() + ":3: column 2 ('x'): byte 1 of '\xE9t\xE9', 0xE9, is not UTF-8"));
}

TEST_CASE("a label with one class teaches nothing and is refused") {
  const Schema schema{{{.name = "x", .kind = ColumnKind::label}, {.name = "y", .kind = ColumnKind::numeric}}};
  CHECK_ERROR(ValueError,
              "[TableEncoder::fit] column 'x': 'a' is the only class of the training rows: expected at least two",
              TableEncoder::fit(pairs_of({{"a", "1"}, {"a", "2"}}), schema));
}

TEST_CASE("a number that is no class is explained") {
  const Schema schema{{{.name = "x", .kind = ColumnKind::label}, {.name = "y", .kind = ColumnKind::numeric}}};
  const auto encoder = TableEncoder::fit(pairs_of({{"10.5", "1"}, {"20", "2"}}), schema);
  CHECK_ERROR(
      ValueError,
      "'30' is not among the classes of the training rows: '10.5', '20'; a number to predict is a target, not a "
      "label",
      encoder.encode<float>(pairs_of({{"30", "1"}})));
}

TEST_CASE("an encoder names the inputs and indices that no training row uses, and what to do about it") {
  const Frame frame = pairs_of({{"a", "1"}, {"b", "2"}, {"b", "3"}});
  Schema schema = with_category(Unknown::other, Encoding::index);
  CHECK(remarks(TableEncoder::fit(frame, schema)) ==
        "column 'x': no training row uses index 2, 'other', so its row of an nn::Embedding is never trained: set a "
        "min_frequency that some categories do not reach, or Unknown::error\n");
  schema["x"].encoding = Encoding::one_hot;
  CHECK(remarks(TableEncoder::fit(frame, schema)) ==
        "column 'x': no training row uses the input 'x_other', so its weights are never trained: set a min_frequency "
        "that some categories do not reach, or Unknown::error\n");
  schema["x"].min_frequency = 2;  // 'a' is rarer
  CHECK(remarks(TableEncoder::fit(frame, schema)).empty());
  schema["x"].unknown = Unknown::ignore;
  CHECK(remarks(TableEncoder::fit(frame, schema)).empty());

  schema = with_category(Unknown::other, Encoding::index);
  schema["x"].missing = Missing::category;
  schema["y"].missing = Missing::mean;
  schema["y"].indicator = true;
  const std::string all = remarks(TableEncoder::fit(frame, schema));
  CHECK(contains(all, "column 'x': no training row uses index 2, 'other', so"));
  CHECK(
      contains(all,
               "column 'x': no training row uses index 3, 'missing', so its row of an nn::Embedding is never trained: "
               "set Missing::most_frequent or Missing::error\n"));
  CHECK(contains(all,
                 "column 'y': no training row uses the input 'y_missing', so its weights are never trained: set "
                 "indicator = false\n"));
  schema["x"].unknown = Unknown::error;
  CHECK(remarks(TableEncoder::fit(pairs_of({{"a", ""}, {"", "2"}}), schema)).empty());
  std::ostringstream out;
  out << TableEncoder::fit(frame, schema);
  CHECK(out.str() == TableEncoder::fit(frame, schema).to_string());
}

TEST_CASE("notes come back with an encoder's file, and files without them are read") {
  const Frame frame = pairs_of({{"a", "1"}, {"b", "2"}, {"", "4"}});
  Schema schema = Schema::infer(frame);
  schema["x"].unknown = Unknown::other;
  schema["x"].missing = Missing::category;
  schema["y"].note = "kilograms, \"net\"\n<1>";
  const auto encoder = TableEncoder::fit(frame, schema);
  const auto loaded = TableEncoder::from_json(encoder.to_json());
  CHECK(loaded.schema()["x"].note == "1 missing; 2 categories: 'a', 'b'");
  CHECK(loaded.schema()["y"].note == "kilograms, \"net\"\n<1>");
  CHECK(contains(remarks(encoder), "the input 'x_other'"));
  CHECK(!contains(remarks(encoder), "x_missing"));
  CHECK(loaded.to_string() == encoder.to_string());
  // A schema that comes from an encoder says nothing twice.
  CHECK(TableEncoder::fit(frame, loaded.schema()).to_string() == encoder.to_string());

  const std::string old = as_before_notes(encoder.to_json());
  CHECK(!contains(old, "note"));
  CHECK(!contains(old, "_seen"));
  const auto older = TableEncoder::from_json(old);
  CHECK(older.encode<double>(frame).inputs == encoder.encode<double>(frame).inputs);
  CHECK(older.schema()["x"].note.empty());
  CHECK(remarks(older).empty());
}
