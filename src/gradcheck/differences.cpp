// Ridders' method, and the verdicts drawn from its results.
#include "gradcheck/differences.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace wengert::detail {

double Tolerance::at(double a, double b) const { return absolute + relative * std::max(std::abs(a), std::abs(b)); }

namespace {

constexpr std::size_t max_steps = 6;  // of one tableau, each half the one before
constexpr double shorter = 0x1p-6;    // ratio of a tableau's first step to that of the one before
constexpr std::size_t tableaus = 4;   // from step 2⁻⁵ down to 2⁻²⁸
constexpr double certain = 5;         // a difference of this many error estimates is not numerical error
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = infinity;
};

// Extrapolates differences with steps h, h/2, h/4, … to step 0. Each cell eliminates one more power of h. Its error is
// its distance from the two cells that it is computed from; the cell with the smallest error is the result.
class Tableau {
 public:
  // `ratio` is 2 raised to the first power of h in the error: 4 for central differences, whose error has only even
  // powers; 2 for one-sided ones.
  explicit Tableau(double ratio) : ratio_(ratio) {}

  void add(double difference, double rounding) {
    if (!std::isfinite(difference)) {
      count_ = 0;  // the function is not defined at this distance
      return;
    }
    double cell = difference;
    double power = ratio_;
    for (std::size_t column = 0; column < count_; ++column, power *= ratio_) {
      const double above = std::exchange(row_[column], cell);
      const double next = cell + (cell - above) / (power - 1);
      const double error = std::max(std::abs(next - cell), std::abs(next - above)) + rounding;
      if (error < best_.error) best_ = {next, error};
      cell = next;
    }
    row_[count_++] = cell;
  }
  const Estimate& best() const { return best_; }

 private:
  double ratio_;
  std::size_t count_ = 0;
  std::array<double, max_steps> row_{};
  Estimate best_;
};

// Estimates of one value's derivative from one sequence of steps.
struct Slopes {
  Estimate central;
  Estimate left;
  Estimate right;
  bool jump = false;

  // Whether both one-sided slopes are known and differ by more than their errors.
  bool apart(const Tolerance& tolerance) const {
    return gap() > tolerance.at(left.value, right.value) + 2 * certain * (left.error + right.error);
  }
  double gap() const { return std::abs(right.value - left.value); }
  // Whether both one-sided slopes are known well enough to tell a kink of this size from a smooth point.
  bool tells(double kink) const { return left.error + right.error <= 0.05 * kink; }
  // The central difference or, at the edge of the domain, the one-sided slope that exists.
  Estimate best() const {
    if (std::isfinite(central.error)) return central;
    return left.error < right.error ? left : right;
  }
};

std::vector<Slopes> slopes_of(const Along& f, std::span<const double> at_zero, const Tolerance& tolerance, double step,
                              double size_of_x) {
  const std::size_t size = at_zero.size();
  std::vector<Tableau> central(size, Tableau(4)), left(size, Tableau(2)), right(size, Tableau(2));
  std::vector<double> up(size), down(size), first_gap(size);
  std::vector<Slopes> result(size);
  for (std::size_t k = 0; k < max_steps; ++k) {
    const double h = step * std::exp2(-static_cast<double>(k));
    f(h, up);
    f(-h, down);
    bool settled = k >= 2;
    for (std::size_t i = 0; i < size; ++i) {
      const double zero = at_zero[i];
      const double slope = (up[i] - down[i]) / (2 * h);
      const double to_left = (zero - down[i]) / h;
      const double to_right = (up[i] - zero) / h;
      const auto rounding = [&](double a, double b, double derivative) {  // of the values, and of x ± h
        return epsilon * (std::abs(a) + std::abs(b) + size_of_x * std::abs(derivative)) / h;
      };
      central[i].add(slope, rounding(up[i], down[i], slope));
      left[i].add(to_left, rounding(zero, down[i], to_left));
      right[i].add(to_right, rounding(up[i], zero, to_right));
      Slopes& s = result[i] = {central[i].best(), left[i].best(), right[i].best(), false};
      const double gap = std::abs(up[i] - down[i]);
      if (k == 0) first_gap[i] = gap;
      // Over five halvings, the gap of a smooth function shrinks by 2⁵, that of a square root still by 2^2.5.
      s.jump = k + 1 == max_steps && gap > 0.7 * first_gap[i] &&
               gap > 100 * h * (rounding(up[i], down[i], slope) + tolerance.absolute);
      const bool exact = s.central.error <= 0.1 * tolerance.at(s.central.value, 0);
      settled = settled && exact && !s.apart(tolerance);
    }
    if (settled) break;
  }
  return result;
}

