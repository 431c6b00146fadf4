// Symbol: a Var or a constant, the number type that records a formula's derivative as nodes.
#pragma once

#include <wengert/kernel/dual.hpp>
#include <wengert/op.hpp>

#include <optional>

namespace wengert {

// The elementwise ops, besides arithmetic, that recording a derivative needs; those that users call are documented in
// ops/elementwise/comparing.hpp.
#define WENGERT_DECLARE(T)                                                 \
  Var<T> less(const Operand<T>& a, const Operand<T>& b);                   \
  Var<T> less_equal(const Operand<T>& a, const Operand<T>& b);             \
  Var<T> equal(const Operand<T>& a, const Operand<T>& b);                  \
  Var<T> masked_product(const Operand<T>& g, const Operand<T>& slope);     \
  Var<T> where(const Operand<T>& mask, const Operand<T>& a, const Operand<T>& b);
WENGERT_DECLARE(float)
WENGERT_DECLARE(double)
#undef WENGERT_DECLARE

template <class T>
class Symbol;

/// The result of a comparison of Symbols: a Var of zeros and ones.
template <class T>
struct SymbolMask {
  Var<T> ones;

  friend Symbol<T> number_of(const SymbolMask& m) { return Symbol<T>(m.ones); }
  friend SymbolMask operator&&(const SymbolMask& a, const SymbolMask& b) { return {a.ones * b.ones}; }
  friend SymbolMask operator||(const SymbolMask& a, const SymbolMask& b) { return !(!a && !b); }
  friend SymbolMask operator!(const SymbolMask& a) { return {1 - a.ones}; }
  explicit operator bool() const;  // see Probe
};

/// A Var, or a constant that folds: sums with 0 and products with 0 or 1 record nothing.
template <class T>
class Symbol {
 public:
  using Scalar = T;

  Symbol(Var<T> var) : tape_(&var.tape()), var_(var) {}  // NOLINT(google-explicit-constructor)
  Symbol(Tape<T>& tape, double constant) : tape_(&tape), constant_(constant) {}

  /// The constant, if it is one.
  std::optional<double> constant() const { return var_.empty() ? std::optional(constant_) : std::nullopt; }
  bool is(double c) const { return var_.empty() && constant_ == c; }
  Tape<T>& tape() const { return *tape_; }
  /// As an operand of an op on Vars.
  Operand<T> operand() const { return var_.empty() ? Operand<T>(constant_) : Operand<T>(var_); }
  Var<T> var() const { return operand().on(*tape_); }

  operator double() const;  // NOLINT: see Probe
  friend Symbol lift(const Symbol& like, double c) { return Symbol(*like.tape_, c); }

  friend Symbol operator+(const Symbol& a, const Symbol& b) {
    if (a.is(0)) return b;
    if (b.is(0)) return a;
    if (a.var_.empty() && b.var_.empty()) return lift(a, a.constant_ + b.constant_);
    return add(a.operand(), b.operand());
  }
  friend Symbol operator-(const Symbol& a) {
    if (a.var_.empty()) return lift(a, -a.constant_);
    return negate(a.operand());
  }
  friend Symbol operator-(const Symbol& a, const Symbol& b) {
    if (b.is(0)) return a;
    if (a.is(0)) return -b;
    if (a.var_.empty() && b.var_.empty()) return lift(a, a.constant_ - b.constant_);
    return subtract(a.operand(), b.operand());
  }
  friend Symbol operator*(const Symbol& a, const Symbol& b) {
    if (a.is(0) || b.is(1)) return a;
    if (b.is(0) || a.is(1)) return b;
    if (a.var_.empty() && b.var_.empty()) return lift(a, a.constant_ * b.constant_);
    return multiply(a.operand(), b.operand());
  }
  friend Symbol operator/(const Symbol& a, const Symbol& b) {
    if (a.is(0) || b.is(1)) return a;
    if (a.var_.empty() && b.var_.empty()) return lift(a, a.constant_ / b.constant_);
    return divide(a.operand(), b.operand());
  }

  friend SymbolMask<T> operator<(const Symbol& a, const Symbol& b) {
    return {less(Operand<T>(a.var()), Operand<T>(b.var()))};
  }
  friend SymbolMask<T> operator>(const Symbol& a, const Symbol& b) { return b < a; }
  friend SymbolMask<T> operator<=(const Symbol& a, const Symbol& b) {
    return {less_equal(Operand<T>(a.var()), Operand<T>(b.var()))};
  }
  friend SymbolMask<T> operator>=(const Symbol& a, const Symbol& b) { return b <= a; }
  friend SymbolMask<T> operator==(const Symbol& a, const Symbol& b) {
    return {equal(Operand<T>(a.var()), Operand<T>(b.var()))};
  }
  friend SymbolMask<T> operator!=(const Symbol& a, const Symbol& b) { return !(a == b); }

  friend Symbol where(const SymbolMask<T>& mask, const Symbol& a, const Symbol& b) {
    if (a.var_.empty() && b.var_.empty() && a.constant_ == b.constant_) return a;
    return where(Operand<T>(mask.ones), a.operand(), b.operand());
  }
  /// g · slope, and 0 where the slope is 0, with derivatives of any order (see pullback_formula.hpp).
  friend Symbol masked_product(const Symbol& g, const Symbol& slope) {
    if (g.var_.empty() || slope.var_.empty()) return slope.is(0) ? slope : g * slope;
    return masked_product(g.operand(), slope.operand());
  }

 private:
  Tape<T>* tape_;
  Var<T> var_;  // empty: the constant
  double constant_ = 0;
};

}  // namespace wengert
