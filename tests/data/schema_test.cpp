// Schemas: what is inferred from cells, the printed table, and look-up.
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/mapped_frame.hpp>
#include <wengert/data/schema.hpp>

#include <sstream>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

Schema inferred_from(const std::string& content, const InferOptions& options = {}, const FrameOptions& format = {}) {
  const TemporaryFolder folder;
  const auto path = folder.write("table.csv", content);
  const Schema schema = Schema::infer(read_frame(path, format), options);
  CHECK(Schema::infer(map_frame(path, format), options).to_string() == schema.to_string());
  return schema;
}

ColumnKind kind_of(const std::string& cells) {  // one per line
  return inferred_from("x,y\n" + cells).columns[0].kind;
}

}  // namespace

TEST_CASE("kinds follow from the cells of a column") {
  CHECK(kind_of("1,a\n-2,a\n+3,a\n") == ColumnKind::integer);
  CHECK(kind_of("1,a\n2.5,a\n") == ColumnKind::numeric);
  CHECK(kind_of("1,a\n1e3,a\n") == ColumnKind::numeric);
  CHECK(kind_of("1,a\nNA,a\n,a\n") == ColumnKind::integer);
  CHECK(kind_of("1,a\nx,a\n") == ColumnKind::category);
  CHECK(kind_of("1,a\n1e999,a\n") == ColumnKind::category);
  CHECK(kind_of("1,a\ninf,a\n") == ColumnKind::category);
  CHECK(kind_of("00501,a\n10001,a\n") == ColumnKind::category);
  CHECK(kind_of("0,a\n0.5,a\n") == ColumnKind::numeric);
  CHECK(kind_of("NA,a\n,a\n") == ColumnKind::ignored);
  CHECK(inferred_from("x;y\n1,5;2\n", {}, {.delimiter = ';', .decimal = ','})["x"].kind == ColumnKind::numeric);
}

TEST_CASE("text columns of many different texts are ignored, and the note says so") {
  std::string text = "name,x\n";
  for (int i = 0; i < 6; ++i) text += fmt::format("person {},{}\n", i, i);
  const Schema whole = inferred_from(text, {.most_categories = 6});
  CHECK(whole["name"].kind == ColumnKind::category);
  CHECK(whole["name"].note == "6 categories: 'person 0', 'person 1', 'person 2', 'person 3' …");
  const Schema schema = inferred_from(text, {.most_categories = 5});
  CHECK(schema["name"].kind == ColumnKind::ignored);
  CHECK(schema["name"].note == "more than 5 texts, the limit `most_categories`");
}

TEST_CASE("a schema is printed as a table") {
  Schema schema = inferred_from(
      "id,mass,island,year,empty,price,kind\n"
      "a1,3.5,Dream,2007,,10,Adelie\n"
      "b2,,Biscoe,2008,,20,Gentoo\n"
      "c3,4.25,,2009,NA,30,Adelie\n",
      {.label = "kind", .targets = {"price"}, .ignored = {"id"}});
  CHECK(!schema["price"].standardise);
  schema["mass"].missing = Missing::median;
  schema["mass"].indicator = true;
  schema["year"].standardise = false;
  Column& island = schema["island"];
  island.missing = Missing::category;
  island.encoding = Encoding::index;
  island.unknown = Unknown::other;
  island.min_frequency = 2;
  std::ostringstream out;
  out << schema;
  CHECK(out.str() ==
        "column  kind      missing            encoding                           found\n"
        "id      ignored                                                         3 categories: 'a1', 'b2', 'c3'\n"
        "mass    numeric   median, indicator  standardised                       1 missing; 3.5 to 4.25\n"
        "island  category  category           index, unknown: other, at least 2  1 missing; 2 categories: 'Biscoe', "
        "'Dream'\n"
        "year    integer   error              as it is                           2007 to 2009\n"
        "empty   ignored                                                         no values\n"
        "price   target    error              as it is                           10 to 30\n"
        "kind    label     error              class                              2 classes: 'Adelie', 'Gentoo'\n");
}

TEST_CASE("options and names that a table does not have are refused") {
  const TemporaryFolder folder;
  const Frame frame = read_frame(folder.write("table.csv", "a,b,c\n1,2,3\n"));
  const InferOptions label{.label = "d"}, target{.targets = {"e"}}, ignored{.ignored = {"f"}},
      twice{.label = "a", .targets = {"a"}};
  CHECK_ERROR(ValueError, "[Schema::infer] label 'd': the table has the columns 'a', 'b', 'c'",
              Schema::infer(frame, label));
  CHECK_ERROR(ValueError, "[Schema::infer] target 'e': ", Schema::infer(frame, target));
  CHECK_ERROR(ValueError, "[Schema::infer] ignored column 'f': ", Schema::infer(frame, ignored));
  CHECK_ERROR(ValueError, "[Schema::infer] column 'a' is named twice", Schema::infer(frame, twice));
  CHECK_ERROR(ValueError, "[Schema::infer] the table has no rows", Schema::infer(Frame({"a"})));
  Schema schema = Schema::infer(frame);
  CHECK_ERROR(ValueError, "[Schema] no column 'd': it has 'a', 'b', 'c'", schema["d"].standardise);
  CHECK_ERROR(ValueError, "[Schema] no column 'd'", schema[std::string("d")].standardise = false);
}
