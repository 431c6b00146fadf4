// A recursive-descent parser for the Python dictionary in an .npy header.
#include "io/npy_header.hpp"

#include "io/header_text.hpp"
#include "io/in_quotes.hpp"

#include <fmt/format.h>

namespace wengert {
namespace {

class Parser : HeaderText {
 public:
  Parser(std::string_view text, const ByteSource& source) : HeaderText(text, ".npy header", source) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        header.descr = descr();
        has_descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape") {
        header.shape = shape();
        has_shape = true;
      } else {
        fail(fmt::format("unknown key {}", in_quotes(key)));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (!rest_.empty()) fail("text after the dictionary");
    if (!has_descr || !has_order || !has_shape)
      fail(fmt::format("no key '{}'", !has_descr ? "descr" : !has_order ? "fortran_order" : "shape"));
    return header;
  }

 private:
  std::string_view string() {
    skip_blanks();
    if (!rest_.starts_with('\'') && !rest_.starts_with('"')) fail("expected a quoted text");
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) fail("a quoted text without its end");
    const std::string_view result = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return result;
  }

  std::string descr() {
    skip_blanks();
    if (rest_.starts_with('[')) fail("records of several fields: expected elements of one number each");
    return std::string(string());
  }

  bool boolean() {
    skip_blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    fail("expected True or False");
  }

  Shape shape() {
    Shape result;
    expect('(');
    while (!accept(')')) {
      if (result.rank() == max_rank) fail(fmt::format("more than {} axes", max_rank));
      result.push_back(extent());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }

  std::size_t extent() {
    const std::size_t value = number("an extent");
    if (rest_.starts_with('L')) rest_.remove_prefix(1);  // as Python 2 wrote long integers
    return value;
  }
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const ByteSource& source) { return Parser(text, source).parse(); }

}  // namespace wengert
