// Formulas of one to eight inputs with all elementwise functions, compared with the same formulas on doubles.
//
// They must compile and give the same results at every optimisation level.
#include <wengert/wengert.hpp>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace {

// Functions that <cmath> lacks.
namespace plain {
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double relu(double x) { return x > 0 ? x : 0; }
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
double square(double x) { return x * x; }
double reciprocal(double x) { return 1 / x; }
double rsqrt(double x) { return 1 / std::sqrt(x); }
double maximum(double a, double b) { return a > b ? a : b; }
double minimum(double a, double b) { return a < b ? a : b; }
double where(bool mask, double a, double b) { return mask ? a : b; }
}  // namespace plain

// The formulas as generic functions, of doubles or of the number types of a kernel; inputs are in [0.2, 0.8].
auto of_one(const auto& x) {
  using namespace plain;
  return sigmoid(x) * tanh(x) + erf(x) - log1p(exp(-x)) + sqrt(x);
}
auto of_two(const auto& a, const auto& b) {
  using namespace plain;
  return pow(a, b) + hypot(a, b) * atan2(a, b) + maximum(a, b) * exp2(b);
}
auto of_three(const auto& a, const auto& b, const auto& c) {
  using namespace plain;
  return minimum(a, b) * sinh(c) + cosh(a * c) - asinh(b) + acosh(1 + c) * atanh(a);
}
auto of_four(const auto& a, const auto& b, const auto& c, const auto& d) {
  using namespace plain;
  return sin(a) * cos(b) + tan(c) - asin(d) + acos(a * b) * atan(c / d);
}
auto of_five(const auto& a, const auto& b, const auto& c, const auto& d, const auto& e) {
  using namespace plain;
  return log(a) + log2(b) * log10(c) + cbrt(d) * rsqrt(e) + reciprocal(a + e);
}
auto of_six(const auto& a, const auto& b, const auto& c, const auto& d, const auto& e, const auto& f) {
  using namespace plain;
  using std::abs;
  return square(a) + abs(b - 1) * relu(c) + expm1(d) * erfc(e) + sign(f) * floor(a + 2) + ceil(b) + trunc(c / 2);
}
auto of_seven(const auto& cell, const auto& forget, const auto& h, const auto& wi, const auto& bi, const auto& wc,
              const auto& bc) {
  using namespace plain;
  return cell * forget + tanh(h * wc + bc) / (1 + exp(-(h * wi + bi)));
}
auto of_eight(const auto& a, const auto& b, const auto& c, const auto& d, const auto& e, const auto& f, const auto& g,
              const auto& h) {
  using namespace plain;
  return tanh(a * b + c) * exp(-d * e) / (1 + exp(f * g)) + erf(a - h) * sigmoid(b + c) * tanh(d - e) +
         where(h > 2, sqrt(h) + tanh(a), log(h) * exp(b)) + round(f / 4);
}

constexpr auto domain = wengert::input_domain([] { return wengert::Domain{0.2, 0.8}; });
constexpr auto one = wengert::elementwise<"of_one">([](auto a) { return of_one(a); }, domain);
constexpr auto two = wengert::elementwise<"of_two">([](auto a, auto b) { return of_two(a, b); }, domain);
constexpr auto three =
    wengert::elementwise<"of_three">([](auto a, auto b, auto c) { return of_three(a, b, c); }, domain);
constexpr auto four =
    wengert::elementwise<"of_four">([](auto a, auto b, auto c, auto d) { return of_four(a, b, c, d); }, domain);
constexpr auto five = wengert::elementwise<"of_five">(
    [](auto a, auto b, auto c, auto d, auto e) { return of_five(a, b, c, d, e); }, domain);
constexpr auto six = wengert::elementwise<"of_six">(
    [](auto a, auto b, auto c, auto d, auto e, auto f) { return of_six(a, b, c, d, e, f); }, domain);
constexpr auto seven = wengert::elementwise<"of_seven">(
    [](auto a, auto b, auto c, auto d, auto e, auto f, auto g) { return of_seven(a, b, c, d, e, f, g); }, domain);
constexpr auto eight = wengert::elementwise<"of_eight">(
    [](auto a, auto b, auto c, auto d, auto e, auto f, auto g, auto h) { return of_eight(a, b, c, d, e, f, g, h); },
    domain);

int failed = 0;

// Compares the op on Vars of 21 elements, not a multiple of the lane width, with the formula on doubles.
template <class T, class Op, class Formula, std::size_t... I>
void compare(const char* name, const Op& op, const Formula& formula, double bound, std::index_sequence<I...>) {
  constexpr std::size_t size = 21;
  std::vector<wengert::Tensor<T>> inputs;
  for (std::size_t i = 0; i < sizeof...(I); ++i) {
    inputs.push_back(wengert::Tensor<T>::from_shape({size}));
    for (std::size_t k = 0; k < size; ++k)
      inputs[i](k) = static_cast<T>(0.2 + 0.6 * std::fmod(0.37 * static_cast<double>((i + 1) * (k + 1)), 1));
  }
  wengert::Tape<T> tape;
  const auto result = op(tape.variable(inputs[I])...).value();
  for (std::size_t k = 0; k < size; ++k) {
    const double expected = formula(static_cast<double>(inputs[I](k))...);
    if (std::abs(result(k) - expected) <= bound * (1 + std::abs(expected))) continue;
    std::printf("FAILED: %s is %.17g at element %zu; expected %.17g\n", name, static_cast<double>(result(k)), k,
                expected);
    ++failed;
  }
}
template <std::size_t inputs, class Op, class Formula>
void check(const char* name, const Op& op, const Formula& formula) {
  compare<float>(name, op, formula, 1e-5, std::make_index_sequence<inputs>{});
  compare<double>(name, op, formula, 1e-13, std::make_index_sequence<inputs>{});
}

}  // namespace

int main() {
  check<1>("of_one", one, [](auto... x) { return of_one(x...); });
  check<2>("of_two", two, [](auto... x) { return of_two(x...); });
  check<3>("of_three", three, [](auto... x) { return of_three(x...); });
  check<4>("of_four", four, [](auto... x) { return of_four(x...); });
  check<5>("of_five", five, [](auto... x) { return of_five(x...); });
  check<6>("of_six", six, [](auto... x) { return of_six(x...); });
  check<7>("of_seven", seven, [](auto... x) { return of_seven(x...); });
  check<8>("of_eight", eight, [](auto... x) { return of_eight(x...); });
  const wengert::OpCheckOptions fast{.gradcheck = {.orders = 1, .mode = wengert::GradcheckMode::fast}, .random = 2};
  for (const wengert::OpRow& row : wengert::op_registry()) {
    if (!row.name.starts_with("of_")) continue;
    const wengert::OpReport report = gradcheck_op(row, fast);
    if (report.ok()) continue;
    std::printf("FAILED: %s\n", report.to_string().c_str());
    ++failed;
  }
  std::printf("%s\n", failed == 0 ? "ok" : "failed");
  return failed == 0 ? 0 : 1;
}
