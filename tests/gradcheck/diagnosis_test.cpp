// Diagnoses of wrong gradients in gradcheck reports: the fault, the op, the operand and the factor.
#include "testing.hpp"

#include <algorithm>
#include <stdexcept>

using namespace wengert;
using namespace wengert::testing;

namespace {

inline constexpr auto wrong_cube =
    elementwise<"wrong_cube">([](auto x) { return x * x * x; }, derivative([](auto x, auto) { return x * x; }));
inline constexpr auto wrong_product = elementwise<"wrong_product">(
    [](auto a, auto b) { return a * b; },
    derivative([](auto a, auto, auto) { return a; }, [](auto, auto b, auto) { return b; }));

// Returns the first finding of a check that must fail.
GradcheckFinding finding_of(const GradcheckReport& report) {
  INFO(report);
  REQUIRE(report.verdict() == Verdict::wrong);
  REQUIRE(!report.findings().empty());
  return report.findings().front();
}

// A matrix product with a custom backward rule.
template <class Backward>
auto product_with(Backward backward) {
  return [backward](auto a, auto b) {
    return tanh(custom_vjp([](auto u, auto v) { return matmul(u, v); }, backward)(a, b));
  };
}
const auto square_a = random_tensor({3, 3}, 1);
const auto square_b = random_tensor({3, 3}, 2);

}  // namespace

TEST_CASE("the op at fault is named with its line, operand and factor") {
  const int line = __LINE__ + 1;
  const auto f = [](auto x, auto w) { return sum(wrong_cube(matmul(x, w)) * sigmoid(x)); };
  const auto report = gradcheck(f, square_a, square_b);
  const GradcheckFinding finding = finding_of(report);
  CHECK(report.findings().size() == 1);
  CHECK(finding.op == "wrong_cube");
  CHECK(finding.where == fmt::format("diagnosis_test.cpp:{}", line));
  CHECK(finding.input == 0);
  CHECK(finding.fault == Fault::constant_factor);
  CHECK(finding.factor == doctest::Approx(1.0 / 3));
  CHECK(contains(report.to_string(), "op wrong_cube (diagnosis_test.cpp:"));
}

TEST_CASE("two inputs' gradients exchanged") {
  const GradcheckFinding finding =
      finding_of(gradcheck([](auto x, auto y) { return exp(wrong_product(x, y)); }, square_a, square_b));
  CHECK(finding.fault == Fault::swapped);
  CHECK(finding.op == "wrong_product");
  CHECK(contains(finding.text, "is swapped with that of input 2"));
}

TEST_CASE("the mistakes of a whole function, the ops of which are right or carry a rule of their own") {
  const auto report_of = [](const auto& rule) {
    return gradcheck(product_with(rule), named("left", square_a), square_b);
  };
  const auto right = [](auto g, auto, auto u, auto v) {
    return std::tuple(matmul(g, transpose(v)), matmul(transpose(u), g));
  };
  CHECK(report_of(right).ok());

  auto finding = finding_of(report_of(
      [](auto g, auto, auto u, auto v) { return std::tuple(-matmul(g, transpose(v)), matmul(transpose(u), g)); }));
  CHECK(finding.fault == Fault::opposite_sign);
  CHECK(contains(finding.text, "the gradient of input 1 (left) has the opposite sign"));
  CHECK(contains(finding.text, "suspect custom_vjp"));

  finding = finding_of(report_of(
      [](auto g, auto, auto u, auto v) { return std::tuple(matmul(g, transpose(v)), 9 * matmul(transpose(u), g)); }));
  CHECK(finding.fault == Fault::constant_factor);
  CHECK(finding.input == 1);
  CHECK(finding.factor == doctest::Approx(9));
  CHECK(contains(finding.text, "9 times the correct one, the number of elements of the input"));

  finding = finding_of(report_of([](auto g, auto, auto u, auto v) {
    return std::tuple(transpose(matmul(g, transpose(v))), matmul(transpose(u), g));
  }));
  CHECK(finding.fault == Fault::transposed);

  finding = finding_of(
      report_of([](auto g, auto, auto, auto v) { return std::tuple(matmul(g, transpose(v)), no_gradient); }));
  CHECK(finding.fault == Fault::missing);
  CHECK(finding.input == 1);

  finding = finding_of(report_of([](auto g, auto, auto u, auto v) {
    return std::tuple(matmul(g * 0 + 1, transpose(v)), matmul(transpose(u), g));
  }));
  CHECK(finding.fault == Fault::upstream_ignored);

  finding = finding_of(report_of([](auto g, auto, auto u, auto v) {
    return std::tuple(matmul(g, transpose(v)), sum(matmul(transpose(u), g), Axes{0}));
  }));
  CHECK(finding.fault == Fault::wrong_shape);
  CHECK(contains(finding.text, "(3,)"));

  finding = finding_of(report_of([](auto g, auto, auto u, auto v) {
    auto mask = Tensor<double>(xt::ones<double>({3, 3}));
    mask(1, 2) = 0;
    return std::tuple(matmul(g, transpose(v)) * mask, matmul(transpose(u), g));
  }));
  CHECK(finding.fault == Fault::some_elements);
  CHECK(contains(finding.text, "correct except at 1 of its 9 elements: (1, 2)"));
}

