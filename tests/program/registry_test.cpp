// Replays of every op's examples and gradients: bit-identical to the tape unfused, within rounding fused.
#include "testing.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
std::vector<Tensor<T>> draw_inputs(const OpExample& example, unsigned seed) {
  std::vector<Tensor<T>> inputs;
  for (std::size_t i = 0; i < example.shapes.size(); ++i)
    inputs.push_back(random_tensor<T>(example.shapes[i], seed + static_cast<unsigned>(i), example.domains[i].low,
                                      example.domains[i].high));
  return inputs;
}

// Records an example's result and the gradients of its weighted sum.
template <class T, class Apply>
std::vector<Var<T>> results_of(Tape<T>& tape, const Apply& apply, const std::vector<Var<T>>& x) {
  const Var<T> y = apply(std::span<const Var<T>>(x));
  std::vector<Var<T>> results{y};
  const Var<T> weights = tape.constant(random_tensor<T>(y.shape(), 77));
  for (const Var<T>& g : grad<T>(sum(y * weights), x)) results.push_back(g);
  return results;
}

template <class T, class Apply>
void check(const OpExample& example, const Apply& apply, bool differentiable) {
  const std::vector<Tensor<T>> first = draw_inputs<T>(example, 1), second = draw_inputs<T>(example, 20);
  const auto record = [&](Tape<T>& tape, const std::vector<Tensor<T>>& inputs, std::vector<Var<T>>& x) {
    x.clear();
    for (const Tensor<T>& input : inputs) x.push_back(tape.variable(input));
    return differentiable ? results_of<T>(tape, apply, x) : std::vector<Var<T>>{apply(std::span<const Var<T>>(x))};
  };
  Tape<T> tape, expected_tape;
  std::vector<Var<T>> x, other;
  const std::vector<Var<T>> results = record(tape, first, x);
  if (tape.node(results[0], "test").holds_indices) return;
  const std::vector<Var<T>> expected = record(expected_tape, second, other);
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    Program<T> program = compile(tape, {x.begin(), x.end()}, {results.begin(), results.end()},
                                 {.fuse = fuse, .allow_value_dependence = true});
    std::vector<ProgramInput<T>> bound(second.begin(), second.end());
    for (int replay = 0; replay < 2; ++replay) program.run(bound);
    for (std::size_t k = 0; k < results.size(); ++k) {
      CAPTURE(k);
      const Tensor<T> got = program.value(k), want = expected[k].value();
      if (fuse)
        CHECK(distance(got, want) <= (sizeof(T) == 4 ? 2e-5 : 1e-13) * (1 + distance(want, Tensor<T>(want * T(0)))));
      else
        CHECK(got == want);
    }
  }
}

}  // namespace

TEST_CASE("every op of the registry is replayed as it was recorded") {
  std::size_t checked = 0;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row)) continue;
    for (const OpExample& example : row.examples()) {
      if (example.shapes.empty()) continue;
      CAPTURE(std::string(row.name));
      CAPTURE(example.label);
      check<double>(example, example.apply, row.differentiable);
      if (example.apply_in_float) check<float>(example, example.apply_in_float, row.differentiable);
      ++checked;
    }
  }
  CHECK(checked > 400);
}
