// Ops defined by one formula, as a user defines them.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

inline constexpr auto swish = elementwise<"swish">([](auto x) { return x / (1 + exp(-x)); });
inline constexpr auto leaky =
    elementwise<"leaky", params<1>>([](auto x, auto slope) { return where(x > 0, x, slope * x); });
inline constexpr auto blend =
    elementwise<"blend", params<2>>([](auto a, auto b, auto s, auto t) { return s * a * b + t * sin(a); });
inline constexpr auto fused =
    elementwise<"fused">([](auto a, auto b, auto c) { return a * tanh(b) + c / (1 + b * b); });
inline constexpr auto of_ops =
    elementwise<"of_ops">([](auto x) { return swish(x) * sigmoid(2 * x) - maximum(x, 0.25) + pow(abs(x) + 1, 1.5); });
inline constexpr auto branches = elementwise<"branches">(
    [](auto x, auto y) { return where(x > 0 && !(y >= 0.5), x * y, where(x < -1 || y == 0, exp(x), -x * x)); });
inline constexpr auto constant_formula = elementwise<"constant_formula">([](auto x) { return lift(x, 3); });
inline constexpr auto one_input = elementwise<"one_input">([](auto a, auto) { return a * a; });

}  // namespace

TEST_CASE("swish in one line differentiates three times") {
  for (const double v : {-3.0, -0.5, 0.0, 0.7, 2.0}) {
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>(v));
    const auto [d1] = grad(swish(x), x);
    const auto [d2] = grad(d1, x);
    const auto [d3] = grad(d2, x);
    const double s = 1 / (1 + std::exp(-v)), p = s * (1 - s), q = p * (1 - 2 * s), r = q * (1 - 2 * s) - 2 * p * p;
    CHECK(swish(x).item() == doctest::Approx(v * s).epsilon(1e-14));
    CHECK(d1.item() == doctest::Approx(s + v * p).epsilon(1e-14));
    CHECK(d2.item() == doctest::Approx(2 * p + v * q).epsilon(1e-13));
    CHECK(d3.item() == doctest::Approx(3 * q + v * r).epsilon(1e-12));
  }
}

TEST_CASE("the gradient of a formula is one fused node") {
  Tape<float> tape;
  const auto x = tape.variable(random_tensor<float>({100}, 1));
  const auto y = sum(swish(x));
  const auto before = tape.size();
  const auto [dx] = grad(y, x);
  std::size_t elementwise_nodes = 0;
  for (std::size_t i = before; i < tape.size(); ++i)
    if (tape.node(i).op != nullptr && tape.node(i).op->kernels[0] != nullptr) ++elementwise_nodes;
  CHECK(elementwise_nodes == 1);
  CHECK(tape.node(dx.index()).op->name == "swish.vjp");
}

TEST_CASE("parameters, several inputs, broadcasting, other ops inside, branches") {
  const auto a = random_tensor({3, 4}, 1), b = random_tensor({4}, 2), c = random_tensor({3, 1}, 3);
  CHECK(gradcheck([](auto x) { return leaky(x, 0.1); }, a).ok());
  CHECK(gradcheck([](auto x, auto y) { return blend(x, y, 1.5, -2); }, a, b).ok());
  CHECK(gradcheck([](auto x, auto y, auto z) { return fused(x, y, z); }, a, b, c).ok());
  CHECK(gradcheck([](auto x) { return of_ops(x); }, a).ok());
  CHECK(gradcheck([](auto x, auto y) { return branches(x, y); }, random_tensor({5, 5}, 4, -2, 2),
                  random_tensor({5, 5}, 5, -1, 2))
            .ok());
  Tape<double> tape;
  CHECK(leaky(tape.constant(Tensor<double>{-2, 3}), 0.25).value() == Tensor<double>{-0.5, 3});
  CHECK(fused(tape.constant(2.0), 0, 5).item() == 5);  // scalars among the operands
  CHECK(fused(2, tape.constant(Tensor<double>{0, 0}), Tensor<double>{5, 6}).value() == Tensor<double>{5, 6});
}

TEST_CASE("a formula that does not depend on an input gives it a zero gradient") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2}), y = tape.variable(Tensor<double>{3, 4});
  CHECK(grad(sum(constant_formula(x)), x)[0].value() == Tensor<double>{0, 0});
  const auto [dx, dy] = grad(sum(one_input(x, y)), x, y);
  CHECK(dx.value() == Tensor<double>{2, 4});
  CHECK(dy.value() == Tensor<double>{0, 0});
  CHECK(grad(sum(dx * x), x, y)[1].value() == Tensor<double>{0, 0});
}

TEST_CASE("a formula computes in its own precision: literals do not promote") {
  Tape<float> tape;
  const float v = 0.3F;
  CHECK(swish(tape.constant(v)).item() == doctest::Approx(v / (1 + std::exp(-v))).epsilon(2e-7));
  static_assert(std::is_same_v<decltype(swish(tape.constant(v))), Var<float>>);
}

TEST_CASE("no zeros are multiplied: infinite operands do not make a gradient NaN") {
  Tape<double> tape;
  const double inf = std::numeric_limits<double>::infinity();
  const auto x = tape.variable(Tensor<double>{inf, 2}), y = tape.variable(Tensor<double>{3, inf});
  const auto [dx, dy] = grad(seed(x * y, tape.constant(Tensor<double>{1, 1})), x, y);
  CHECK(dx.value() == Tensor<double>{3, inf});
  CHECK(dy.value() == Tensor<double>{inf, 2});
}

TEST_CASE("an op appears by its name in errors") {
  Tape<double> tape;
  const auto a = tape.constant(random_tensor({3}, 1)), b = tape.constant(random_tensor({4}, 2));
  CHECK_ERROR(ShapeError, "[fused] shapes (3,) and (4,) do not broadcast", fused(a, b, 1));
  CHECK(tape.size() == 2);  // the scalar operand does not remain on the tape
}

namespace {
inline constexpr auto conveniences = elementwise<"conveniences">([](auto x) {
  auto y = +x;
  y += 1;
  y *= x;
  return where(x > 0, 1, -1) * y;
});
}  // namespace

TEST_CASE("a formula may use compound assignment, unary plus, and choose between literals") {
  Tape<double> tape;
  CHECK(conveniences(tape.constant(Tensor<double>{-2, 3})).value() == Tensor<double>{-2, 12});
  CHECK(gradcheck([](auto x) { return conveniences(x); }, Tensor<double>{-2, -0.5, 0.25, 3}).ok());
}
