// Reads: the number type that determines which inputs a formula depends on.
#pragma once

#include <cstdint>

namespace wengert {

struct Reads;

/// The result of a comparison of Reads.
struct ReadsMask {
  std::uint32_t inputs = 0;  ///< the inputs that decide it, one bit each

  friend constexpr Reads number_of(ReadsMask);
  friend constexpr ReadsMask operator&&(ReadsMask a, ReadsMask b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator||(ReadsMask a, ReadsMask b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator!(ReadsMask a) { return a; }

  explicit operator bool() const;  // see Probe
};

/// The set of inputs that a number is computed from: the union over its operands; for a `where`, over both branches and
/// the condition. Nothing is folded, so a product with 0 still depends on its other factor: the set always contains
/// what a kernel reads.
struct Reads {
  std::uint32_t inputs = 0;  ///< one bit each

  friend constexpr Reads lift(const Reads&, double) { return {}; }
  friend constexpr Reads operator+(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr Reads operator-(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr Reads operator*(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr Reads operator/(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr Reads operator-(const Reads& a) { return a; }
  friend constexpr ReadsMask operator<(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator>(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator<=(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator>=(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator==(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr ReadsMask operator!=(const Reads& a, const Reads& b) { return {a.inputs | b.inputs}; }
  friend constexpr Reads where(ReadsMask m, const Reads& a, const Reads& b) { return {m.inputs | a.inputs | b.inputs}; }

  operator double() const;  // NOLINT: see Probe
};

constexpr Reads number_of(ReadsMask) { return {}; }

}  // namespace wengert
