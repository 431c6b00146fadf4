// Prints the op reference, from the registry and the error bounds: see tests/update_op_reference.sh. A test holds
// docs/ops.md against it. Argument: error_bounds.csv.
#include "oracle/error_bounds.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace {

using wengert::testing::ErrorBound;

// In a table a bar would end the cell.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

std::string errors(const ErrorBound& bound) {
  if (bound.worst[0] < 0) return "";
  if (bound.worst[0] == 0) return "exact";
  std::string text;
  for (const double error : bound.worst)
    text += (text.empty() ? "" : " · ") + (error < 0 ? std::string("–") : fmt::format("{:.0e}", error));
  return bound.of == ErrorBound::Of::own ? text : "(" + text + ")";
}

// Random numbers: their notation says what is drawn.
bool is_draw(const wengert::OpRow& row) { return row.notation.find("drawn") != std::string_view::npos; }

}  // namespace

int main(int, char** arguments) {
  const auto bounds = wengert::testing::ErrorBounds::read(arguments[1]);
  std::vector<wengert::OpRow> rows = wengert::op_registry();
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  fmt::print(
      "# The ops of Wengert\n\n"
      "Made by `bash tests/update_op_reference.sh`; do not edit. The headers under `include/wengert/ops/` document "
      "the\n"
      "functions.\n\n"
      "- *Orders* says how often the derivative is verified: each op on its own examples and on random shapes and\n"
      "  values, by extrapolated differences, in double, and in float against double. Ops without a derivative have\n"
      "  order 0.\n"
      "- *Error* is the largest difference from PyTorch's figures (or a closed form's) in double: of values, first "
      "and\n"
      "  second gradients, relative to the largest entry, rounded up to a power of ten and at least 1e-15; – where "
      "there\n"
      "  is no figure. In brackets: measured on functions that the op is part of, or of whose gradients. Whole "
      "numbers\n"
      "  are exact. A draw has no figure, as no other generator draws the same numbers: tests hold the generator "
      "against\n"
      "  its published answers, and the draws against their distributions.\n\n"
      "| op | formula | orders | error | conventions |\n|---|---|---|---|---|\n");
  for (const auto& row : rows) {
    const auto found = bounds.find(std::string(row.name));
    fmt::print("| {} | {} | {} | {} | {} |\n", row.name, cell(row.notation), row.differentiable ? "1, 2" : "0",
               found != bounds.end() ? errors(found->second)
               : is_draw(row)        ? "a draw"
                                     : "",
               cell(row.convention));
  }
  fmt::print("\n{} ops\n\n", rows.size());
  fmt::print(
      "## Derivatives over the whole range\n\n"
      "First and second derivatives of the elementwise functions of one number are held against mpmath over all\n"
      "exponents (`tests/oracle/derivatives.py`): an error is at most 1e-13 in double and 1e-5 in float, relative to\n"
      "max(|f′|, ε max|f′|), at the points of that script, which are finite and not 0. Exceptions:\n\n"
      "- `sigmoid`, `tanh`: made of the result y, as y (1 − y) and 1 − y², they are exact to 16 ε max|f′|, and 0 where y\n"
      "  is rounded to ±1. So no operand need be kept. `softplus`, `silu` and the like have their digits everywhere.\n"
      "- `hypot`: the second derivative by the larger operand is 1/h − a²/h³, which cancels.\n"
      "- `atan2`: the second derivatives near |a| = |b|, where they change sign, are exact to ε/h² only.\n"
      "- `lgamma`, `digamma`, `polygamma`: near their zeros to ε of the terms that cancel there. Not in the sweep.\n"
      "- `norm` with p other than 2, `var` and `stddev`: powers overflow before the result does.\n");
}
