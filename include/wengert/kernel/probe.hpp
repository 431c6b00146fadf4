// Probe: the first reading of a user's formula, which refuses typical mistakes with advice, on the line that made them.
#pragma once

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

  WENGERT_REFUSED(
      "a comparison in a formula answers for many elements: choose with where(mask, a, b), maximum(a, b) or minimum(a, "
      "b), not with if, ?: or std::max")
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
