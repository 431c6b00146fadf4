// Every op of the registry is checked: no op is in it without an example, and every example's derivatives are right.
#include "testing.hpp"

#include <set>
#include <string>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("the registry holds every op once, with a notation and examples") {
  std::set<std::string_view> names;
  for (const OpRow& row : op_registry()) {
    CAPTURE(std::string(row.name));
    CHECK(names.insert(row.name).second);
    CHECK(!row.name.empty());
    CHECK((!row.differentiable || !row.examples().empty()));
  }
  for (const char* name : {"add",
                           "subtract",
                           "multiply",
                           "divide",
                           "negate",
                           "add_scalar",
                           "multiply_scalar",
                           "divide_scalar",
                           "scalar_divide",
                           "exp",
                           "log",
                           "sqrt",
                           "square",
                           "pow",
                           "tanh",
                           "sigmoid",
                           "relu",
                           "matmul",
                           "transpose",
                           "reshape",
                           "broadcast_to",
                           "sum",
                           "amax",
                           "softmax",
                           "log_softmax",
                           "binary_cross_entropy",
                           "binary_cross_entropy_with_logits"}) {
    CAPTURE(std::string(name));
    CHECK(names.contains(name));
  }
}

// Ops that other tests define to be wrong, or without a derivative.
static bool of_a_test(const OpRow& row) {
  return row.name.starts_with("wrong_") || row.name == "not_a_number" || row.name == "flawed_slope" ||
         row.name == "constant_formula";
}

TEST_CASE("gradcheck of every op in the registry, orders 1 and 2") {
  std::size_t checked = 0;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row)) continue;
    unsigned seed = 0;
    for (const OpExample& example : row.examples()) {
      std::vector<Tensor<double>> inputs;
      for (std::size_t i = 0; i < example.shapes.size(); ++i)
        inputs.push_back(random_tensor(example.shapes[i], ++seed, example.domains[i].low, example.domains[i].high));
      const auto report =
          gradcheck_inputs(example.apply, inputs, GradcheckOptions{.vacuous_passes = !row.differentiable});
      INFO(example.label, " on ", to_string(example.shapes[0]), "\n", report.to_string());
      CHECK(report.ok());
      checked += report.checked();
    }
  }
  CHECK(checked > 3000);
}
