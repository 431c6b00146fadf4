// Texts in JSON.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert {

/// A text as JSON writes it, in quotes. `<` is escaped too, so that it can stand in a script element of HTML.
inline std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < ' ' || c == '<')
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result + '"';
}

}  // namespace wengert
