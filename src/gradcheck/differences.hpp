// Numerical derivatives with error estimates.
#pragma once

#include <wengert/gradcheck/gradcheck.hpp>

#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace wengert::detail {

// A function along one direction: writes its values at x + t·v.
using Along = std::function<void(double t, std::span<double> values)>;

// The tolerated difference of two values.
struct Tolerance {
  double relative;
  double absolute;
  double at(double a, double b) const;
};

// The verdict on one analytic derivative.
struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  double numeric = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::infinity();
  bool kink = false;  // the slopes to the left and to the right differ
  bool jump = false;  // the function's values on the two sides differ
};

// Judges the derivatives at t = 0 of all values of `f`, which are `at_zero` there. The first step is `step` times
// max(1, |x|), rounded up to a power of 2, and shorter ones follow; for x near zero there are also steps relative to
// it. `x` is the element that is varied, or 1 along a direction.
std::vector<Judgement> judge_derivatives(const Along& f, std::span<const double> at_zero,
                                         std::span<const double> analytic, const Tolerance& tolerance, double step,
                                         double x);

}  // namespace wengert::detail
