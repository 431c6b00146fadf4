// Helpers for tests that errors name the caller's line.
#pragma once

#include "train/line.hpp"

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace wengert::testing {

/// Calls that must fail, with their names.
using Mistakes = std::vector<std::pair<std::string, std::function<void()>>>;

/// Returns the flaw of a failing call, or an empty string. The call must throw an Error that names a line of `file` and
/// no other source.
inline std::string flaw_of(const std::function<void()>& call, const std::string& file) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool is_named = contains(message, file + ":") && message.find("pp:") == message.rfind("pp:");
    return is_named ? "" : message;
  } catch (const std::exception& error) {
    return std::string("not a wengert::Error: ") + error.what();
  }
  return "it does not fail";
}
inline void check_lines(const Mistakes& mistakes, const std::string& file = "lines_test.cpp") {
  for (const auto& [name, call] : mistakes) {
    CAPTURE(name);
    CHECK(flaw_of(call, file) == "");
  }
}

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace wengert::testing
