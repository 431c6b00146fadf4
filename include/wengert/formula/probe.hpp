// Probe: the first instantiation of a user's formula; rejects typical mistakes, with advice, on the user's line.
#pragma once

/// Makes every use a compile error with this advice.
#define WENGERT_REFUSED(advice) __attribute__((unavailable(advice)))

namespace wengert {

struct Probe;

/// The result of a comparison of Probes.
struct ProbeMask {
  friend constexpr Probe number_of(ProbeMask);
  friend constexpr ProbeMask operator&&(ProbeMask, ProbeMask) { return {}; }
  friend constexpr ProbeMask operator||(ProbeMask, ProbeMask) { return {}; }
  friend constexpr ProbeMask operator!(ProbeMask) { return {}; }

  WENGERT_REFUSED(
      "a comparison in a formula applies to many elements: choose with where(mask, a, b), maximum(a, b) or minimum(a, "
      "b), not with if, ?: or std::max")
  explicit operator bool() const;
};

/// A number that is never computed, although unoptimised code may contain functions of it. The other number types
/// declare the same conversions without a message, so that a mistake is reported once.
struct Probe {
  friend constexpr Probe lift(const Probe&, double) { return {}; }
  friend constexpr Probe operator+(const Probe&, const Probe&) { return {}; }
  friend constexpr Probe operator-(const Probe&, const Probe&) { return {}; }
  friend constexpr Probe operator*(const Probe&, const Probe&) { return {}; }
  friend constexpr Probe operator/(const Probe&, const Probe&) { return {}; }
  friend constexpr Probe operator-(const Probe&) { return {}; }
  friend constexpr ProbeMask operator<(const Probe&, const Probe&) { return {}; }
  friend constexpr ProbeMask operator>(const Probe&, const Probe&) { return {}; }
  friend constexpr ProbeMask operator<=(const Probe&, const Probe&) { return {}; }
  friend constexpr ProbeMask operator>=(const Probe&, const Probe&) { return {}; }
  friend constexpr ProbeMask operator==(const Probe&, const Probe&) { return {}; }
  friend constexpr ProbeMask operator!=(const Probe&, const Probe&) { return {}; }
  friend constexpr Probe where(ProbeMask, const Probe&, const Probe&) { return {}; }

  WENGERT_REFUSED("in a formula, call wengert's functions without std::, as in exp(x), maximum(a, b)")
  operator double() const;  // NOLINT(google-explicit-constructor)
};

constexpr Probe number_of(ProbeMask) { return {}; }

}  // namespace wengert
