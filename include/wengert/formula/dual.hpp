// Dual: a number with its derivative, and arithmetic of literals with all number types.
#pragma once

#include <wengert/simd/lane.hpp>

#include <concepts>
#include <type_traits>

namespace wengert {

/// A number type that a formula is instantiated with, such as a Lane in a forward kernel, a Symbol while a derivative
/// is recorded as nodes, or a Dual of either while a derivative is taken.
template <class X>
concept Number = requires(const X& x) {
  { lift(x, 1.0) } -> std::same_as<X>;
};

/// A plain C++ number in a formula. It takes the formula's precision: for float, `1 + exp(-x)` is float.
template <class S>
concept Literal = std::is_arithmetic_v<S>;

template <class X>
struct Dual;
template <class X>
inline constexpr bool is_dual = false;
template <class X>
inline constexpr bool is_dual<Dual<X>> = true;

/// A Number that carries no derivative.
template <class X>
concept PlainNumber = Number<X> && !is_dual<X>;

#define WENGERT_MIX(op)                                        \
  template <PlainNumber X, Literal S>                          \
  WENGERT_INLINE constexpr auto operator op(const X& a, S b) { \
    return a op lift(a, static_cast<double>(b));               \
  }                                                            \
  template <PlainNumber X, Literal S>                          \
  WENGERT_INLINE constexpr auto operator op(S a, const X& b) { \
    return lift(b, static_cast<double>(a)) op b;               \
  }
WENGERT_MIX(+)
WENGERT_MIX(-)
WENGERT_MIX(*)
WENGERT_MIX(/)
WENGERT_MIX(<)
WENGERT_MIX(>)
WENGERT_MIX(<=)
WENGERT_MIX(>=)
WENGERT_MIX(==)
WENGERT_MIX(!=)
#undef WENGERT_MIX

/// `v + d·ε` with ε² = 0: carries the derivative `d` through a formula (forward-mode differentiation).
///
/// Values that do not depend on the variable of differentiation stay plain X or literals, so no zeros are multiplied.
template <class X>
struct Dual {
  X v;
  X d;

  friend WENGERT_INLINE constexpr Dual operator-(const Dual& a) { return {-a.v, -a.d}; }
  friend WENGERT_INLINE constexpr Dual operator+(const Dual& a, const Dual& b) { return {a.v + b.v, a.d + b.d}; }
  friend WENGERT_INLINE constexpr Dual operator-(const Dual& a, const Dual& b) { return {a.v - b.v, a.d - b.d}; }
  friend WENGERT_INLINE constexpr Dual operator*(const Dual& a, const Dual& b) {
    return {a.v * b.v, a.d * b.v + a.v * b.d};
  }
  friend WENGERT_INLINE constexpr Dual operator/(const Dual& a, const Dual& b) {
    X quotient = a.v / b.v;
    return {quotient, (a.d - quotient * b.d) / b.v};
  }
  operator double() const;  // NOLINT: see Probe
  friend WENGERT_INLINE constexpr Dual lift(const Dual& like, double c) { return {lift(like.v, c), lift(like.v, 0)}; }
};

template <class C, class X>
inline constexpr bool combines_with_dual = Literal<C> || std::same_as<C, X>;
template <class C, class X>
inline constexpr bool combines_with_dual<C, Dual<X>> =
    Literal<C> || std::same_as<C, Dual<X>> || combines_with_dual<C, X>;

/// What a Dual<X> can be combined with in a formula: a literal, an X, or whatever an X can be combined with.
template <class C, class X>
concept CombinesWithDual = combines_with_dual<C, X>;

// clang-format off
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator+(const Dual<X>& a, const C& c) { return {a.v + c, a.d}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator+(const C& c, const Dual<X>& a) { return {c + a.v, a.d}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator-(const Dual<X>& a, const C& c) { return {a.v - c, a.d}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator-(const C& c, const Dual<X>& a) { return {c - a.v, -a.d}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator*(const Dual<X>& a, const C& c) { return {a.v * c, a.d * c}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator*(const C& c, const Dual<X>& a) { return {c * a.v, c * a.d}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator/(const Dual<X>& a, const C& c) { return {a.v / c, a.d / c}; }
template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> operator/(const C& c, const Dual<X>& a) {
  X quotient = c / a.v;
  return {quotient, -(quotient * a.d) / a.v};
}

template <Number X, class A> WENGERT_INLINE constexpr X& operator+=(X& a, const A& b) { return a = a + b; }
template <Number X, class A> WENGERT_INLINE constexpr X& operator-=(X& a, const A& b) { return a = a - b; }
template <Number X, class A> WENGERT_INLINE constexpr X& operator*=(X& a, const A& b) { return a = a * b; }
template <Number X, class A> WENGERT_INLINE constexpr X& operator/=(X& a, const A& b) { return a = a / b; }
template <Number X> WENGERT_INLINE constexpr X operator+(const X& a) { return a; }

// Comparisons use only the values: a branch has no derivative of its own.
#define WENGERT_COMPARE(op)                                                                                                \
  template <class X> WENGERT_INLINE constexpr auto operator op(const Dual<X>& a, const Dual<X>& b) { return a.v op b.v; }            \
  template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr auto operator op(const Dual<X>& a, const C& c) { return a.v op c; }  \
  template <class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr auto operator op(const C& c, const Dual<X>& a) { return c op a.v; }
WENGERT_COMPARE(<)
WENGERT_COMPARE(>)
WENGERT_COMPARE(<=)
WENGERT_COMPARE(>=)
WENGERT_COMPARE(==)
WENGERT_COMPARE(!=)
#undef WENGERT_COMPARE

template <class M, PlainNumber X, Literal S> WENGERT_INLINE constexpr X where(const M& m, const X& a, S b) { return where(m, a, lift(a, static_cast<double>(b))); }
template <class M, PlainNumber X, Literal S> WENGERT_INLINE constexpr X where(const M& m, S a, const X& b) { return where(m, lift(b, static_cast<double>(a)), b); }
template <class M, Literal A, Literal B> requires requires(const M& m) { number_of(m); }
WENGERT_INLINE constexpr auto where(const M& m, A a, B b) { return where(m, lift(number_of(m), static_cast<double>(a)), static_cast<double>(b)); }
template <class M, class X> WENGERT_INLINE constexpr Dual<X> where(const M& m, const Dual<X>& a, const Dual<X>& b) { return {where(m, a.v, b.v), where(m, a.d, b.d)}; }
template <class M, class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> where(const M& m, const Dual<X>& a, const C& c) { return {where(m, a.v, c), where(m, a.d, 0)}; }
template <class M, class X, CombinesWithDual<X> C> WENGERT_INLINE constexpr Dual<X> where(const M& m, const C& c, const Dual<X>& a) { return {where(m, c, a.v), where(m, 0, a.d)}; }
// clang-format on

namespace detail {
// An argument, or the number of the type of `like` if it is a literal.
template <class X, class A>
WENGERT_INLINE constexpr auto as_number(const X& like, const A& a) {
  if constexpr (Literal<A>)
    return lift(like, static_cast<double>(a));
  else
    return a;
}
}  // namespace detail

}  // namespace wengert
