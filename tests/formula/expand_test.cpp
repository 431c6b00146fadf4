// Elementwise ops and their pullbacks expanded into ops without a formula: the values, and the ops that are left.
#include "formula/expand.hpp"

#include "testing.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// All elementwise ops without a formula.
constexpr std::string_view primitives =
    " add subtract negate multiply divide add_scalar subtract_scalar scalar_subtract multiply_scalar divide_scalar"
    " scalar_divide less less_equal greater greater_equal equal not_equal where acos acosh asin asinh atan atan2 atanh"
    " cbrt ceil cos cosh erf erfc exp exp2 expm1 floor fmod gelu gelu_slope hypot lgamma log log10 log1p log2 pow round"
    " sigmoid sigmoid_slope sin sinh softplus_slope sqrt tan tanh tanh_slope tanh_with_operand trunc ";

bool is_primitive(std::string_view op) { return primitives.find(fmt::format(" {} ", op)) != std::string_view::npos; }

using Vars = std::vector<Var<double>>;

Var<double> expanded(const Op<double>& op, const Vars& inputs, std::span<const double> parameters);

// Returns a node recorded by `expand` with the nodes that it was computed from expanded too; `done` holds the results.
Var<double> with_expanded_inputs(Tape<double>& tape, std::uint32_t node, std::map<std::uint32_t, Var<double>>& done) {
  if (const auto found = done.find(node); found != done.end()) return found->second;
  const Op<double>* op = tape.node(node).op;
  Var<double> result = tape.at(node);
  if (op != nullptr) {
    Vars inputs;
    const auto edges = tape.inputs(node);
    const std::vector<std::uint32_t> nodes(edges.begin(), edges.end());
    for (const std::uint32_t input : nodes) inputs.push_back(with_expanded_inputs(tape, input, done));
    const void* attributes = tape.node(node).attributes;
    if (op->kernels[0] != nullptr && op->formula != nullptr) {
      const auto* parameters = static_cast<const double*>(attributes);
      result = expanded(*op, inputs, std::vector<double>(parameters, parameters + op->parameters));
    } else {
      CAPTURE(op->name);
      CHECK((op->kernels[0] != nullptr ? is_primitive(op->name)
                                       : op->name == "broadcast_to" || op->name == "contiguous"));
      result = tape.record(*op, attributes, op->attribute_size(attributes), inputs, Location::current());
    }
  }
  return done[node] = result;
}

// The op as primitives only.
Var<double> expanded(const Op<double>& op, const Vars& inputs, std::span<const double> parameters) {
  const Var<double> y = detail::expand<double>(op, inputs, parameters);
  std::map<std::uint32_t, Var<double>> done;
  for (const Var<double>& input : inputs) done[input.index()] = input;
  return with_expanded_inputs(inputs[0].tape(), y.index(), done);
}

// Returns the largest difference relative to the larger of |b| and 1; equal infinities and two NaNs do not differ.
double difference(const Tensor<double>& a, const Tensor<double>& b) {
  if (a.shape() != b.shape()) return infinity;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a.data()[i], y = b.data()[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    worst = larger_error(worst, std::abs(x - y) / std::max(std::abs(y), 1.0));
  }
  return worst;
}

// Checks an elementwise node against its expansion.
void check_node(Tape<double>& tape, std::size_t node) {
  const Op<double>& op = *tape.node(node).op;
  CAPTURE(op.name);
  if (op.formula == nullptr) {
    CHECK(is_primitive(op.name));
    return;
  }
  CHECK_FALSE(is_primitive(op.name));
  Vars inputs;
  for (const std::uint32_t input : tape.inputs(node)) inputs.push_back(tape.at(input));
  const auto* parameters = static_cast<const double*>(tape.node(node).attributes);
  const std::vector<double> values(parameters, parameters + op.parameters);
  const Tensor<double> expected = tape.at(node).value();
  CHECK(difference(expanded(op, inputs, values).value(), expected) < 1e-12);
}

