// Numerical derivatives by Ridders' method: accuracy, verdicts, kinks, jumps, and the edges of domains.
#include "gradcheck/differences.hpp"

#include "testing.hpp"

#include <random>

using namespace wengert;
using namespace wengert::detail;

namespace {

constexpr Tolerance usual{1e-6, 1e-8};

// Judges the derivative of a function of one number.
template <class F>
Judgement judge_at(double x, double analytic, const F& f, double step = 0x1p-5) {
  const std::array at_zero{f(x)};
  const std::array given{analytic};
  return judge_derivatives([&](double t, std::span<double> value) { value[0] = f(x + t); }, at_zero, given, usual, step,
                           x)[0];
}

}  // namespace

TEST_CASE("the numerical derivative is as exact as its error says, and far more exact than one step") {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> places(0.2, 3);
  for (int k = 0; k < 200; ++k) {
    const double x = places(generator);
    const auto check = [&](double derivative, const auto& f) {
      const Judgement j = judge_at(x, derivative, f);
      CAPTURE(x);
      CHECK(j.verdict == Verdict::right);
      CHECK(std::abs(j.numeric - derivative) <= j.error);
      CHECK(std::abs(j.numeric - derivative) <= 1e-7 * (1 + std::abs(derivative)));
    };
    check(std::exp(x), [](double t) { return std::exp(t); });
    check(1 / x, [](double t) { return std::log(t); });
    check(100 * std::cos(100 * x), [](double t) { return std::sin(100 * t); });
    check(5 * std::pow(x, 4), [](double t) { return std::pow(t, 5); });
    check(1 / (1 + x * x), [](double t) { return std::atan(t); });
  }
}

TEST_CASE("a derivative that is off by 10 parts in a million is wrong, one that is off by less is right") {
  const auto f = [](double t) { return std::exp(t); };
  CHECK(judge_at(1, std::exp(1) * (1 + 1e-5), f).verdict == Verdict::wrong);
  CHECK(judge_at(1, std::exp(1) * (1 - 1e-5), f).verdict == Verdict::wrong);
  CHECK(judge_at(1, std::exp(1) * (1 + 1e-7), f).verdict == Verdict::right);
  CHECK(judge_at(1, std::nan(""), f).verdict == Verdict::wrong);
}

TEST_CASE("what rounding hides is inconclusive, not wrong") {
  const auto f = [](double t) { return 1e10 + t; };  // its unit in the last place is 2e-6
  CHECK(judge_at(1, 1, f).verdict == Verdict::inconclusive);
  CHECK(judge_at(1, 1.00001, f).verdict == Verdict::inconclusive);
  CHECK(judge_at(1, -1, f).verdict == Verdict::wrong);
}

TEST_CASE("at a kink any slope between left and right is right") {
  const auto f = [](double t) { return t < 0 ? -t : 2 * t; };
  for (const double slope : {-1.0, 0.0, 0.5, 2.0}) {
    const Judgement j = judge_at(0, slope, f);
    CHECK(j.verdict == Verdict::right);
    CHECK(j.kink);
  }
  CHECK(judge_at(0, -1.1, f).verdict == Verdict::wrong);
  CHECK(judge_at(0, 2.1, f).verdict == Verdict::wrong);
}

TEST_CASE("a kink beside the point does no harm, however near") {
  const auto f = [](double t) { return t < 0 ? 0 : std::sin(t); };
  for (const double distance : {1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-14}) {
    CAPTURE(distance);
    CHECK(judge_at(distance, std::cos(distance), f).verdict == Verdict::right);
    CHECK(judge_at(-distance, 0, f).verdict == Verdict::right);
    CHECK(judge_at(distance, 2, f).verdict == Verdict::wrong);
  }
}

TEST_CASE("a smooth bend is not taken for a kink") {
  const auto f = [](double t) { return std::sqrt(t * t + 1e-10); };
  CHECK(judge_at(0, 0, f).verdict == Verdict::right);
  CHECK(!judge_at(0, 0, f).kink);
  CHECK(judge_at(0, 0.5, f).verdict == Verdict::wrong);
}

TEST_CASE("a jump and an infinite slope have no derivative") {
  CHECK(judge_at(0, 0, [](double t) { return t < 0 ? 0.0 : 1.0; }).verdict == Verdict::inconclusive);
  CHECK(judge_at(0, 0, [](double t) { return t < 0 ? 0.0 : 1.0; }).jump);
  CHECK(judge_at(0, 1, [](double t) { return std::cbrt(t); }).verdict != Verdict::right);
}

TEST_CASE("at the edge of the domain one side decides; small arguments get small steps") {
  CHECK(judge_at(0, 1, [](double t) { return std::pow(t, 1.5) + t; }).verdict != Verdict::wrong);  // NaN below 0
  CHECK(judge_at(1, 0.5, [](double t) { return t < 1 ? std::nan("") : std::log(1 + t); }).verdict == Verdict::right);
  CHECK(judge_at(1, 0.6, [](double t) { return t < 1 ? std::nan("") : std::log(1 + t); }).verdict == Verdict::wrong);
  CHECK(judge_at(1e-9, 1e9, [](double t) { return std::log(t); }).verdict == Verdict::right);
  CHECK(judge_at(1e-9, 2e9, [](double t) { return std::log(t); }).verdict == Verdict::wrong);
  CHECK(judge_at(1e6, 2e6, [](double t) { return t * t; }).verdict == Verdict::right);
}
