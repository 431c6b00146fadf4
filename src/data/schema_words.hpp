// The names of a schema's rules, as they are printed and saved.
#pragma once

#include <wengert/data/schema.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace wengert::data {

/// The values of each enumeration by their names, in order.
///@{
inline constexpr std::array<std::string_view, 6> kind_words{"numeric", "integer", "category",
                                                            "label",   "target",  "ignored"};
inline constexpr std::array<std::string_view, 6> missing_words{"error",         "mean",     "median",
                                                               "most_frequent", "category", "drop"};
inline constexpr std::array<std::string_view, 2> encoding_words{"one_hot", "index"};
inline constexpr std::array<std::string_view, 3> unknown_words{"error", "ignore", "other"};
///@}

/// The name of a value.
///@{
inline std::string_view word(ColumnKind kind) { return kind_words[static_cast<std::size_t>(kind)]; }
inline std::string_view word(Missing missing) { return missing_words[static_cast<std::size_t>(missing)]; }
inline std::string_view word(Encoding encoding) { return encoding_words[static_cast<std::size_t>(encoding)]; }
inline std::string_view word(Unknown unknown) { return unknown_words[static_cast<std::size_t>(unknown)]; }
///@}

/// The value of this name.
template <class Value, class Words>
std::optional<Value> value_of(const Words& words, std::string_view name) {
  const auto found = std::ranges::find(words, name);
  if (found == words.end()) return std::nullopt;
  return static_cast<Value>(found - words.begin());
}

inline bool is_number(ColumnKind kind) { return kind == ColumnKind::numeric || kind == ColumnKind::integer; }

}  // namespace wengert::data