// Checks all elementwise nodes of a function of inputs in the domain and of its first two gradients. Returns the number
// of pullbacks among them.
std::size_t check_nodes(const OpExample& example) {
  Tape<double> tape;
  Vars inputs;
  for (std::size_t i = 0; i < example.shapes.size(); ++i)
    inputs.push_back(tape.variable(random_tensor(example.shapes[i], static_cast<unsigned>(7 + i),
                                                 example.domains[i].low, example.domains[i].high)));
  const Var<double> y = example.apply(inputs);
  const auto cotangent = tape.variable(random_tensor(y.shape(), 5));
  const auto first = grad<double>(seed(y, cotangent), inputs);
  for (const Var<double>& g : first) grad<double>(seed(g, tape.variable(random_tensor(g.shape(), 6))), inputs);
  std::size_t pullbacks = 0;
  for (std::size_t node = 0, recorded = tape.size(); node < recorded; ++node) {
    const Op<double>* op = tape.node(node).op;
    if (op == nullptr || op->kernels[0] == nullptr || tape.node(node).released) continue;
    const auto edges = tape.inputs(node);
    if (std::ranges::any_of(edges, [&](std::uint32_t input) { return tape.node(input).released; })) continue;
    check_node(tape, node);
    if (op->name.ends_with(".vjp")) ++pullbacks;
  }
  return pullbacks;
}

inline constexpr auto expanded_swish = elementwise<"expanded_swish">([](auto x) { return x / (1 + exp(-x)); });
inline constexpr auto expanded_composed = elementwise<"expanded_composed", params<1>>([](auto x, auto y, auto slope) {
  return where(x > 0 && !(y >= 0.5), expanded_swish(x) * y, slope * maximum(x, y)) + pow(abs(x) + 1, slope);
});
inline constexpr auto expanded_first = elementwise<"expanded_first">([](auto a, auto) { return a * a; });

}  // namespace

TEST_CASE("every elementwise op and its gradients equal their expansions into primitives") {
  std::size_t ops = 0, pullbacks = 0;
  for (const OpRow& row : op_registry()) {
    if (row.table == nullptr) continue;
    CAPTURE(row.name);
    ++ops;
    const std::size_t count = row.table->parameters;
    const std::size_t sets = count == 0 ? 1 : row.parameters.size() / count;
    for (std::size_t set = 0; set < sets; ++set) {
      const auto parameters = row.parameters.subspan(set * count, count);
      pullbacks +=
          check_nodes(row.example(std::vector<Shape>(row.arity, Shape{3, 5}), {parameters.begin(), parameters.end()}));
    }
    if (row.arity > 1) check_nodes(row.examples()[3]);  // with an input that is broadcast
  }
  CHECK(ops > 80);
  CHECK(pullbacks > 80);
}

TEST_CASE("an expansion in float equals the op") {
  Tape<float> tape;
  const auto x = tape.variable(random_tensor<float>({50}, 1, -3, 3));
  const auto y = silu(x);
  const auto expansion = detail::expand<float>(*tape.node(y.index()).op, std::vector<Var<float>>{x}, {});
  CHECK(expansion.index() != y.index());
  CHECK(distance(expansion.value(), y.value()) < 1e-6);
}

TEST_CASE("a user's formula expands into the ops that it calls") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{-1, 0.25, 2});
  const auto y = expanded_swish(x);
  const Op<double>& op = *tape.node(y.index()).op;
  const std::size_t before = tape.size();
  const auto expansion = detail::expand<double>(op, Vars{x}, {});
  std::vector<std::string> names;
  for (std::size_t node = before; node < tape.size(); ++node) names.emplace_back(tape.node(node).op->name);
  CHECK(names == std::vector<std::string>{"negate", "exp", "add_scalar", "divide"});
  CHECK(difference(expansion.value(), y.value()) < 1e-14);
}

TEST_CASE("formulas of other formulas, with branches and parameters, and their gradients expand") {
  const OpExample example{"expanded_composed", {{4, 6}, {6}}, {{-2, 2}, {-2, 2}}, [](std::span<const Var<double>> x) {
                            return expanded_composed(x[0], x[1], 1.5);
                          }};
  CHECK(check_nodes(example) >= 2);
}

TEST_CASE("an expansion has the op's shape even if the formula does not use all inputs") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({2, 1}, 1)), b = tape.variable(random_tensor({3}, 2));
  const auto y = expanded_first(a, b);
  const auto expansion = detail::expand<double>(*tape.node(y.index()).op, Vars{a, b}, {});
  CHECK(expansion.shape() == Shape{2, 3});
  CHECK(expansion.value() == y.value());

  const Op<double>* pullback = nullptr;  // of b, whose gradient is the constant 0
  const auto [db] = grad(sum(y), b);
  CHECK(db.value() == 0 * b.value());
  for (std::size_t node = y.index(); node < tape.size(); ++node)
    if (const Op<double>* op = tape.node(node).op; op != nullptr && op->name == "expanded_first.vjp") pullback = op;
  REQUIRE(pullback != nullptr);
  const auto g = tape.variable(random_tensor({2, 3}, 3));
  CHECK(detail::expand<double>(*pullback, Vars{a, b, g}, {}).value() == 0 * g.value());
}
