// Holds the code that a page of documentation shows against the file that compiles it.
#pragma once

#include <fstream>
#include <string>

#include <doctest/doctest.h>

namespace wengert::testing {

/// The lines of a file of the project, without their indentation.
inline std::string unindented(const std::string& path) {
  std::ifstream file(PROJECT_SOURCE_DIR "/" + path);
  REQUIRE_MESSAGE(file, path);
  std::string text, line;
  while (std::getline(file, line)) {
    const std::size_t begin = line.find_first_not_of(' ');
    text += (begin == std::string::npos ? "" : line.substr(begin)) + "\n";
  }
  return text;
}

/// Checks that each block of C++ of a page stands in one of some source files, but for the indentation; returns how many
/// there are.
template <class... Path>
std::size_t check_snippets(const std::string& page, const Path&... sources) {
  const std::string compiled = (unindented(sources) + ...), text = unindented(page);
  std::size_t blocks = 0;
  for (std::size_t at = text.find("```cpp\n"); at != std::string::npos; at = text.find("```cpp\n", at)) {
    at += 7;
    const std::string block = text.substr(at, text.find("```", at) - at);
    CAPTURE(block);
    CHECK(compiled.find(block) != std::string::npos);
    ++blocks;
  }
  return blocks;
}

}  // namespace wengert::testing
