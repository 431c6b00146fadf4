// Command-line arguments of samples 07, 09 to 16 and 19 to 21: [--brief] and, for some samples, a file name.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace sample {

/// Returns whether --brief is given. Sets `file`, unless it is null, to the file name if one is given. Prints a usage
/// line and exits on any other argument.
inline bool brief(int count, char** arguments, std::string* file = nullptr) {
  bool asked = false, named = false;
  for (const std::string_view argument : std::span(arguments, static_cast<std::size_t>(count)).subspan(1)) {
    if (argument == "--brief") {
      asked = true;
    } else if (file != nullptr && !named && !argument.starts_with('-')) {
      *file = argument;
      named = true;
    } else {
      const bool help = argument == "--help";
      fmt::print(help ? stdout : stderr, "usage: {} [--brief]{}  (--brief: a short run of a few seconds)\n",
                 arguments[0], file != nullptr ? " [FILE]" : "");
      std::exit(help ? 0 : 2);
    }
  }
  return asked;
}

}  // namespace sample
