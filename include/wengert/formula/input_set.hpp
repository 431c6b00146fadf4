// InputSet: the number type that determines which inputs a formula depends on.
#pragma once

#include <cstdint>

namespace wengert {

struct InputSet;

/// The result of a comparison of InputSets.
struct InputSetMask {
  std::uint32_t inputs = 0;  ///< the inputs that decide it, one bit each

  friend constexpr InputSet number_of(InputSetMask);
  friend constexpr InputSetMask operator&&(InputSetMask a, InputSetMask b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator||(InputSetMask a, InputSetMask b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator!(InputSetMask a) { return a; }

  explicit operator bool() const;  // see Probe
};

/// The set of inputs that a number is computed from: the union over its operands; for a `where`, over both branches and
/// the condition. Nothing is folded, so a product with 0 still depends on its other factor: the set always contains
/// what a kernel reads.
struct InputSet {
  std::uint32_t inputs = 0;  ///< one bit each

  friend constexpr InputSet lift(const InputSet&, double) { return {}; }
  friend constexpr InputSet operator+(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSet operator-(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSet operator*(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSet operator/(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSet operator-(const InputSet& a) { return a; }
  friend constexpr InputSetMask operator<(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator>(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator<=(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator>=(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator==(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSetMask operator!=(const InputSet& a, const InputSet& b) { return {a.inputs | b.inputs}; }
  friend constexpr InputSet where(InputSetMask m, const InputSet& a, const InputSet& b) {
    return {m.inputs | a.inputs | b.inputs};
  }

  operator double() const;  // NOLINT: see Probe
};

constexpr InputSet number_of(InputSetMask) { return {}; }

}  // namespace wengert
