// Checks that the C++ blocks of a documentation page occur in compiled test sources.
#pragma once

#include <fstream>
#include <string>

#include <doctest/doctest.h>

namespace wengert::testing {

/// Returns the text of a file of the project without the indentation of its lines.
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

/// Checks that each C++ block of a page occurs in one of the source files, apart from indentation; returns the number
/// of blocks.
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
