// Formats lists for messages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include <fmt/format.h>

namespace wengert {

/// The first few items of a list, each formatted by `text`: `a, b, c and 4 more`.
template <class Range, class Text>
std::string first_few(const Range& items, const Text& text) {
  constexpr std::size_t most = 8;
  std::string result;
  for (std::size_t i = 0; i < std::min(most, items.size()); ++i) result += (i > 0 ? ", " : "") + text(items[i]);
  return items.size() > most ? fmt::format("{} and {} more", result, items.size() - most) : result;
}

}  // namespace wengert
