// Numerical derivatives that know their error.
#pragma once

#include <wengert/gradcheck.hpp>

#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace wengert::detail {

// A function along one direction: writes its values at x + t·v.
using Along = std::function<void(double t, std::span<double> values)>;

// How far two values may differ.
struct Tolerance {
  double relative;
  double absolute;
  double at(double a, double b) const;
};

// What is said of one analytic derivative.
struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  double numeric = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::infinity();
  bool kink = false;  // the slopes to the left and to the right differ
  bool jump = false;  // the function itself does
};

// Judges the derivatives at t = 0 of all values of `f`, whose values there are `at_zero`. The first step is `step`
// times max(1, |x|), and shorter ones follow; for an x near zero there are also steps relative to it. `x` is the
// element that is moved, or 1 along a direction.
std::vector<Judgement> judge_derivatives(const Along& f, std::span<const double> at_zero,
                                         std::span<const double> analytic, const Tolerance& tolerance, double step,
                                         double x);

}  // namespace wengert::detail