TEST_CASE("factors are told with where they may come from") {
  const auto finding_with = [](double factor) {
    return finding_of(gradcheck(product_with([factor](auto g, auto, auto u, auto v) {
                                  return std::tuple(factor * matmul(g, transpose(v)), matmul(transpose(u), g));
                                }),
                                random_tensor({2, 5}, 1), random_tensor({5, 4}, 2)));
  };
  for (const auto& [factor, says] :
       {std::pair{2.0, "is 2 times the correct one"},
        {0.5, "is 0.5 times the correct one"},
        {10.0, "10 times the correct one, the number of elements of the input"},
        {0.1, "0.1 times the correct one, 1 over the number of elements of the input"},
        {8.0, "8 times the correct one, the number of elements of the result"},
        {0.125, "0.125 times the correct one, 1 over the number of elements of the result"},
        {5.0, "5 times the correct one, the extent of its axis 1"},
        {0.2, "0.2 times the correct one, 1 over the extent of its axis 1"}}) {
    const GradcheckFinding finding = finding_with(factor);
    CHECK(finding.fault == Fault::constant_factor);
    CHECK(finding.factor == doctest::Approx(factor));
    CHECK(contains(finding.text, says));
  }
}

TEST_CASE("a broadcast axis that is not summed over, in an op and in a function") {
  const auto biased =
      custom_vjp([](auto x, auto bias) { return x + bias; }, [](auto g, auto, auto, auto) { return std::tuple(g, g); });
  const auto finding =
      finding_of(gradcheck([&](auto x, auto bias) { return biased(x, bias); }, square_a, random_tensor({3}, 4)));
  CHECK(finding.fault == Fault::wrong_shape);
  CHECK(contains(finding.text, "(3, 3)"));
  CHECK(contains(finding.text, "(3,)"));
  CHECK(contains(finding.text, "is a broadcast axis not summed over (sum_to)?"));
}

TEST_CASE("a value put back on the tape as a constant loses its gradient") {
  const auto finding = finding_of(gradcheck([](auto x) { return x * x.tape().constant(x.value()); }, square_a));
  CHECK(finding.fault == Fault::constant_factor);
  CHECK(finding.factor == doctest::Approx(0.5));
  CHECK(contains(finding.text, "every op is correct on its own"));
}

TEST_CASE("a vjp that is not linear in the cotangent fails the dot test") {
  // The extra term vanishes for every cotangent with a single nonzero element.
  const auto f = [](auto x) { return map_gradient(x, [](auto g) { return g + 0.1 * g * (sum(g) - g); }); };
  const auto finding = finding_of(gradcheck(f, random_tensor({3}, 3), GradcheckOptions{.orders = 1}));
  CHECK(finding.fault == Fault::not_linear);
  CHECK(gradcheck(f, random_tensor({3}, 3), GradcheckOptions{.orders = 1, .dot_test = false}).ok());
}

namespace {

// Returns the finding for f with the gradient rule g ↦ wrong(g).
template <class F, class Wrong>
GradcheckFinding finding_of_rule(const F& f, const Wrong& wrong, const Tensor<double>& x) {
  const auto rule = custom_vjp(f, [wrong](auto g, auto, auto) { return wrong(g); });
  return finding_of(gradcheck([&](auto u) { return tanh(rule(u)); }, x, GradcheckOptions{.orders = 1}));
}

}  // namespace

