// Writes and parses JSON with nlohmann-json, whose header only json.cpp includes because it takes seconds to compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wengert::io {

/// Whether a text is UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// Writes a JSON text value by value; the caller ensures that keys, values and ends are in a valid order.
///
/// Strings escape `<`, so that the text can be used in an HTML script element, and replace bytes that are not UTF-8 by
/// U+FFFD. nlohmann-json would print numbers in a form of its own (`1.0` for 1, `1000.0` for 10E+2).
class JsonWriter {
 public:
  /// Everything on one line without spaces, or one value per line, indented by two spaces per level.
  enum class Layout : bool { compact, lines };

  explicit JsonWriter(Layout layout = Layout::compact) : layout_(layout) {}

  JsonWriter& begin_object() { return begin('{'); }
  JsonWriter& end_object() { return end('}'); }
  JsonWriter& begin_array() { return begin('['); }
  JsonWriter& end_array() { return end(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& boolean(bool value) { return value_text(value ? "true" : "false"); }
  JsonWriter& integer(std::uint64_t value) { return value_text(std::to_string(value)); }
  /// Writes six significant digits; null if the value is not finite.
  JsonWriter& number(double value);
  /// Writes `true`, `false` and numbers of at most 24 characters as they are, any other text as a string.
  JsonWriter& literal_or_string(std::string_view text);

  /// What has been written.
  const std::string& text() const { return text_; }

 private:
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  JsonWriter& value_text(std::string_view json);
  // Writes the separator between the text so far and the next key or value.
  void separate();
  void new_line();

  Layout layout_;
  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true;  // in the innermost object or array
  bool after_key_ = false;
};

/// Receives the parts of a JSON text in their order. A function may throw, which ends the parsing.
class JsonReceiver {
 public:
  virtual ~JsonReceiver() = default;
  virtual void begin_object() = 0;
  virtual void key(std::string name) = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  virtual void string(std::string text) = 0;
  virtual void integer(std::uint64_t value) = 0;
  /// null, true, false, or the text of a number that is negative, beyond 64 bits or has a fraction or an exponent.
  virtual void other(std::string_view text) = 0;
  /// The text is not JSON; `position` counts the characters before the fault. Nothing follows.
  virtual void fault(std::string_view reason, std::size_t position) = 0;
};

/// Parses one value and passes its parts to `receiver`. Keeps only the string being read, and one bit per level of
/// nesting: all limits (depth, counts, repeated keys) are the receiver's.
void parse_json(std::string_view text, JsonReceiver& receiver);

}  // namespace wengert::io
