// Assignment of parameters to path patterns, such as those of groups.
#pragma once

#include "optim/untracked_parameters.hpp"
#include <wengert/reflect/parameters.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace wengert::optim {

/// Whether a path is a pattern's, or below it; `*.` stands for any beginning.
inline bool matches(const std::string& pattern, const std::string& path) {
  if (pattern.starts_with("*.")) return path == pattern.substr(2) || path.ends_with(pattern.substr(1));
  return wengert::detail::is_below(path, pattern);
}

/// For each parameter, the index of the first pattern that matches one of its paths, or the number of patterns. Throws
/// ValueError if a pattern, called `kind` in messages, has no parameter.
template <class T>
std::vector<std::size_t> assigned(std::string_view kind, const std::vector<std::string>& patterns,
                                  const std::vector<NamedParameter<T>>& parameters,
                                  const std::vector<NamedParameter<T>>& paths, const Location& where) {
  const auto first_of = [&](const Parameter<T>& parameter) {
    const auto has = [&](const std::string& pattern) {
      return std::any_of(paths.begin(), paths.end(), [&](const NamedParameter<T>& path) {
        return path.parameter == parameter && matches(pattern, path.name);
      });
    };
    return static_cast<std::size_t>(std::find_if(patterns.begin(), patterns.end(), has) - patterns.begin());
  };
  std::vector<std::size_t> result;
  for (const NamedParameter<T>& named : parameters) result.push_back(first_of(named.parameter));
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (std::find(result.begin(), result.end(), i) != result.end()) continue;
    const auto path =
        std::find_if(paths.begin(), paths.end(), [&](const auto& named) { return matches(patterns[i], named.name); });
    if (path == paths.end())
      throw ValueError(
          "Optimizer",
          fmt::format("{} '{}' matches no parameter: the parameters are {}", kind, patterns[i], listed(paths)), where);
    throw ValueError("Optimizer",
                     fmt::format("{0} '{1}' has no parameters left: '{2}' belongs to the earlier {0} '{3}'; put the "
                                 "narrower {0} first",
                                 kind, patterns[i], path->name, patterns[first_of(path->parameter)]),
                     where);
  }
  return result;
}

}  // namespace wengert::optim
