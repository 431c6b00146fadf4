// The attention weights of MultiheadAttention, against their definition and in a Program.
#include "testing.hpp"
#include <wengert/nn.hpp>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("MultiheadAttention returns the weights of each head, on the tape and in a Program") {
  constexpr std::size_t heads = 2, width = 6, wide = width / heads;
  Generator g(3);
  auto layer = nn::MultiheadAttention<double>::make(width, heads, g);
  layer.in_proj_bias->assign(random_tensor({3 * width}, 1));
  const auto first = random_tensor({2, 4, width}, 2), second = random_tensor({2, 4, width}, 3);
  // The definition, element by element.
  const auto expected = [&](const Tensor<double>& x) {
    const Tensor<double>&w = layer.in_proj_weight.value(), &b = layer.in_proj_bias->value();
    auto result = Tensor<double>::from_shape({2, heads, 4, 4});
    const auto projected = [&](std::size_t n, std::size_t l, std::size_t row) {
      double sum = b(row);
      for (std::size_t k = 0; k < width; ++k) sum += x(n, l, k) * w(row, k);
      return sum;
    };
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t h = 0; h < heads; ++h)
        for (std::size_t i = 0; i < 4; ++i) {
          double total = 0;
          for (std::size_t j = 0; j < 4; ++j) {
            double score = 0;
            for (std::size_t e = h * wide; e < (h + 1) * wide; ++e)
              score += projected(n, i, e) * projected(n, j, width + e);
            total += result(n, h, i, j) = std::exp(score / std::sqrt(double(wide)));
          }
          for (std::size_t j = 0; j < 4; ++j) result(n, h, i, j) /= total;
        }
    return result;
  };
  Tape<double> tape;
  const auto x = tape.variable(first);
  const auto [output, weights] = layer.with_weights(x, x, x);
  CHECK(distance(weights.value(), expected(first)) < 1e-13);
  CHECK(output.value() == layer(x).value());
  auto program = compile(tape, {x}, {weights, output}, {.allow_value_dependence = true});
  program(second);
  CHECK(distance(program.value(0), expected(second)) < 1e-13);
  CHECK(distance(program.value(1), layer(tape.constant(second)).value()) < 1e-13);
}
