// A recursive-descent parser for the JSON subset of .safetensors headers, and UTF-8 validation.
#include "io/safetensors_header.hpp"

#include "io/header_text.hpp"
#include "io/in_quotes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include <fmt/format.h>

namespace wengert {
namespace {

// Parses only the JSON that such headers use: objects with known keys, strings, and lists of integers.
class Parser : HeaderText {
 public:
  Parser(std::string_view text, const ByteSource& source) : HeaderText(text, "header", source) {}

  SafetensorsHeader parse() {
    SafetensorsHeader header;
    bool has_metadata = false;
    members([&](std::string key) {
      if (key != "__metadata__") return header.entries.push_back(entry(std::move(key)));
      if (has_metadata) fail("'__metadata__' is there twice");
      has_metadata = true;
      members([&](std::string name) {
        std::string value = string();
        if (!header.metadata.emplace(std::move(name), std::move(value)).second) fail("metadata with one key twice");
      });
    });
    skip_blanks();
    if (!rest_.empty()) fail("text after the object");
    return header;
  }

 private:
  // Parses an object. Calls `read_value` with each key, at the beginning of its value.
  template <class F>
  void members(const F& read_value) {
    expect('{');
    if (accept('}')) return;
    do {
      std::string key = string();
      expect(':');
      read_value(std::move(key));
    } while (accept(','));
    expect('}');
  }

  SafetensorsEntry entry(std::string name) {
    SafetensorsEntry result;
    result.name = std::move(name);
    std::optional<std::string> dtype;
    std::optional<std::vector<std::size_t>> shape, offsets;
    members([&](const std::string& key) {
      if (key == "dtype" && !dtype)
        dtype = string();
      else if (key == "shape" && !shape)
        shape = numbers(max_rank, "axes");
      else if (key == "data_offsets" && !offsets)
        offsets = numbers(2, "offsets");
      else
        fail(fmt::format("unknown or repeated key {} of tensor {}", in_quotes(key), in_quotes(result.name)));
    });
    if (!dtype || !shape || !offsets)
      fail(fmt::format("tensor {} has no key '{}'", in_quotes(result.name),
                       !dtype   ? "dtype"
                       : !shape ? "shape"
                                : "data_offsets"));
    if (offsets->size() != 2) fail(fmt::format("tensor {}: expected two offsets", in_quotes(result.name)));
    result.dtype = *dtype;
    result.shape = Shape(*shape);
    result.begin = offsets->front();
    result.end = offsets->back();
    return result;
  }

  std::vector<std::size_t> numbers(std::size_t most, std::string_view of_what) {
    std::vector<std::size_t> result;
    expect('[');
    if (accept(']')) return result;
    do {
      if (result.size() == most) fail(fmt::format("more than {} {}", most, of_what));
      result.push_back(number("a whole number"));
    } while (accept(','));
    expect(']');
    return result;
  }

  std::string string() {
    expect('"');
    std::string result;
    while (true) {
      const std::size_t plain = std::min(rest_.find_first_of("\"\\"), rest_.size());
      result += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (rest_.empty()) fail("a text without its end");
      const char found = rest_.front();
      rest_.remove_prefix(1);
      if (found == '"') break;
      append_escape(result);
    }
    if (!is_utf8(result)) fail("a text that is not UTF-8");
    return result;
  }

  void append_escape(std::string& to) {
    if (rest_.empty()) fail("a text without its end");
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t which = letters.find(letter); which != std::string_view::npos)
      to += meanings[which];
    else if (letter == 'u')
      append_utf8(to, code_point());
    else
      fail("an unknown escape");
  }

  unsigned four_digits() {
    unsigned value = 0;
    const std::string_view digits = rest_.substr(0, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + 4) fail("expected four hexadecimal digits");
    rest_.remove_prefix(4);
    return value;
  }

  unsigned code_point() {
    const unsigned first = four_digits();
    if (first < 0xD800 || first > 0xDBFF) return first;
    // The first half of a surrogate pair. The UTF-8 check rejects a half that stands alone.
    if (!rest_.starts_with("\\u")) return first;
    rest_.remove_prefix(2);
    const unsigned second = four_digits();
    if (second < 0xDC00 || second > 0xDFFF) fail("half a surrogate pair");
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  }

  static void append_utf8(std::string& to, unsigned c) {
    const auto byte = [&](unsigned value) { to += static_cast<char>(value); };
    const auto continued = [&](unsigned shift) { byte(0x80 | (c >> shift & 0x3F)); };
    if (c < 0x80) return byte(c);
    if (c < 0x800) {
      byte(0xC0 | c >> 6);
    } else if (c < 0x10000) {
      byte(0xE0 | c >> 12);
      continued(6);
    } else {
      byte(0xF0 | c >> 18);
      continued(12);
      continued(6);
    }
    continued(0);
  }
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const ByteSource& source) {
  return Parser(text, source).parse();
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    if (length == 0 || text.size() < length) return false;
    for (std::size_t i = 1; i < length; ++i)
      if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return false;
    const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
      return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace wengert
