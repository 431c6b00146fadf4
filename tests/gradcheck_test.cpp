#include "testing.hpp"

#include <sstream>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Formulas whose derivative is wrong on purpose.
inline constexpr auto wrong_sign =
    elementwise<"wrong_sign">([](auto x) { return exp(x); }, derivative([](auto, auto y) { return -y; }));
inline constexpr auto wrong_factor =
    elementwise<"wrong_factor">([](auto x) { return x * x; }, derivative([](auto x, auto) { return x; }));
inline constexpr auto wrong_beyond_one = elementwise<"wrong_beyond_one">(
    [](auto x) { return x * x; }, derivative([](auto x, auto) { return where(x > 1, x, 2 * x); }));
inline constexpr auto not_a_number = elementwise<"not_a_number">(
    [](auto x) { return x * x; }, derivative([](auto x, auto) { return sqrt(-1 - x * x); }));
// The first derivative is right, but as an op of its own has a wrong derivative.
inline constexpr auto flawed_slope =
    elementwise<"flawed_slope">([](auto x) { return 2 * x; }, derivative([](auto x, auto) { return 3 + 0 * x; }));
inline constexpr auto wrong_second =
    elementwise<"wrong_second">([](auto x) { return x * x; }, derivative([](auto x, auto) { return flawed_slope(x); }));

}  // namespace

TEST_CASE("a right gradient passes, with the number of elements checked") {
  const auto report =
      gradcheck([](auto a, auto b) { return matmul(a, b) * 2; }, random_tensor({2, 3}, 1), random_tensor({3, 4}, 2));
  CHECK(report.ok());
  CHECK(static_cast<bool>(report));
  CHECK(report.checked() == 8 * 18 + 18 * 18);  // the Jacobian, and that of the gradient
  CHECK(report.mismatches().empty());
  CHECK(report.worst() < 0.1);
  CHECK(contains(report.to_string(), "right: 468 derivatives agree"));
}

TEST_CASE("a wrong gradient is reported by input, element, analytic and numeric value") {
  const Tensor<double> x{{0.5, 2}, {-1, 3}};
  const auto report = gradcheck([](auto a, auto b) { return a * wrong_beyond_one(b); },
                                Tensor<double>(xt::ones<double>({2, 2})), x, GradcheckOptions{.orders = 1});
  REQUIRE(!report.ok());
  REQUIRE(report.mismatches().size() == 2);  // the elements 2 and 3, of the second input
  for (const auto& entry : report.mismatches()) {
    CHECK(entry.order == 1);
    CHECK(entry.input == 1);
    CHECK(entry.index[1] == 1);
    CHECK(entry.numeric == doctest::Approx(2 * entry.analytic).epsilon(1e-8));
  }
  CHECK(report.mismatches()[0].difference() >= report.mismatches()[1].difference());
  std::ostringstream text;
  text << report;
  CHECK(contains(text.str(), "of 32 derivatives 2 disagree"));
  CHECK(contains(text.str(), "(1, 1)"));
  CHECK(contains(text.str(), "(0, 1)"));
}

TEST_CASE("wrong sign, factor, NaN and second derivative are found") {
  const auto x = random_tensor({3}, 4, 0.5, 2);
  CHECK(gradcheck([](auto a) { return wrong_sign(a); }, x).mismatches().size() >= 3);
  CHECK(gradcheck([](auto a) { return wrong_factor(a); }, x).mismatches().size() >= 3);
  CHECK(!gradcheck([](auto a) { return not_a_number(a); }, x).ok());
  const auto second = gradcheck([](auto a) { return wrong_second(a); }, x);
  REQUIRE(second.mismatches().size() == 3);
  for (const auto& entry : second.mismatches()) CHECK(entry.order == 2);
  CHECK(gradcheck([](auto a) { return wrong_second(a); }, x, GradcheckOptions{.orders = 1}).ok());
}

TEST_CASE("float tensors and expressions are checked in double") {
  const auto x = random_tensor<float>({2, 2}, 5);
  CHECK(gradcheck([](auto a) { return exp(a); }, x).ok());
  CHECK(gradcheck([](auto a, auto b) { return a * b; }, x * 2.0F, xt::ones<float>({2, 2})).ok());
}

TEST_CASE("errors of the function come through") {
  CHECK(contains(message_of<ShapeError>([] {
                   gradcheck([](auto a) { return matmul(a, a); }, random_tensor({2, 3}, 6));
                 }),
                 "[matmul]"));
}