bool agrees(double analytic, const Estimate& numeric, const Tolerance& tolerance) {
  const double tolerated = tolerance.at(analytic, numeric.value);
  return std::abs(analytic - numeric.value) <= tolerated && numeric.error <= tolerated;
}

// The verdict on one value from all sequences, those with the longest steps first.
Judgement judge(double analytic, std::span<const Slopes* const> sequences, const Tolerance& tolerance) {
  Judgement result;
  const auto best = [](const Slopes* a, const Slopes* b) { return a->best().error < b->best().error; };
  const Estimate numeric = (*std::min_element(sequences.begin(), sequences.end(), best))->best();
  result.numeric = numeric.value;
  result.error = numeric.error;

  if (sequences.back()->jump) {
    result.jump = true;
    return result;
  }
  // The shortest steps that are precise enough decide whether a gap between the slopes is a kink.
  double gap = 0;
  for (const Slopes* s : sequences)
    if (s->apart(tolerance)) gap = std::max(gap, s->gap());
  for (std::size_t i = sequences.size(); i-- > 0;) {
    const Slopes& s = *sequences[i];
    if (!s.tells(gap)) continue;
    if (!s.apart(tolerance)) break;
    result.kink = true;
    const auto [low, high] = std::minmax(s.left.value, s.right.value);
    const double margin = tolerance.at(low, high) + certain * (s.left.error + s.right.error);
    result.verdict = analytic >= low - margin && analytic <= high + margin ? Verdict::right : Verdict::wrong;
    result.numeric = std::abs(analytic - low) < std::abs(analytic - high) ? low : high;
    result.error = s.left.error + s.right.error;
    return result;
  }
  for (const Slopes* s : sequences)
    if (agrees(analytic, s->best(), tolerance)) {
      result.verdict = Verdict::right;
      result.numeric = s->best().value;
      result.error = s->best().error;
      return result;
    }
  if (!std::isfinite(numeric.error)) return result;
  const double difference = std::abs(analytic - numeric.value);
  if (!(difference <= tolerance.at(analytic, numeric.value) + certain * numeric.error)) result.verdict = Verdict::wrong;
  return result;
}

// The first steps of the sequences, longest first.
std::vector<double> first_steps(double step, double x) {
  std::vector<double> result;
  double scaled = step * std::exp2(std::ceil(std::log2(std::max(1.0, std::abs(x)))));
  for (std::size_t i = 0; i < tableaus; ++i, scaled *= shorter) result.push_back(scaled);
  if (x != 0 && std::abs(x) < shorter) result.push_back(step * std::abs(x));
  std::sort(result.rbegin(), result.rend());
  return result;
}

}  // namespace

std::vector<Judgement> judge_derivatives(const Along& f, std::span<const double> at_zero,
                                         std::span<const double> analytic, const Tolerance& tolerance, double step,
                                         double x) {
  const std::vector<double> steps = first_steps(step, x);
  std::vector<Judgement> result(at_zero.size());
  std::vector<std::vector<Slopes>> sequences;
  // For a smooth function with right gradients, the common case, the first sequence suffices.
  sequences.push_back(slopes_of(f, at_zero, tolerance, steps[0], std::abs(x)));
  bool settled = true;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Slopes& s = sequences[0][i];
    if (s.jump || s.apart(tolerance) || !agrees(analytic[i], s.central, tolerance))
      settled = false;
    else
      result[i] = {Verdict::right, s.central.value, s.central.error, false, false};
  }
  if (settled) return result;

  for (std::size_t k = 1; k < steps.size(); ++k)
    sequences.push_back(slopes_of(f, at_zero, tolerance, steps[k], std::abs(x)));
  std::vector<const Slopes*> of_value(sequences.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i].verdict == Verdict::right) continue;
    for (std::size_t k = 0; k < sequences.size(); ++k) of_value[k] = &sequences[k][i];
    result[i] = judge(analytic[i], of_value, tolerance);
  }
  return result;
}

}  // namespace wengert::detail
