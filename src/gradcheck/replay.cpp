// Compares values and first gradients of an op between the tape and compiled Programs, unfused and fused.
#include "gradcheck/replay.hpp"

#include "gradcheck/subject.hpp"
#include <wengert/gradcheck/gradcheck_op.hpp>
#include <wengert/program/program.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace wengert::detail {
namespace {

constexpr double rounding = 1e-12;  // relative to the largest element: fused sums add in another order

// An application and its first gradients on their own tape.
struct Recorded {
  Recorded(const OpExample& example, const std::vector<Tensor<double>>& values, bool differentiable) {
    for (const Tensor<double>& value : values) inputs.push_back(tape.variable(value));
    const Var<double> y = example.apply(inputs);
    results = {y};
    if (!differentiable) return;
    auto weights = Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(y.shape()));
    std::ranges::copy(random_weights(weights.size(), 0), weights.data());
    for (const Var<double>& g : grad<double>(seed(y, tape.constant(std::move(weights))), inputs)) results.push_back(g);
  }
  Tape<double> tape;
  std::vector<Var<double>> inputs, results;
};

bool equal(const Tensor<double>& a, const Tensor<double>& b, bool to_the_bit) {
  double scale = 1;
  for (const double x : a)
    if (std::isfinite(x)) scale = std::max(scale, std::abs(x));
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](double x, double y) {
    if (std::isnan(x) && std::isnan(y)) return true;
    if (to_the_bit) return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
    return x == y || std::abs(x - y) <= rounding * scale;
  });
}

}  // namespace

std::string compare_with_replay(const OpExample& example, bool differentiable, std::uint64_t seed) {
  const std::vector<Tensor<double>> replayed = random_inputs(example, seed + 1);
  Recorded first(example, random_inputs(example, seed), differentiable);
  if (first.tape.node(first.results[0], "gradcheck_op").holds_indices) return {};
  const Recorded expected(example, replayed, differentiable);
  for (const bool fuse : {false, true}) {
    auto program =
        compile<double>(first.tape, {first.inputs.begin(), first.inputs.end()},
                        {first.results.begin(), first.results.end()}, {.fuse = fuse, .allow_value_dependence = true});
    program.run(std::vector<ProgramInput<double>>(replayed.begin(), replayed.end()));
    for (std::size_t k = 0; k < first.results.size(); ++k)
      if (!equal(expected.results[k].value(), program.value(k), !fuse))
        return fmt::format("a compiled Program, {}, computes a different {} from the tape", fuse ? "fused" : "unfused",
                           k == 0 ? "value" : fmt::format("gradient of input {}", k));
  }
  return {};
}

}  // namespace wengert::detail
