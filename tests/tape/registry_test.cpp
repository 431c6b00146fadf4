// The op registry: every op has examples, and all their derivatives are right.
#include "base/sanitizers.hpp"
#include "testing.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A sum over axis 0 whose `summed` tells Programs that it sums over axis 1.
struct WrongSummed {
  static constexpr std::string_view name = "wrong_summed";
  static constexpr std::string_view notation = "Σᵢ xᵢⱼ";
  static constexpr std::size_t arity = 1;
  Shape shape(const Shape& x) const { return {x[1]}; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    for (std::size_t j = 0; j < y.size(); ++j) {
      y.data[j] = 0;
      for (std::size_t i = 0; i < x.size() / y.size(); ++i) y.data[j] += x.data[i * y.size() + j];
    }
  }
  Summed summed(const Shape& x) const { return {x[0], x[1], 1}; }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    return broadcast_to(g, x.shape());
  }
  static std::vector<StructuralExample<WrongSummed>> examples() {
    return {{{}, {{3, 3}}, {}, {}, [](Var<double> x) { return 2 * x; }}};
  }
};
[[maybe_unused]] Var<double> wrong_summed(Var<double> x) { return record(WrongSummed{}, Location::current(), x); }

}  // namespace

TEST_CASE("what an op tells compiled Programs is checked with it") {
  const auto row = std::find_if(op_registry().begin(), op_registry().end(),
                                [](const OpRow& op) { return op.name == "wrong_summed"; });
  REQUIRE(row != op_registry().end());
  CHECK(gradcheck_op(*row, {.gradcheck = {}, .random = 0, .replay = false}));
  const OpReport report = gradcheck_op(*row, {.gradcheck = {}, .random = 0});
  CHECK(report.wrong() == 1);
  CHECK(contains(report.to_string(), "a compiled Program, fused, computes a different value from the tape"));
}

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
                           "subtract_scalar",
                           "scalar_subtract",
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

// Fewer under AddressSanitizer, where each application takes ten times as long.
constexpr std::size_t random_applications = WENGERT_ASAN ? 4 : OpCheckOptions{}.random;

TEST_CASE("every op in the registry is right on its examples and on random ones, orders 1 and 2, in double and float") {
  std::size_t checked = 0;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row)) continue;
    const OpReport report = gradcheck_op(row, {.random = random_applications});
    CHECK(report);
    CHECK((!row.differentiable || report.checked() > 0));
    checked += report.checked();
  }
  CHECK(checked > 3000);
}

TEST_CASE("an op without examples fails its check") {
  const OpRow unchecked{.name = "wrong_unchecked", .notation = "?", .convention = ""};
  const OpReport report = gradcheck_op(unchecked);
  CHECK(!report);
  CHECK(contains(report.to_string(), "it has no examples: nothing was checked"));
  CHECK(contains(message_of<ValueError>([&] { random_example(unchecked, 1); }), "op wrong_unchecked has no examples"));
}

TEST_CASE("random applications have no axes, are empty, of extent 1, broadcast, and lie strided") {
  std::map<std::string, std::size_t> seen;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row) || row.examples().empty()) continue;
    const std::string kind = row.table != nullptr ? "elementwise" : "structural";
    for (std::uint64_t k = 0; k < 100; ++k) {
      const OpExample example = random_example(row, k);
      const auto note = [&](const std::string& what) { ++seen[fmt::format("{}: {}", kind, what)]; };
      if (contains(example.label, "transposed views")) note("strided");
      for (const Shape& shape : example.shapes) {
        if (shape.rank() == 0) note("no axes");
        if (shape.elements() == 0) note("empty");
        if (std::find(shape.begin(), shape.end(), 1) != shape.end()) note("extent 1");
        if (shape != example.shapes.front()) note("broadcast");
      }
    }
  }
  for (const char* what : {"no axes", "empty", "extent 1", "broadcast", "strided"}) {
    CAPTURE(what);
    CHECK(seen[fmt::format("elementwise: {}", what)] > 100);
    CHECK(seen[fmt::format("structural: {}", what)] > 100);
  }
}

TEST_CASE("random applications meet every op with inputs of several shapes") {
  std::map<std::string, std::set<std::string>> met;  // by op
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row) || row.examples().empty()) continue;
    for (std::uint64_t number = 0; number < 25; ++number) {
      const OpExample example = random_example(row, number);
      Tape<double> tape;
      std::vector<Var<double>> x;
      for (Tensor<double>& input : random_inputs(example, number)) x.push_back(tape.variable(std::move(input)));
      std::string shapes;
      for (const Shape& shape : example.shapes) shapes += to_string(shape);
      met[std::string(row.name)].insert(shapes);
      const Var<double> y = example.apply(x);
      if (row.differentiable) grad<double>(wengert::seed(y, broadcast_to(tape.constant(1.0), y.shape())), x);
      for (std::size_t k = 0; k < tape.size(); ++k)
        if (tape.node(k).op != nullptr && !tape.node(k).op->guards)  // guards read scalars and have one shape only
          met[std::string(tape.node(k).op->name)].insert(to_string(tape.node(tape.inputs(k)[0]).layout->shape));
    }
  }
  for (const auto& [op, shapes] : met) {
    CAPTURE(op);
    CHECK(shapes.size() > 1);
  }
}

TEST_CASE("no right op is called wrong on thousands of random applications") {
  constexpr std::size_t wanted = WENGERT_ASAN ? 1'000 : 10'000;
  std::size_t applications = 0;
  std::size_t derivatives = 0;
  std::size_t undecided = 0;
  std::size_t wrong = 0;
  const auto differentiable = std::count_if(op_registry().begin(), op_registry().end(),
                                            [](const OpRow& row) { return row.differentiable && !of_a_test(row); });
  const std::size_t each = wanted / static_cast<std::size_t>(differentiable) + 1;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row)) continue;
    const OpReport report =
        gradcheck_op(row, {.gradcheck = {.mode = GradcheckMode::fast, .projections = 1}, .random = each, .seed = 1000});
    INFO(report);
    CHECK(report.wrong() == 0);
    wrong += report.wrong();
    undecided += report.failures().size() - report.wrong();
    applications += report.applications();
    derivatives += report.checked();
  }
  CHECK(applications > wanted);
  MESSAGE("false alarms: ", wrong, " of ", applications, " applications, ", undecided, " inconclusive; ", derivatives,
          " derivatives");
}
