// Pitfalls of xtensor from which the library's headers protect their users; see docs/design.md.
#include "testing.hpp"

#include <cblas.h>
#include <xtensor/xeval.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xstrided_view.hpp>

using wengert::Tape;
using wengert::Tensor;

TEST_CASE("xt::eval of a sum has the operands' shape and values") {
  const Tensor<double> m{{1, 2, 3}, {4, 5, 6}};
  const auto sum = xt::eval(m + m);
  static_assert(std::is_same_v<std::decay_t<decltype(sum)>, Tensor<double>>);
  REQUIRE(sum.dimension() == 2);
  CHECK(sum == Tensor<double>{{2, 4, 6}, {8, 10, 12}});
}

TEST_CASE("immediate reductions are right") {
  const Tensor<double> m{{1, 2, 3}, {4, 5, 6}};
  const Tensor<double> columns = xt::sum(m, {0}, xt::evaluation_strategy::immediate);
  CHECK(columns == Tensor<double>{5, 7, 9});
  const Tensor<double> rows = xt::sum(m, {1}, xt::evaluation_strategy::immediate);
  CHECK(rows == Tensor<double>{6, 15});
}

TEST_CASE("xt::variance is right") {
  const Tensor<double> m{{1, 2, 3}, {4, 5, 6}};
  const Tensor<double> columns = xt::variance(m, {0});
  CHECK(columns == Tensor<double>{2.25, 2.25, 2.25});
  CHECK(xt::variance(m)() == doctest::Approx(35.0 / 12));
}

TEST_CASE("a strided view assigned to itself does not corrupt") {
  Tensor<double> m{{1, 2}, {3, 4}};
  auto view = xt::strided_view(m, {xt::all(), xt::all()});
  view = view + xt::transpose(m);
  CHECK(m == Tensor<double>{{2, 5}, {5, 8}});
}

TEST_CASE("Var and tensor mix under `using namespace` of xt, wengert and std") {
  using namespace xt;       // NOLINT
  using namespace wengert;  // NOLINT
  using namespace std;      // NOLINT
  Tape<double> tape;
  const Tensor<double> w{1.0, 2.0};
  const auto x = tape.variable(Tensor<double>{3.0, 4.0});
  CHECK((x * w).value() == Tensor<double>{3, 8});
  CHECK((w * x).value() == Tensor<double>{3, 8});
  CHECK((w - x).value() == Tensor<double>{-2, -2});
  CHECK(exp(x).value()(0) == doctest::Approx(std::exp(3.0)));
  CHECK(pow(x, 2).value() == Tensor<double>{9, 16});
  CHECK(maximum(x, 3.5).value() == Tensor<double>{3.5, 4});
  CHECK(sum(x).item() == 7);
  CHECK(mean(x).item() == 3.5);
  CHECK(abs(-x).value() == Tensor<double>{3, 4});
  CHECK(transpose(x).shape() == Shape{2});
  const Tensor<double> plain = exp(w) + sin(w);  // xtensor's own functions still work
  CHECK(plain(0) == doctest::Approx(std::exp(1.0) + std::sin(1.0)));
}

TEST_CASE("the system's cblas.h goes together with our headers") {
  const double a[] = {1, 2, 3}, b[] = {4, 5, 6};
  CHECK(cblas_ddot(3, a, 1, b, 1) == 32);
}

TEST_CASE("the type of xarray does not depend on the compiler's flags") {
  static_assert(std::is_same_v<Tensor<float>, xt::xarray<float>>);
  static_assert(std::is_same_v<Tensor<float>::allocator_type, std::allocator<float>>);
}
