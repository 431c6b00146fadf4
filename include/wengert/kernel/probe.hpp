// Probe: the first reading of a user's formula, which refuses typical mistakes with advice, on the line that made them.
#pragma once

#include <algorithm>

/// Makes every use a compile error that says what to do instead.
#define WENGERT_REFUSED(advice) __attribute__((unavailable(advice)))

namespace wengert {

struct Probe;
template <class X>
struct Dual;

/// The answer of a comparison of Probes.
struct ProbeMask {
  int operations = 0;  ///< that lead to it

  friend constexpr Probe number_of(ProbeMask);
  friend constexpr ProbeMask operator&&(ProbeMask a, ProbeMask b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator||(ProbeMask a, ProbeMask b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator!(ProbeMask a) { return {a.operations + 1}; }

  WENGERT_REFUSED("a comparison in a formula answers for many elements: choose with where(mask, a, b), not if or ?:")
  explicit operator bool() const;
};

/// A number that counts the operations that lead to it, instead of being computed. The other readings declare its
/// conversions without a message, so that a mistake is told once.
struct Probe {
  static constexpr int many = 1000;  ///< for functions like exp
  int operations = 0;                ///< that lead to it

  friend constexpr Probe lift(const Probe&, double) { return {}; }
  friend constexpr Probe operator+(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr Probe operator-(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr Probe operator*(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr Probe operator/(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr Probe operator-(const Probe& a) { return {a.operations + 1}; }
  friend constexpr ProbeMask operator<(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator>(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator<=(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator>=(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator==(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr ProbeMask operator!=(const Probe& a, const Probe& b) { return {a.operations + b.operations + 1}; }
  friend constexpr Probe where(ProbeMask m, const Probe& a, const Probe& b) {
    return {m.operations + a.operations + b.operations + 1};
  }

  WENGERT_REFUSED("in a formula call functions without std::, as in exp(x), maximum(a, b): wengert has them")
  operator double() const;  // NOLINT(google-explicit-constructor)
};

constexpr Probe number_of(ProbeMask) { return {}; }

}  // namespace wengert

// Their own instantiations would fail inside the standard library, far from the formula.
template <>
WENGERT_REFUSED("in a formula the larger of two is maximum(a, b)")
const wengert::Probe& std::max(const wengert::Probe&, const wengert::Probe&);
template <>
WENGERT_REFUSED("in a formula the smaller of two is minimum(a, b)")
const wengert::Probe& std::min(const wengert::Probe&, const wengert::Probe&);
template <>
WENGERT_REFUSED("in a formula the larger of two is maximum(a, b)")
const wengert::Dual<wengert::Probe>& std::max(const wengert::Dual<wengert::Probe>&,
                                              const wengert::Dual<wengert::Probe>&);
template <>
WENGERT_REFUSED("in a formula the smaller of two is minimum(a, b)")
const wengert::Dual<wengert::Probe>& std::min(const wengert::Dual<wengert::Probe>&,
                                              const wengert::Dual<wengert::Probe>&);
