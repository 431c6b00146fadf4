// Symbol: a Var or a constant, the number type that records a formula's derivative as nodes.
#pragma once

#include <wengert/formula/dual.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace wengert {

class SymbolMask;

/// A Var, or a constant that folds: sums with 0 and products with 0 or 1 record nothing.
///
/// Every formula is instantiated with it, but few derivatives are ever recorded. To keep these instantiations small,
/// one type stands for Vars of float and of double, and its operators are calls that are not inlined.
class Symbol {
 public:
  Symbol() = default;  ///< without a tape, to be assigned to
  template <class T>
  explicit Symbol(const Var<T>& var) : tape_(&var.tape()), node_(var.index()) {}
  template <class T>
  Symbol(Tape<T>& tape, double constant) : tape_(&tape), constant_(constant) {}

  /// The constant, if it is one.
  std::optional<double> constant() const { return node_ == none ? std::optional(constant_) : std::nullopt; }
  bool is(double c) const { return node_ == none && constant_ == c; }
  /// As an operand of an op on a tape of T.
  template <class T>
  Operand<T> operand() const {
    if (node_ == none) return constant_;
    return std::get<Tape<T>*>(tape_)->at(node_);
  }
  /// As a Var; a constant is recorded.
  template <class T>
  Var<T> var() const {
    return operand<T>().on(*std::get<Tape<T>*>(tape_));
  }
  /// Records an elementwise op, given in float and in double: the first `arity` of `x` are its inputs, the others its
  /// parameters, which are constants.
  static Symbol record(const Op<float>& in_float, const Op<double>& in_double, std::span<const Symbol> x,
                       std::size_t arity);

  operator double() const;  // NOLINT: see Probe
  friend Symbol lift(const Symbol& like, double c);

  friend Symbol operator+(const Symbol& a, const Symbol& b);
  friend Symbol operator-(const Symbol& a);
  friend Symbol operator-(const Symbol& a, const Symbol& b);
  friend Symbol operator*(const Symbol& a, const Symbol& b);
  friend Symbol operator/(const Symbol& a, const Symbol& b);
  friend SymbolMask operator<(const Symbol& a, const Symbol& b);
  friend SymbolMask operator<=(const Symbol& a, const Symbol& b);
  friend SymbolMask operator==(const Symbol& a, const Symbol& b);
  friend Symbol where(const SymbolMask& mask, const Symbol& a, const Symbol& b);
  /// g · slope, and 0 where the slope is 0, with derivatives of any order (see pullback.hpp).
  friend Symbol masked_product(const Symbol& g, const Symbol& slope);

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  template <class F>
  static Symbol on_tape(const Symbol& like, const F& record);

  std::variant<Tape<float>*, Tape<double>*> tape_;
  std::uint32_t node_ = none;  // none: the constant
  double constant_ = 0;
};

/// The result of a comparison of Symbols: zeros and ones.
class SymbolMask {
 public:
  explicit SymbolMask(const Symbol& ones) : ones_(ones) {}
  friend Symbol number_of(const SymbolMask& m) { return m.ones_; }
  friend SymbolMask operator&&(const SymbolMask& a, const SymbolMask& b) { return SymbolMask(a.ones_ * b.ones_); }
  friend SymbolMask operator||(const SymbolMask& a, const SymbolMask& b) { return !(!a && !b); }
  friend SymbolMask operator!(const SymbolMask& a) { return SymbolMask(lift(a.ones_, 1) - a.ones_); }
  explicit operator bool() const;  // see Probe

 private:
  Symbol ones_;
};
inline SymbolMask operator>(const Symbol& a, const Symbol& b) { return b < a; }
inline SymbolMask operator>=(const Symbol& a, const Symbol& b) { return b <= a; }
inline SymbolMask operator!=(const Symbol& a, const Symbol& b) { return !(a == b); }

}  // namespace wengert
