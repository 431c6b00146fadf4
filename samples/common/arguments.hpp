// The command line of samples 07 to 16: [--brief] and, where a sample takes one, the name of a file.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace sample {

/// Whether --brief is asked for. Sets `file`, if the sample takes one, to the name that is given. Ends the program with
/// a line of usage for anything else.
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
      fmt::print(help ? stdout : stderr, "usage: {} [--brief]{}  (--brief: a small run, of seconds)\n", arguments[0],
                 file != nullptr ? " [FILE]" : "");
      std::exit(help ? 0 : 2);
    }
  }
  return asked;
}

}  // namespace sample
