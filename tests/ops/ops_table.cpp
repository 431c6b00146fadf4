// Prints the op reference from the registry and the measured error bounds.
// tests/ops/update_op_reference.sh writes docs/ops.md with it, and a test compares the page with its output. Argument:
// the folder of error_bounds.csv and derivative_bounds.csv.
#include "oracle/derivative_bounds.hpp"
#include "oracle/error_bounds.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace {

using wengert::testing::ErrorBound;

// Escapes bars, which would end a cell of a table.
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

// Returns whether an op draws random numbers, according to its notation.
bool is_draw(const wengert::OpRow& row) { return row.notation.find("drawn") != std::string_view::npos; }

void print_derivatives(const std::string& file) {
  fmt::print(
      "## Derivatives over the whole range\n\n"
      "First and second partial derivatives of the elementwise ops are held against mpmath over all exponents and at\n"
      "±0, ±∞ and NaN (`tests/oracle/derivatives.py`), gradients of reductions and products with their Hessians over\n"
      "all exponents (`tests/oracle/reduction_derivatives.py`). An error is at most 1e-13 in double and 1e-5 in "
      "float,\n"
      "relative to max(|f′|, ε max|f′|). At ±∞ and ±0 a derivative is its limit; at NaN it is NaN, unless it is the\n"
      "same everywhere. Exceptions:\n\n"
      "- `sigmoid`, `tanh`: made of the result y, as y (1 − y) and 1 − y², they are exact to 16 ε max|f′|, and 0 where "
      "y\n"
      "  is rounded to ±1. So no operand need be kept. `softplus`, `silu` and the like have their digits everywhere.\n"
      "- `softmax`, `log_softmax`, `logsumexp`, `logcumsumexp`: sums of terms that cancel, exact to 32 ε of the "
      "largest\n"
      "  derivative of all.\n"
      "- `hypot` and `norm`: the second derivative by an operand that is almost as large as the result h is\n"
      "  1/h − a²/h³, which cancels; exact relative to the largest second derivative at the point. The digits would "
      "cost\n"
      "  a second root in each gradient. At (0, 0) and at two infinities there is no limit: `hypot` gives 0, and ±1.\n"
      "- `pow`: derivatives are made of the power and lost where that overflows or vanishes, and where the base's "
      "second\n"
      "  derivative overflows before it is multiplied by an exponent of less than 1e-9; NaN at infinite exponents. For "
      "a\n"
      "  base below 0 the derivative by the exponent is NaN.\n"
      "- `lgamma`, `digamma`, `polygamma`, `kl_div` and `poisson_nll_loss`: near a zero of the derivative to ε of the\n"
      "  terms that cancel there.\n"
      "- `prod`: lost where a product of some elements overflows or vanishes; `mean` where the sum overflows.\n"
      "- `norm` of infinite elements: NaN for p other than 1, 2 and ∞.\n"
      "- At −0, functions defined from 0 on (`log`, `sqrt`, …) have the limit's size with the other sign.\n"
      "- Kinks and ties: see the table above. `log(relu(x))` inside one formula is NaN where x < 0, as 0 · ∞; as two "
      "ops\n"
      "  it is 0.\n\n"
      "The worst errors of orders 1 and 2, rounded up to a power of ten. They are relative to max(|f′|, ε max|f′|), to "
      "the\n"
      "largest derivative of that order at the point, or to the largest at any point:\n\n"
      "| op | double | float | relative to |\n|---|---|---|---|\n");
  for (const auto& [name, bound] : wengert::testing::DerivativeBounds::read(file))
    fmt::print("| {} | {:.0e} · {:.0e} | {:.0e} · {:.0e} | {} |\n", name, bound.worst[0], bound.worst[1],
               bound.worst[2], bound.worst[3], wengert::testing::error_scales[static_cast<std::size_t>(bound.scale)]);
}

}  // namespace

int main(int, char** arguments) {
  const std::string folder = arguments[1];
  const auto bounds = wengert::testing::ErrorBounds::read(folder + "/error_bounds.csv");
  std::vector<wengert::OpRow> rows = wengert::op_registry();
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  fmt::print(
      "# The ops of Wengert\n\n"
      "Made by `bash tests/ops/update_op_reference.sh`; do not edit. The headers under `include/wengert/ops/` document "
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
  print_derivatives(folder + "/derivative_bounds.csv");
}
