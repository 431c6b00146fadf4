// Quotes text from files in messages.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert::io {

/// The text in quotes for a message: without control characters, and truncated if it is long.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::size_t length = std::min(text.size(), longest);
  const bool whole = length == text.size();
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };  // UTF-8
  while (!whole && length > 0 && continues(text[length])) --length;
  std::string shown(text.substr(0, length));
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  std::ranges::replace_if(shown, is_control, '?');
  return fmt::format("'{}{}'", shown, whole ? "" : "…");
}

}  // namespace wengert::io
