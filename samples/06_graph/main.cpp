// Prints a tape as a table, as formulas and as a Graphviz graph, which run.sh draws.
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;

int main(int count, char** arguments) {
  const std::string_view wanted = count > 1 ? arguments[1] : "";
  xt::random::seed(1964);
  const auto random = [](wg::Shape shape) {
    return wg::Tensor<float>(xt::random::randn<float>(xt::dynamic_shape<std::size_t>(shape)));
  };

  // Two sigmoid layers and the least-squares loss 1/(2N) Σ (A2 − Y)², for N = 4 samples of D = 3 features.
  wg::Tape<float> tape;
  const auto x = tape.variable(random({4, 3}), "X"), y = tape.variable(random({4, 2}), "Y");
  const auto w1 = tape.variable(random({3, 5}), "W1"), w2 = tape.variable(random({5, 2}), "W2");
  const auto a2 = sigmoid(matmul(sigmoid(matmul(x, w1)), w2));
  const auto loss = sum(square(a2 - y)) / 8;

  if (wanted == "dot") {  // the loss alone
    fmt::print("{}", wg::to_dot(loss));
    return 0;
  }
  if (wanted == "gradient-dot") {  // the loss and its gradients
    const auto [dw1, dw2] = grad(loss, w1, w2);
    fmt::print("{}", wg::to_dot(std::vector{loss, dw1, dw2}));
    return 0;
  }
  if (wanted == "latex") {
    fmt::print("{}", wg::explain(loss, {w1, w2}).to_latex());
    return 0;
  }
  fmt::print("The tape, one line per node:\n\n");
  wg::print(tape);
  fmt::print("\nWhat it computes, forward and backward (v̄3 and v̄1 are the deltas of backpropagation):\n\n{}",
             wg::explain(loss, {w1, w2}).to_string());

  // TraceNaN reports the first value that is not finite as an error on the line that computes it.
  try {
    const wg::TraceNaN trace(tape);
    log(a2 - a2);
  } catch (const wg::ValueError& error) {
    fmt::print("\nTraceNaN: {}\n", error.what());
    return 0;
  }
  return 1;
}
