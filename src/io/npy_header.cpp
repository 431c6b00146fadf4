// A recursive-descent parser for the Python dictionary in an .npy header.
#include "io/npy_header.hpp"

#include "io/in_quotes.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace wengert::io {
namespace {

// Each function continues where the last one stopped.
class Parser {
 public:
  Parser(std::string_view text, const ByteSource& source) : text_(text), rest_(text), source_(source) {}

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
    if (!rest_.empty()) fail("extra text after the dictionary");
    if (!has_descr || !has_order || !has_shape)
      fail(fmt::format("no key '{}'", !has_descr ? "descr" : !has_order ? "fortran_order" : "shape"));
    return header;
  }

 private:
  std::string_view string() {
    skip_blanks();
    if (!rest_.starts_with('\'') && !rest_.starts_with('"')) fail("expected a quoted string");
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) fail("an unterminated string");
    const std::string_view result = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return result;
  }

  std::string descr() {
    skip_blanks();
    if (rest_.starts_with('[')) fail("a structured type: expected elements of one number each");
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
    skip_blanks();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::result_out_of_range) fail("an extent beyond 64 bits");
    if (error != std::errc()) fail("expected an extent");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    if (rest_.starts_with('L')) rest_.remove_prefix(1);  // as Python 2 wrote long integers
    return value;
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  // Skips blanks, then the character if it comes next; returns whether it did.
  bool accept(char wanted) {
    skip_blanks();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("expected '{}'", wanted));
  }
  [[noreturn]] void fail(std::string_view what) const {
    source_.fail(fmt::format("invalid .npy header: {} (at character {})", what, text_.size() - rest_.size()));
  }

  std::string_view text_;
  std::string_view rest_;  // not read yet
  const ByteSource& source_;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const ByteSource& source) { return Parser(text, source).parse(); }

}  // namespace wengert::io
