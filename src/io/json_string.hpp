// Strings in JSON.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert {

/// A text as a JSON string, in quotes. `<` is escaped too, so that it can be used in an HTML script element.
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
