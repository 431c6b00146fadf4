// The only source that includes nlohmann-json: strings, literals, UTF-8 validation and the parser.
#include "io/json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

namespace wengert::io {
namespace {

using nlohmann::json;

std::string escaped(std::string_view text) {
  const std::string dumped = json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
  std::string result;
  for (const char c : dumped)
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  return result;
}

bool is_literal(std::string_view text) {
  constexpr std::size_t longest = 24;  // -1.7976931348623157e+308
  if (text == "true" || text == "false") return true;
  return text.size() <= longest && text.find_first_not_of("+-.0123456789Ee") == std::string_view::npos &&
         json::accept(text);
}

// The reason in the message of an exception: "[…] parse error at line 1, column 2: syntax error while parsing value -
// REASON; last read: '…'; expected …".
std::string reason_of(const json::exception& error) {
  constexpr int number_overflow = 406;
  if (error.id == number_overflow) return "a number that is too large";
  std::string_view reason = error.what();
  constexpr std::string_view dash = " - ";
  if (const std::size_t at = reason.find(dash); at != std::string_view::npos) reason.remove_prefix(at + dash.size());
  return std::string(reason.substr(0, reason.find("; last read: ")));
}

// Passes what the parser finds to a JsonReceiver.
class Events final : public json::json_sax_t {
 public:
  explicit Events(JsonReceiver& to) : to_(to) {}

  bool null() override { return other("null"); }
  bool boolean(bool value) override { return other(value ? "true" : "false"); }
  bool number_integer(json::number_integer_t value) override {  // a negative one, or -0
    return other(value == 0 ? "-0" : std::to_string(value));
  }
  bool number_unsigned(json::number_unsigned_t value) override { return to_.integer(value), true; }
  bool number_float(json::number_float_t, const std::string& text) override { return other(text); }
  bool string(std::string& text) override { return to_.string(std::move(text)), true; }
  bool binary(json::binary_t&) override { return false; }  // occurs only in binary formats
  bool start_object(std::size_t) override { return to_.begin_object(), true; }
  bool key(std::string& name) override { return to_.key(std::move(name)), true; }
  bool end_object() override { return to_.end_object(), true; }
  bool start_array(std::size_t) override { return to_.begin_array(), true; }
  bool end_array() override { return to_.end_array(), true; }
  bool parse_error(std::size_t characters_read, const std::string&, const json::exception& error) override {
    return to_.fault(reason_of(error), characters_read - 1), false;
  }

 private:
  bool other(std::string_view text) { return to_.other(text), true; }

  JsonReceiver& to_;
};

}  // namespace

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(json(std::string(text)).dump());
    return true;
  } catch (const json::type_error&) {
    return false;
  }
}

JsonWriter& JsonWriter::key(std::string_view name) {
  string(name);
  text_ += layout_ == Layout::lines ? ": " : ":";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) { return value_text(escaped(text)); }

JsonWriter& JsonWriter::number(double value) {
  return value_text(std::isfinite(value) ? fmt::format("{:.6g}", value) : "null");
}

JsonWriter& JsonWriter::literal_or_string(std::string_view text) {
  return is_literal(text) ? value_text(text) : string(text);
}

JsonWriter& JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  --depth_;
  if (!first_) new_line();
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::value_text(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

void JsonWriter::separate() {
  if (!after_key_ && depth_ > 0) {
    if (!first_) text_ += ',';
    new_line();
  }
  first_ = false;
  after_key_ = false;
}

void JsonWriter::new_line() {
  if (layout_ == Layout::lines) text_.append(1, '\n').append(2 * depth_, ' ');
}

void parse_json(std::string_view text, JsonReceiver& receiver) {
  // nlohmann-json skips a byte order mark, and takes a zero byte for the end.
  if (text.starts_with("\xEF\xBB\xBF")) return receiver.fault("a byte order mark", 0);
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    return receiver.fault("a zero byte", zero);
  Events events(receiver);
  json::sax_parse(text, &events);
}

}  // namespace wengert::io
