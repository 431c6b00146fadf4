// A consumer of the component core alone: the gradient of a sum of squares.
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/tape/tape.hpp>
#include <wengert/transform/transforms.hpp>

int main() {
  wengert::Tape<double> tape;
  const auto x = tape.variable(wengert::Tensor<double>{3});
  const auto [slope] = grad(sum(square(x)), x);
  return slope.value()(0) == 6 ? 0 : 1;
}
