// gradcheck on right and deliberately wrong derivatives: verdicts, kinks, projections, samples and reports.
#include "testing.hpp"

#include <sstream>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Formulas with deliberately wrong derivatives.
inline constexpr auto wrong_sign =
    elementwise<"wrong_sign">([](auto x) { return exp(x); }, derivative([](auto, auto y) { return -y; }));
inline constexpr auto wrong_factor =
    elementwise<"wrong_factor">([](auto x) { return x * x; }, derivative([](auto x, auto) { return x; }));
inline constexpr auto wrong_beyond_one = elementwise<"wrong_beyond_one">(
    [](auto x) { return x * x; }, derivative([](auto x, auto) { return where(x > 1, x, 2 * x); }));
inline constexpr auto not_a_number = elementwise<"not_a_number">(
    [](auto x) { return x * x; }, derivative([](auto x, auto) { return sqrt(-1 - x * x); }));
// The first derivative of wrong_second is right, but it is an op whose own derivative is wrong.
inline constexpr auto flawed_slope =
    elementwise<"flawed_slope">([](auto x) { return 2 * x; }, derivative([](auto x, auto) { return 3 + 0 * x; }));
inline constexpr auto wrong_second =
    elementwise<"wrong_second">([](auto x) { return x * x; }, derivative([](auto x, auto) { return flawed_slope(x); }));

// Derivatives that are off by a factor, and by a constant.
inline constexpr auto off_by_factor =
    elementwise<"off_by_factor">([](auto x) { return x * x; }, derivative([](auto x, auto) { return 2.00002 * x; }));
inline constexpr auto off_by_constant =
    elementwise<"off_by_constant">([](auto x) { return x * x; }, derivative([](auto x, auto) { return 2 * x + 1e-5; }));

}  // namespace

