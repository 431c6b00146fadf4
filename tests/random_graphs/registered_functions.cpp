// Functions of random graphs: the ops of the registry.
#include "random_graphs/functions.hpp"
#include <wengert/gradcheck/gradcheck_op.hpp>

#include <algorithm>
#include <memory>

namespace wengert::random_graphs {
namespace {

// Returns a shape for the second operand, which broadcasts against that of the first.
Shape partner(const Shape& full, Choices& choices) {
  const std::size_t kind = choices.below(4);
  if (kind == 1) return {};
  Shape result;
  for (std::size_t axis = 0; axis < full.rank(); ++axis)
    if (kind != 3 || axis > 0) result.push_back(kind == 2 && choices.flag() ? 1 : full[axis]);
  return result;
}

// Returns the parameters of one of the op's examples, or random ones.
std::vector<double> parameters_of(const OpRow& row, Choices& choices) {
  const std::size_t count = row.table->parameters;
  if (count == 0) return {};
  const auto example = row.parameters.subspan(choices.below(row.parameters.size() / count) * count, count);
  std::vector<double> parameters(example.begin(), example.end());
  const bool whole = row.name == "polygamma";  // its parameters: an order and the factorial
  if (!whole && choices.flag())
    for (double& parameter : parameters) parameter = 0.25 * static_cast<double>(choices.below(17)) - 2;
  return parameters;
}

template <class T>
Var<T> elementwise_of(const OpRow& row, Arguments<T>& a) {
  const bool fits = a.below(4) < 3, maps = a.below(4) < 3, strided = a.below(4) == 1;
  std::vector<Operand<T>> operands;
  for (std::size_t i = 0; i < row.arity; ++i) {
    Var<T> x = a.x[i];
    if (fits && i > 0) x = fit(x, partner(a.x[0].shape(), a.choices), strided);
    operands.emplace_back(maps ? into(x, row.domain) : x);
  }
  std::vector<const Operand<T>*> pointers;
  for (const Operand<T>& operand : operands) pointers.push_back(&operand);
  const std::vector<double> parameters = parameters_of(row, a.choices);
  if constexpr (std::is_same_v<T, float>)
    return a.tape.record(*row.table_in_float, pointers, parameters);
  else
    return a.tape.record(*row.table, pointers, parameters);
}

// The examples of an op and random ones, created on first use.
struct Variants {
  const OpRow* row;
  std::vector<OpExample> examples;

  const OpExample& at(std::size_t k) {
    if (examples.empty()) {
      examples = row->examples();
      for (std::uint64_t seed = 0; seed < 6; ++seed) examples.push_back(random_example(*row, seed));
    }
    return examples[k % examples.size()];
  }
};

template <class T>
Var<T> example_of(Variants& variants, Arguments<T>& a) {
  const OpExample& example = variants.at(a.below(1000));
  const bool maps = a.below(8) < 7, strided = a.below(4) == 1;
  std::vector<Var<T>> x;
  for (std::size_t i = 0; i < example.shapes.size(); ++i) {
    x.push_back(fit(a.x[std::min(i, a.x.size() - 1)], example.shapes[i], strided));
    if (maps) x.back() = into(x.back(), example.domains[i]);
  }
  if (x.empty()) x.push_back(a.x[0]);  // for its tape
  Var<T> y;
  if constexpr (std::is_same_v<T, float>) {
    if (!example.apply_in_float) throw ShapeError("random_graphs", "the example is in double only");
    y = example.apply_in_float(x);
  } else {
    y = example.apply(x);
  }
  if (!a.tape.node(y, "random_graphs").holds_indices) return y;
  a.indices->push_back(IndexVar<T>(y));
  return a.x[0];
}

}  // namespace

std::vector<Function> registered_functions() {
  std::vector<Function> result;
  for (const OpRow& row : op_registry()) {
    if (row.name == "masked_select") continue;  // reads the values of its mask
    if (row.table != nullptr) {
      result.push_back(
          function("op " + std::string(row.name), row.arity, [&row](auto& a) { return elementwise_of(row, a); }));
      continue;
    }
    std::size_t arity = 1;
    const std::vector<OpExample> examples = row.examples();
    if (examples.empty()) continue;  // its result is indices; other functions record it
    for (const OpExample& example : examples) arity = std::max(arity, example.shapes.size());
    const auto variants = std::make_shared<Variants>(Variants{&row, {}});
    result.push_back(
        function("op " + std::string(row.name), arity, [variants](auto& a) { return example_of(*variants, a); }));
  }
  return result;
}

}  // namespace wengert::random_graphs
