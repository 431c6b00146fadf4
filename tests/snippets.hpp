// Code shown in documents: compiled in a test, and held against the documents' text.
#pragma once

#include "testing.hpp"

#include <fstream>
#include <string>
#include <vector>

namespace wengert::testing {

/// The blocks of C++ in a document, without indentation. Paths are relative to the project's folder.
class Snippets {
 public:
  explicit Snippets(const std::string& document) {
    const std::string text = read(document);
    for (std::size_t at = text.find("```cpp\n"); at != std::string::npos; at = text.find("```cpp\n", at)) {
      at += 7;
      blocks_.push_back(text.substr(at, text.find("```", at) - at));
    }
  }

  std::size_t count() const { return blocks_.size(); }
  /// The first block that does not stand in a source; empty if all do.
  std::string missing_in(const std::string& source) const {
    const std::string text = read(source);
    for (const std::string& block : blocks_)
      if (!contains(text, block)) return block;
    return {};
  }

 private:
  static std::string read(const std::string& path) {
    std::ifstream file(std::string(PROJECT_SOURCE_DIR "/") + path);
    REQUIRE(file);
    std::string text, line;
    while (std::getline(file, line)) {
      const std::size_t begin = line.find_first_not_of(' ');
      text += (begin == std::string::npos ? "" : line.substr(begin)) + "\n";
    }
    return text;
  }

  std::vector<std::string> blocks_;
};

}  // namespace wengert::testing
