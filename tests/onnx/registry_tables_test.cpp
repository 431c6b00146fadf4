// The lists of ops of docs/onnx.md are those of the importer and the exporter.
#include "registry_tables.hpp"

#include "../testing.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

using namespace wengert::testing;

// With WENGERT_ONNX_PAGE, the page with the right lists is also written to this file: update_page.sh does so.
TEST_CASE("the page about ONNX lists the imported ops, and what exported ops become") {
  std::ifstream file(PROJECT_SOURCE_DIR "/docs/onnx.md", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string right = with_op_tables(page);
  if (const char* const path = std::getenv("WENGERT_ONNX_PAGE")) std::ofstream(path, std::ios::binary) << right;
  const auto differs = std::mismatch(page.begin(), page.end(), right.begin(), right.end());
  const auto line = std::count(page.begin(), differs.first, '\n') + 1;
  CHECK_MESSAGE(page == right,
                fmt::format("docs/onnx.md is not up to date from line {} on: bash tests/onnx/update_page.sh", line));
}
