// Prints the op reference from the registry: `ops_table > docs/ops.md`. A test holds docs/ops.md against it.
#include <wengert/wengert.hpp>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace {

// In a table a bar would end the cell.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

}  // namespace

int main() {
  std::vector<wengert::OpRow> rows = wengert::op_registry();
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  fmt::print(
      "# The ops of Wengert\n\n"
      "Made from the registry by `tests/ops_table.cpp`; do not edit. The headers under `include/wengert/ops/` document "
      "the\n"
      "functions. *Checked* says how often the derivative is verified: each op on its own examples and on random ones, "
      "by\n"
      "extrapolated differences, first and second order; `zero` stands for ops without a derivative.\n\n"
      "| op | formula | checked | conventions |\n|---|---|---|---|\n");
  for (const auto& row : rows)
    fmt::print("| {} | {} | {} | {} |\n", row.name, cell(row.notation), row.differentiable ? "orders 1 and 2" : "zero",
               cell(row.convention));
  fmt::print("\n{} ops\n", rows.size());
}
