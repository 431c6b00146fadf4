// Probe: the first reading of a user's formula, which refuses typical mistakes with advice, on the line that made them.
#pragma once

#include <algorithm>

/// Makes every use a compile error that says what to do instead.
#define WENGERT_REFUSED(advice) __attribute__((unavailable(advice)))

namespace wengert {

struct Probe;

/// The answer of a comparison of Probes.
struct ProbeMask {
  friend Probe number_of(ProbeMask);
  friend ProbeMask operator&&(ProbeMask, ProbeMask);
  friend ProbeMask operator||(ProbeMask, ProbeMask);
  friend ProbeMask operator!(ProbeMask);

  WENGERT_REFUSED("a comparison in a formula answers for many elements: choose with where(mask, a, b), not if or ?:")
  explicit operator bool() const;
};

/// A number that is never computed with. The other readings declare its conversions without a message, so that a
/// mistake is told once.
struct Probe {
  friend Probe lift(const Probe&, double);
  friend Probe operator+(const Probe&, const Probe&);
  friend Probe operator-(const Probe&, const Probe&);
  friend Probe operator*(const Probe&, const Probe&);
  friend Probe operator/(const Probe&, const Probe&);
  friend Probe operator-(const Probe&);
  friend ProbeMask operator<(const Probe&, const Probe&);
  friend ProbeMask operator>(const Probe&, const Probe&);
  friend ProbeMask operator<=(const Probe&, const Probe&);
  friend ProbeMask operator>=(const Probe&, const Probe&);
  friend ProbeMask operator==(const Probe&, const Probe&);
  friend ProbeMask operator!=(const Probe&, const Probe&);
  friend Probe where(ProbeMask, const Probe&, const Probe&);

  WENGERT_REFUSED("in a formula call functions without std::, as in exp(x), maximum(a, b): wengert has them")
  operator double() const;  // NOLINT(google-explicit-constructor)
};

}  // namespace wengert

// Their own instantiations would fail inside the standard library, far from the formula.
template <>
WENGERT_REFUSED("in a formula the larger of two is maximum(a, b)")
const wengert::Probe& std::max(const wengert::Probe&, const wengert::Probe&);
template <>
WENGERT_REFUSED("in a formula the smaller of two is minimum(a, b)")
const wengert::Probe& std::min(const wengert::Probe&, const wengert::Probe&);
