// Quotes text from files in messages.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert::io {

/// The text in quotes for a message: without control characters, and truncated if it has more than `longest` bytes.
inline std::string in_quotes_up_to(std::size_t longest, std::string_view text) {
  std::size_t length = std::min(text.size(), longest);
  const bool whole = length == text.size();
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };  // UTF-8
  while (!whole && length > 0 && continues(text[length])) --length;
  std::string shown(text.substr(0, length));
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  std::ranges::replace_if(shown, is_control, '?');
  return fmt::format("'{}{}'", shown, whole ? "" : "…");
}

/// The same with at most 40 bytes of the text.
inline std::string in_quotes(std::string_view text) { return in_quotes_up_to(40, text); }

}  // namespace wengert::io
