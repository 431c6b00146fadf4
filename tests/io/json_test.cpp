// JSON: writer output, the parts that the parser passes on, and the faults that it reports.
#include "io/json.hpp"

#include "testing.hpp"

#include <limits>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::io;
using namespace wengert::testing;

namespace {

// Records all parts and faults as text.
class Notes final : public JsonReceiver {
 public:
  void begin_object() override { text += "{ "; }
  void key(std::string name) override { text += name + ": "; }
  void end_object() override { text += "} "; }
  void begin_array() override { text += "[ "; }
  void end_array() override { text += "] "; }
  void string(std::string value) override { text += "'" + value + "' "; }
  void integer(std::uint64_t value) override { text += fmt::format("{} ", value); }
  void other(std::string_view value) override { text += fmt::format("other {} ", value); }
  void fault(std::string_view reason, std::size_t position) override {
    text += fmt::format("{} at {}", reason, position);
  }

  std::string text;
};

std::string parts_of(std::string_view json) {
  Notes notes;
  parse_json(json, notes);
  return notes.text;
}

}  // namespace

TEST_CASE("JSON is written value by value") {
  const auto write = [](JsonWriter json) {
    json.begin_object().key("a").integer(std::numeric_limits<std::uint64_t>::max()).key("b").begin_array();
    json.number(1).number(-0.125).number(1e-7).number(1234567).number(1.0 / 3).number(NAN).number(INFINITY);
    json.end_array().key("c").begin_object().key("d").boolean(true).key("e").begin_array().end_array();
    return json.end_object().key("f").begin_object().end_object().end_object().text();
  };
  CHECK(write(JsonWriter()) == R"({"a":18446744073709551615,"b":[1,-0.125,1e-07,1.23457e+06,0.333333,null,null],)"
                               R"("c":{"d":true,"e":[]},"f":{}})");
  CHECK(write(JsonWriter(JsonWriter::Layout::lines)) == R"({
  "a": 18446744073709551615,
  "b": [
    1,
    -0.125,
    1e-07,
    1.23457e+06,
    0.333333,
    null,
    null
  ],
  "c": {
    "d": true,
    "e": []
  },
  "f": {}
})");
  CHECK(JsonWriter().string("x").text() == "\"x\"");
}

TEST_CASE("strings in JSON are safe in an HTML script element, and UTF-8") {
  const auto string = [](std::string_view text) { return JsonWriter().string(text).text(); };
  CHECK(string("größe ☃ 😀 </script>") == "\"größe ☃ 😀 \\u003c/script>\"");
  CHECK(string("\"\\/\n\t\x01") == R"("\"\\/\n\t\u0001")");
  CHECK(string({"\0x", 2}) == "\"\\u0000x\"");
  CHECK(string("a\xff\xc0z") == "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
  CHECK(JsonWriter().begin_object().key("<").integer(1).end_object().text() == "{\"\\u003c\":1}");
}

TEST_CASE("only JSON's own literals stand without quotes") {
  const auto written = [](std::string_view text) { return JsonWriter().literal_or_string(text).text(); };
  for (const char* text : {"true", "false", "0", "-0", "10E+2", "0.10", "-1.7976931348623157e+308"})
    CHECK(written(text) == text);
  for (const std::string text : {"", "null", "True", "inf", "+1", "01", ".5", "1.", "1e", " 1", "1 ", "1,2", "--1"})
    CHECK(written(text) == '"' + text + '"');
  const std::string long_number(25, '7');
  CHECK(written(long_number) == '"' + long_number + '"');
}

TEST_CASE("the parts of a JSON text come in their order") {
  CHECK(parts_of(" {\"b\" : [1, [], {}], \"a\":\"\\u00e9\\ud83d\\ude00\\n\", \"a\": null}\n") ==
        "{ b: [ 1 [ ] { } ] a: 'é😀\n' a: other null } ");
  CHECK(parts_of("[0,18446744073709551615,18446744073709551616,-1,-0,1.0,1e2,true,false]") ==
        "[ 0 18446744073709551615 other 18446744073709551616 other -1 other -0 other 1.0 other 1e2 other true other "
        "false ] ");
}

TEST_CASE("what is not JSON is a fault, with its place") {
  CHECK(parts_of("") == "unexpected end of input; expected '[', '{', or a literal at 0");
  CHECK(parts_of("[1,]") == "[ 1 unexpected ']'; expected '[', '{', or a literal at 3");
  CHECK(parts_of("[1e400]") == "[ a number that is too large at 5");
  CHECK(parts_of("[nan]") == "[ invalid literal at 2");
  CHECK(parts_of("[] []") == "[ ] unexpected '['; expected end of input at 3");
  CHECK(parts_of("\"a\nb\"") == "invalid string: control character U+000A (LF) must be escaped to \\u000A or \\n at 2");
  CHECK(parts_of("\xef\xbb\xbf[]") == "a byte order mark at 0");
  CHECK(parts_of({"[]\0", 3}) == "a zero byte at 2");
  CHECK(parts_of("[] // more") == "[ ] invalid literal at 3");
  const std::string deep(1'000'000, '[');
  CHECK(parts_of(deep).ends_with("unexpected end of input; expected '[', '{', or a literal at 1000000"));
}

TEST_CASE("what a receiver throws ends the parsing") {
  struct Strict final : JsonReceiver {
    void begin_object() override { throw FileError("read", "an object"); }
    void key(std::string) override {}
    void end_object() override {}
    void begin_array() override {}
    void end_array() override {}
    void string(std::string) override {}
    void integer(std::uint64_t) override {}
    void other(std::string_view) override {}
    void fault(std::string_view, std::size_t) override {}
  } strict;
  CHECK_THROWS_AS(parse_json("[{", strict), FileError);
}

TEST_CASE("UTF-8 is recognised") {
  for (const char* text : {"", "a\n\x01", "größe", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) CHECK(is_utf8(text));
  for (const char* text : {"a\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x98", "\x80"})
    CHECK_FALSE(is_utf8(text));
}
