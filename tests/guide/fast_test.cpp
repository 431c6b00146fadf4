// Compiles and runs the code of docs/guide/fast.md.
#include "snippets.hpp"
#include "testing.hpp"

#include <iostream>
#include <sstream>

namespace wg = wengert;
using namespace wengert::testing;

TEST_CASE("guide: making it fast") {
  const auto X = random_tensor<float>({32, 3}, 1);
  const auto Y = wg::Tensor<float>(xt::view(X, xt::all(), xt::range(0, 2)));
  wg::Parameter<float> weights(random_tensor<float>({3, 2}, 2));
  float last_loss = 1;
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  auto step = wg::compiled<float>([&](auto& tape, auto x, auto y) {
    auto w = tape.variable(weights);
    auto loss = mean(square(matmul(x, w) - y));
    auto [dw] = grad(loss, w);
    tape.update(weights, w - 0.1F * dw);
    return loss;
  });
  for (int i = 0; i < 300; ++i) last_loss = step(X, Y).item();

  auto& program = step(X, Y);
  program.measure(true);
  for (int i = 0; i < 20; ++i) step(X, Y);
  std::cout << program.profile().to_string();
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(last_loss < 0.01F);
  CHECK(step.size() == 1);
  CHECK(contains(out.str(), "matmul"));
  CHECK(program.profile().replays == 20);

  CHECK(check_snippets("docs/guide/fast.md", "tests/guide/fast_test.cpp") >= 2);
}
