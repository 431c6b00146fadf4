// Tally: the number type that counts a formula's operations and determines whether it branches.
#pragma once

namespace wengert {

struct Tally;

/// The result of a comparison of Tallies.
struct TallyMask {
  int operations = 0;  ///< number of operations that lead to it

  friend constexpr Tally number_of(TallyMask);
  friend constexpr TallyMask operator&&(TallyMask a, TallyMask b) { return {a.operations + b.operations + 1}; }
  friend constexpr TallyMask operator||(TallyMask a, TallyMask b) { return {a.operations + b.operations + 1}; }
  friend constexpr TallyMask operator!(TallyMask a) { return {a.operations + 1}; }

  explicit operator bool() const;  // see Probe
};

/// A number that counts the operations that lead to it, instead of being computed.
struct Tally {
  static constexpr int many = 1000;  ///< what a call of a function like exp counts
  int operations = 0;                ///< number of operations that lead to it
  bool branches = false;             ///< whether a `where` is among them

  friend constexpr Tally lift(const Tally&, double) { return {}; }
  friend constexpr Tally operator+(const Tally& a, const Tally& b) { return joined(a, b); }
  friend constexpr Tally operator-(const Tally& a, const Tally& b) { return joined(a, b); }
  friend constexpr Tally operator*(const Tally& a, const Tally& b) { return joined(a, b); }
  friend constexpr Tally operator/(const Tally& a, const Tally& b) { return joined(a, b); }
  friend constexpr Tally operator-(const Tally& a) { return joined(a, {}); }
  friend constexpr TallyMask operator<(const Tally& a, const Tally& b) { return {joined(a, b).operations}; }
  friend constexpr TallyMask operator>(const Tally& a, const Tally& b) { return {joined(a, b).operations}; }
  friend constexpr TallyMask operator<=(const Tally& a, const Tally& b) { return {joined(a, b).operations}; }
  friend constexpr TallyMask operator>=(const Tally& a, const Tally& b) { return {joined(a, b).operations}; }
  friend constexpr TallyMask operator==(const Tally& a, const Tally& b) { return {joined(a, b).operations}; }
  friend constexpr TallyMask operator!=(const Tally& a, const Tally& b) { return {joined(a, b).operations}; }
  friend constexpr Tally where(TallyMask m, const Tally& a, const Tally& b) {
    return {m.operations + a.operations + b.operations + 1, true};
  }

  operator double() const;  // NOLINT: see Probe

  static constexpr Tally joined(const Tally& a, const Tally& b) {
    return {a.operations + b.operations + 1, a.branches || b.branches};
  }
};

constexpr Tally number_of(TallyMask) { return {}; }

}  // namespace wengert