TEST_CASE("a right gradient passes, with the number of elements checked") {
  const auto report =
      gradcheck([](auto a, auto b) { return matmul(a, b) * 2; }, random_tensor({2, 3}, 1), random_tensor({3, 4}, 2));
  CHECK(report.ok());
  CHECK(static_cast<bool>(report));
  CHECK(report.checked() == 8 * 18 + 18 * 18);  // the Jacobian, then the Jacobian of the gradient
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

TEST_CASE("kinks are recognised, counted, and any subgradient accepted") {
  const Tensor<double> x{-1, 0, 2};
  const auto report = gradcheck([](auto a) { return relu(a); }, x);
  CHECK(report.ok());
  CHECK(report.kinks() == 2);  // the slope at 0, and the gradient's jump there
  CHECK(contains(report.to_string(), "2 at kinks"));
  CHECK(gradcheck([](auto a) { return abs(a) * a + abs(a); }, x).ok());
  CHECK(gradcheck([](auto a) { return amax(a * a); }, Tensor<double>{1, -1, 1, 0.5}).ok());  // ties
  CHECK(
      gradcheck([](auto a) { return sum(maximum(a, 0) * 3); }, x, GradcheckOptions{.mode = GradcheckMode::fast}).ok());
  CHECK(!gradcheck([](auto a) { return relu(a) - stop_gradient(relu(a)) + stop_gradient(a); }, x).ok());
}

TEST_CASE("a check that compares nothing fails") {
  const auto vacuous = [](const GradcheckReport& report) {
    return report.verdict() == Verdict::wrong && report.findings().front().fault == Fault::vacuous;
  };
  const auto x = random_tensor({2, 3}, 1);
  CHECK(vacuous(gradcheck([](auto a) { return a * 0; }, x)));
  CHECK(vacuous(gradcheck([](auto a) { return relu(a - 5); }, x)));  // zero everywhere
  CHECK(vacuous(gradcheck([](auto a) { return a.tape().constant(3.0); }, x)));
  CHECK(vacuous(gradcheck([](auto a) { return exp(a); }, random_tensor({0, 3}, 1))));
  CHECK(vacuous(gradcheck_inputs([](auto a) { return a[0]; }, {})));
  CHECK(gradcheck([](auto a) { return a * 0; }, x, GradcheckOptions{.vacuous_passes = true}).ok());
}

TEST_CASE("values that are not numbers fail, with their element") {
  const auto report = gradcheck([](auto a) { return log(a); }, Tensor<double>{1, -1});
  REQUIRE(report.findings().size() == 1);
  CHECK(report.findings()[0].fault == Fault::not_a_number);
  CHECK(contains(report.findings()[0].text, "element (1,)"));
}

TEST_CASE("a function that is not the same twice fails") {
  int calls = 0;
  const auto report = gradcheck([&](auto a) { return a * (1 + 1e-15 * ++calls); }, random_tensor({2}, 1));
  REQUIRE(report.findings().size() == 1);
  CHECK(report.findings()[0].fault == Fault::not_deterministic);
}

TEST_CASE("what differences cannot tell is inconclusive") {
  const auto report = gradcheck([](auto a) { return a + 1e10; }, Tensor<double>{1, 2}, GradcheckOptions{.orders = 1});
  CHECK(report.verdict() == Verdict::inconclusive);
  CHECK(!report.ok());
  CHECK(report.mismatches().empty());
  CHECK(report.inconclusive().size() == 4);
  CHECK(contains(report.to_string(), "gradcheck: inconclusive"));
}

TEST_CASE("random projections cost the same at any size, for both orders") {
  for (const int orders : {1, 2}) {
    CAPTURE(orders);
    std::size_t calls = 0;
    const GradcheckOptions fast{.orders = orders, .mode = GradcheckMode::fast};
    const auto f = [&](auto a) {
      ++calls;
      return sigmoid(a);
    };
    CHECK(gradcheck(f, random_tensor({4}, 1), fast));
    const std::size_t small = calls;
    calls = 0;
    const auto report = gradcheck(f, random_tensor({300, 300}, 1), fast);
    CHECK(report);
    CHECK(report.checked() == static_cast<std::size_t>(orders) * fast.projections);
    CHECK(calls <= small + 20);
  }
}

TEST_CASE("a projection that fails is explained in full") {
  const GradcheckOptions fast{.orders = 1, .mode = GradcheckMode::fast};
  const auto report = gradcheck([](auto a) { return a * wrong_beyond_one(a); }, Tensor<double>{0.5, 2}, fast);
  CHECK(report.mismatches().size() == 1);
  REQUIRE(report.findings().size() == 1);
  CHECK(report.findings()[0].op == "wrong_beyond_one");
  CHECK(contains(report.findings()[0].text, "correct except at 1 of its 2 elements: (1,)"));
}

TEST_CASE("of many elements a sample explains the failure, and single wrong ones are found by halving") {
  const GradcheckOptions fast{.orders = 1, .mode = GradcheckMode::fast, .max_columns = 64};
  const auto w = random_tensor({90, 90}, 1);
  const auto factor = gradcheck([](auto a, auto b) { return sum(wrong_factor(a) + b); }, w, w, fast);
  REQUIRE(factor.findings().size() == 1);
  CHECK(factor.findings()[0].fault == Fault::constant_factor);
  CHECK(factor.findings()[0].factor == doctest::Approx(0.5));
  const auto product = [](const auto& backward) {
    return [backward](auto a, auto b) {
      return sum(custom_vjp([](auto u, auto v) { return matmul(u, v); }, backward)(a, b));
    };
  };
  const auto transposed = gradcheck(product([](auto g, auto, auto u, auto v) {
                                      return std::tuple(matmul(g, transpose(v)), transpose(matmul(transpose(u), g)));
                                    }),
                                    w, w, fast);
  REQUIRE(transposed.findings().size() == 1);
  CHECK(transposed.findings()[0].fault == Fault::transposed);
  CHECK(transposed.findings()[0].input == 1);

  Tensor<double> few = random_tensor({90, 90}, 1, -1, 0.9);
  few(17, 80) = few(88, 3) = 2;
  std::size_t calls = 0;
  const auto sparse = gradcheck(
      [&](auto a) {
        ++calls;
        return sum(wrong_beyond_one(a));
      },
      few, fast);
  REQUIRE(sparse.findings().size() == 1);
  CHECK(sparse.findings()[0].fault == Fault::some_elements);
  CHECK(contains(sparse.findings()[0].text, "elements that were checked: (17, 80), (88, 3)"));
  CHECK(sparse.mismatches().size() == 2);
  CHECK(calls < 8000);  // 8,100 elements would take 97,000
}

TEST_CASE("float gradients are compared with the double ones where asked") {
  const auto x = random_tensor({2, 3}, 1);
  CHECK(gradcheck([](auto a) { return tanh(a) * a; }, x, also_in_float));
  const auto report = gradcheck([](auto a) { return exp((a + 1e8) - 1e8); }, x, also_in_float);
  REQUIRE(!report.ok());
  CHECK(report.findings()[0].fault == Fault::float_differs);
}

TEST_CASE("inputs have names, parameters their own") {
  const Parameter<double> w(random_tensor({2, 2}, 2), "encoder.w1");
  const auto report = gradcheck([](auto x, auto p) { return wrong_sign(matmul(x, p)) + wrong_factor(p); },
                                named("x", random_tensor({2, 2}, 3)), w);
  CHECK(contains(report.to_string(), "1 (x) ("));
  CHECK(contains(report.to_string(), "2 (encoder.w1) ("));
  CHECK(report.findings().size() == 2);  // one per op
}

TEST_CASE("a result of many elements is checked in random weightings") {
  const auto x = random_tensor({30, 30}, 1);
  const GradcheckOptions options{.orders = 1, .max_rows = 100};
  const auto report = gradcheck([](auto a) { return exp(a); }, x, options);
  CHECK(report.ok());
  CHECK(report.checked() == 8 * 900);
  CHECK(gradcheck([](auto a) { return wrong_factor(a); }, x, options).mismatches().size() == 8 * 900);
}

TEST_CASE("relative_tolerance and absolute_tolerance: by how much derivatives may differ") {
  const Tensor<double> x{0.5, -2};
  const auto by_factor = [](auto a) { return off_by_factor(a); };
  CHECK_FALSE(gradcheck(by_factor, x).ok());
  CHECK(gradcheck(by_factor, x, GradcheckOptions{.relative_tolerance = 1e-4}).ok());
  CHECK_FALSE(gradcheck(by_factor, x, GradcheckOptions{.relative_tolerance = 5e-6}).ok());

  const Tensor<double> near_zero{0.01, -0.02};
  const auto by_constant = [](auto a) { return off_by_constant(a); };
  CHECK_FALSE(gradcheck(by_constant, near_zero).ok());
  CHECK(gradcheck(by_constant, near_zero, GradcheckOptions{.absolute_tolerance = 1e-4}).ok());
  CHECK_FALSE(gradcheck(by_constant, near_zero, GradcheckOptions{.absolute_tolerance = 1e-6}).ok());
}

TEST_CASE("float_tolerance: by how much results in float may differ") {
  const auto rounded = [](auto a) { return exp((a + 1e5) - 1e5); };  // in float, a is a multiple of 2⁻⁷
  const Tensor<double> x{0.3, 0.7};
  CHECK(gradcheck(rounded, x).ok());
  const auto report = gradcheck(rounded, x, also_in_float);
  REQUIRE(!report.ok());
  CHECK(report.findings()[0].fault == Fault::float_differs);
  CHECK(gradcheck(rounded, x, also_in_float, GradcheckOptions{.float_tolerance = 0.1}).ok());
  CHECK_FALSE(
      gradcheck([](auto a) { return tanh(a); }, x, also_in_float, GradcheckOptions{.float_tolerance = 1e-10}).ok());
}

TEST_CASE("determinism and explain can be left out") {
  int calls = 0;
  const auto differs = [&](auto a) { return a * (1 + 1e-15 * ++calls); };
  const auto found = gradcheck(differs, random_tensor({2}, 1), GradcheckOptions{.orders = 1, .determinism = false});
  CHECK(found.checked() > 0);
  for (const auto& finding : found.findings()) CHECK(finding.fault != Fault::not_deterministic);

  const auto names_op = [](bool explain) {
    const auto wrong = gradcheck([](auto a) { return wrong_sign(a); }, random_tensor({2}, 1),
                                 GradcheckOptions{.orders = 1, .explain = explain});
    CHECK_FALSE(wrong.ok());
    CHECK(wrong.mismatches().size() >= 2);
    bool named_op = false;
    for (const auto& finding : wrong.findings()) named_op = named_op || finding.op == "wrong_sign";
    return named_op;
  };
  CHECK(names_op(true));
  CHECK_FALSE(names_op(false));
}