TEST_CASE("a gradient with its elements in another order is told with the order") {
  const Tensor<double> line = random_tensor({5}, 1), matrix = random_tensor({3, 4}, 2),
                       square = random_tensor({3, 3}, 3), cube = random_tensor({3, 3, 3}, 4);
  const auto check = [](const GradcheckFinding& finding, Fault fault, const std::string& says) {
    CHECK(finding.fault == fault);
    CHECK_MESSAGE(contains(finding.text, "the gradient of input 1 " + says + ";"), finding.text);
  };
  const auto same = [](auto g) { return g; };
  check(finding_of_rule([](auto x) { return flip(x); }, same, line), Fault::permuted,
        "is the correct one reversed along axis 0");
  check(finding_of_rule([](auto x) { return flip(x, Axes{1}); }, same, matrix), Fault::permuted,
        "is the correct one reversed along axis 1");
  check(finding_of_rule([](auto x) { return flip(x); }, same, matrix), Fault::permuted,
        "is the correct one reversed along axes 0 and 1");
  check(finding_of_rule([](auto x) { return roll(x, 2); }, [](auto g) { return roll(g, -1); }, line), Fault::permuted,
        "is the correct one rolled by 1 along axis 0");
  check(finding_of_rule([](auto x) { return roll(x, 1, Axes{1}); }, [](auto g) { return roll(g, 1, Axes{1}); }, matrix),
        Fault::permuted, "is the correct one rolled by 2 along axis 1");
  check(finding_of_rule([](auto x) { return roll(x, 1, Axes{0}); }, same, matrix), Fault::permuted,
        "is the correct one rolled by 1 along axis 0");
  check(finding_of_rule([](auto x) { return roll(x, 5); }, same, matrix), Fault::permuted,
        "is the correct one rolled by 5 in row-major order");
  check(finding_of_rule([](auto x) { return transpose(x); }, same, square), Fault::transposed, "is transposed");
  check(finding_of_rule([](auto x) { return swapaxes(x, 0, 1); }, same, cube), Fault::transposed,
        "is the correct one with its axes 0 and 1 swapped");
  check(finding_of_rule(
            [](auto x) {
              return transpose(x, {1, 2, 0});
            },
            same, cube),
        Fault::transposed, "is the correct one with its axes in the order 1, 2, 0");
  check(finding_of_rule([](auto x) { return flip(transpose(x), Axes{0}); }, same, square), Fault::permuted,
        "is transposed and reversed along axis 0");
  const Indices order{1, 2, 0, 4, 3, 6, 5};
  check(finding_of_rule([&](auto x) { return take(x, x.tape().indices(order), 0); }, same, random_tensor({7}, 5)),
        Fault::permuted, "has the correct elements in another order");
}

namespace {

struct Thrown {};  // not derived from std::exception

// The identity, with a vjp that throws an exception other than Error.
struct Throwing {
  static constexpr std::string_view name = "wrong_throwing";
  static constexpr std::string_view notation = "x";
  static constexpr std::size_t arity = 1;
  bool standard = true;
  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    std::copy_n(x.data, y.size(), y.data);
  }
  template <class T>
  Var<T> vjp(Var<T>, Var<T>, Var<T>) const {
    if (standard) throw std::runtime_error("out of luck");
    throw Thrown{};
  }
  static std::vector<StructuralExample<Throwing>> examples() { return {{{}, {{2}}}}; }
};

}  // namespace

TEST_CASE("what a vjp throws is reported with the op, whatever its type") {
  const auto throwing = [](bool standard) {
    return [standard](auto x) { return exp(record(Throwing{standard}, Location::current(), 2 * x)); };
  };
  auto finding = finding_of(gradcheck(throwing(true), square_a));
  CHECK(finding.op == "wrong_throwing");
  CHECK(contains(finding.text, "diagnosis_test.cpp"));
  CHECK(contains(finding.text, "the gradient cannot be computed: out of luck"));
  finding = finding_of(gradcheck(throwing(false), square_a));
  CHECK(finding.op == "wrong_throwing");
  CHECK(contains(finding.text, "throws an object other than a std::exception"));

  const auto rule = custom_vjp([](auto x) { return 2 * x; },
                               [](auto g, auto, auto) {
                                 if (g.size() > 0) throw std::out_of_range("beyond the end");
                                 return g;
                               });
  finding = finding_of(gradcheck([&](auto x) { return exp(rule(x)); }, square_a));
  CHECK(contains(finding.text, "the gradient cannot be computed: beyond the end; suspect custom_vjp"));

  const auto row = std::ranges::find(op_registry(), "wrong_throwing", &OpRow::name);
  REQUIRE(row != op_registry().end());
  const OpReport report = gradcheck_op(*row, {.random = 2});
  CHECK(report.wrong() == report.applications());
  CHECK(contains(report.to_string(), "op wrong_throwing"));
  CHECK(contains(report.to_string(), "out of luck"));
}
