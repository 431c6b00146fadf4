// Patterns of names, renaming rules, and the rules and names that messages suggest.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/io/parameters.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::io {

/// The number of `*` in a pattern.
std::size_t wildcards(std::string_view pattern);

/// Whether a pattern matches a name.
bool matches(std::string_view pattern, std::string_view name);

/// The new name of what a rule matches. Both sides of the rule must have the same number of `*`.
std::optional<std::string> renamed(const Rename& rule, std::string_view name);

/// The names that a pattern matches but for the fewest changed characters, at most three, best first.
std::vector<std::string> nearest(std::string_view pattern, const std::vector<std::string>& names);

/// A name and the shape of its tensor.
struct NamedShape {
  std::string name;
  Shape shape;
};

/// Rules, at most three, that give unexpected entries the names of missing parameters of the same shapes; most entries
/// first. They rename none of the entries `kept`.
std::vector<Rename> suggested_rules(std::vector<NamedShape> unexpected, std::vector<NamedShape> missing,
                                    std::vector<std::string> kept);

}  // namespace wengert::io
