// The line search for the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6), with the bounds
// and safeguards of Schmidt's minFunc, as in PyTorch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace wengert::optim {

/// A point on a line.
template <class T>
struct LinePoint {
  double t = 0;  // position on the line
  double loss = 0;
  std::vector<T> gradient;
  double slope = 0;  // of the loss along the line
};

/// The minimum of the cubic through two points with their slopes, clamped to [low, high]; if it has none, the midpoint.
template <class T>
double cubic_minimum(const LinePoint<T>& p, const LinePoint<T>& q, double low, double high) {
  const LinePoint<T>&a = p.t <= q.t ? p : q, &b = p.t <= q.t ? q : p;
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double d2 = std::sqrt(d1 * d1 - a.slope * b.slope);
  const double t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  return std::isnan(t) ? (low + high) / 2 : std::clamp(t, low, high);
}

/// Finds a point of sufficient decrease (c₁ = 1e-4) that meets the curvature condition (c₂ = 0.9), or the best of
/// `most` tries.
///
/// `at(t)` evaluates the loss at t; `start` is the point at 0, `first` the first t to try. The search stops when the
/// bracket is narrower than `resolution`. A loss that is NaN counts as too large.
template <class T, class At>
LinePoint<T> strong_wolfe(const At& at, const LinePoint<T>& start, double first, double resolution, int most = 25) {
  const auto fell = [&](const LinePoint<T>& p) { return p.loss <= start.loss + 1e-4 * p.t * start.slope; };
  const auto flat = [&](const LinePoint<T>& p) { return std::abs(p.slope) <= -0.9 * start.slope; };

  // Extend the step until the last two points bracket a minimum.
  LinePoint<T> low = start, high = at(first);
  int tries = 0;
  for (; tries < most; ++tries) {
    if (!fell(high) || (tries > 1 && high.loss >= low.loss)) break;
    if (flat(high)) return high;
    if (high.slope >= 0) break;
    const double next = cubic_minimum(low, high, high.t + 0.01 * (high.t - low.t), 10 * high.t);
    low = std::exchange(high, at(next));
  }
  if (tries == most) low = start;
  if (high.loss < low.loss) std::swap(low, high);

  // Narrow the bracket; `low` is its better end.
  bool near_end = false;  // whether the last try was near an end of the bracket
  for (; tries < most && std::abs(high.t - low.t) >= resolution; ++tries) {
    const auto [left, right] = std::minmax(low.t, high.t);
    double t = cubic_minimum(low, high, left, right);
    const double margin = 0.1 * (right - left);
    if (std::min(right - t, t - left) >= margin) {
      near_end = false;
    } else if (near_end || t >= right || t <= left) {
      t = right - t < t - left ? right - margin : left + margin;
      near_end = false;
    } else {
      near_end = true;
    }
    LinePoint<T> point = at(t);
    if (!fell(point) || !(point.loss < low.loss)) {
      high = std::move(point);
      if (high.loss < low.loss) std::swap(low, high);
      continue;
    }
    if (flat(point)) return point;
    if (point.slope * (high.t - low.t) >= 0) high = low;
    low = std::move(point);
  }
  return low;
}

}  // namespace wengert::optim
