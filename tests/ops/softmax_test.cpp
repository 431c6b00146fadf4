// softmax and log_softmax against long double: every width, any axis, extreme logits, and empty tensors.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

Tensor<double> plain_softmax(const Tensor<double>& x) {  // along the last of two axes, in long double
  Tensor<double> y = x;
  for (std::size_t r = 0; r < x.shape()[0]; ++r) {
    long double top = -INFINITY, total = 0;
    for (std::size_t c = 0; c < x.shape()[1]; ++c) top = std::max<long double>(top, x(r, c));
    for (std::size_t c = 0; c < x.shape()[1]; ++c) total += std::exp(x(r, c) - top);
    for (std::size_t c = 0; c < x.shape()[1]; ++c) y(r, c) = static_cast<double>(std::exp(x(r, c) - top) / total);
  }
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("softmax and its logarithm of every width", T, float, double) {
  for (const std::size_t width : Sizes{1, 2, 3, 8, 10, 16, 17, 40, 1000}) {
    Tape<T> tape;
    const auto x = random_tensor<T>({5, width}, static_cast<unsigned>(width), -8, 8);
    const auto v = tape.variable(x);
    const auto exact = plain_softmax(xt::cast<double>(x));
    CAPTURE(width);
    CHECK(distance(softmax(v).value(), exact) < (sizeof(T) == 4 ? 3e-7 : 1e-15));
    CHECK(distance(log_softmax(v).value(), xt::log(exact)) < (sizeof(T) == 4 ? 3e-6 : 1e-14));
  }
}

TEST_CASE("softmax along any axis") {
  Tape<double> tape;
  const auto x = random_tensor({3, 4}, 1);
  const auto v = tape.variable(x);
  const Tensor<double> along_columns = xt::transpose(plain_softmax(xt::transpose(x)));
  CHECK(distance(softmax(v, 0).value(), along_columns) < 1e-15);
  CHECK(distance(log_softmax(v, -2).value(), xt::log(along_columns)) < 1e-14);
  CHECK(gradcheck([](auto a) { return softmax(a, 0); }, x).ok());
  CHECK(gradcheck([](auto a) { return log_softmax(a, 1); }, random_tensor({2, 3, 2}, 2)).ok());
  CHECK_ERROR(AxisError, "[softmax] axis 2", softmax(v, 2));
  CHECK_ERROR(AxisError, "[log_softmax] axis 1: a scalar has only the axes 0 and -1",
              log_softmax(tape.constant(1.0), 1));
}

TEST_CASE_TEMPLATE("softmax is finite and right at logits of ±1000", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>{{1000, -1000, 0}, {-1000, -1000, -1000}, {1000, 1000, -1000}});
  CHECK(distance(softmax(x).value(), Tensor<T>{{1, 0, 0}, {T(1) / 3, T(1) / 3, T(1) / 3}, {0.5, 0.5, 0}}) < 1e-7);
  const T ln2 = static_cast<T>(std::log(2.0)), ln3 = static_cast<T>(std::log(3.0));
  CHECK(distance(log_softmax(x).value(), Tensor<T>{{0, -2000, -1000}, {-ln3, -ln3, -ln3}, {-ln2, -ln2, -2000 - ln2}}) <
        1e-3 * (sizeof(T) == 4 ? 1 : 1e-9));
}

TEST_CASE("empty softmax") {
  Tape<double> tape;
  CHECK(softmax(tape.constant(Tensor<double>::from_shape({0, 3}))).shape() == Shape{0, 3});
  CHECK(softmax(tape.constant(Tensor<double>::from_shape({3, 0}))).shape() == Shape{3, 0});
}
