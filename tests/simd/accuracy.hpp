// How far the vectorised functions are from the truth, in units in the last place.
#pragma once

#include <wengert/wengert.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wengert::testing {

/// What is exact enough beside T: double for float, long double (64 bits of mantissa) for double.
template <class T>
using Wider = std::conditional_t<sizeof(T) == 4, double, long double>;

/// A function of one number with its exact value. Allowed are distances of `allowed` ulp, or of `absolute`.
template <class T>
struct Function {
  std::string_view name;
  Var<T> (*apply)(Var<T>);
  Wider<T> (*exact)(Wider<T>);
  double allowed = sizeof(T) == 4 ? 4 : 2;
  double absolute = 0;
};

/// The distance of `got` from `exact` in units of the last place of T at `exact`; 0 where both are NaN or where `exact`
/// rounds to the infinity that `got` is. Infinite where one alone is NaN. The units of denormal numbers are those of
/// the smallest normal one.
template <class T>
double ulps(T got, Wider<T> exact) {
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  const T rounded = static_cast<T>(exact);
  if (got == rounded) return 0;
  constexpr int digits = std::numeric_limits<T>::digits;
  const int exponent =
      std::max(std::isinf(exact) || exact == 0 ? 0 : std::ilogb(exact), std::numeric_limits<T>::min_exponent - 1);
  const Wider<T> unit = std::scalbn(Wider<T>(1), exponent - digits + 1);
  // An overflow counts as the first number beyond the largest.
  const Wider<T> beyond = std::scalbn(Wider<T>(1), std::numeric_limits<T>::max_exponent);
  const Wider<T> a = std::isinf(got) ? std::copysign(beyond, Wider<T>(got)) : Wider<T>(got);
  const Wider<T> b = std::isinf(rounded) ? std::copysign(beyond, exact) : exact;
  return static_cast<double>(std::abs(a - b) / unit);
}

/// The worst of a function over some numbers, and where.
template <class T>
struct Worst {
  double distance = 0;
  T at = 0, got = 0;
};

template <class T>
void measure(const Function<T>& function, std::span<const T> numbers, Tape<T>& tape, Worst<T>& worst) {
  tape.clear();
  const auto y = function.apply(tape.borrow(numbers, Shape{numbers.size()}));
  const T* got = tape.value_of(y.index()).data;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Wider<T> exact = function.exact(static_cast<Wider<T>>(numbers[i]));
    if (std::abs(static_cast<Wider<T>>(got[i]) - exact) < function.absolute) continue;
    const double distance = ulps(got[i], exact);
    if (!(distance <= worst.distance)) worst = {distance, numbers[i], got[i]};
  }
}

/// Every vectorised function of one number.
template <class T>
std::vector<Function<T>> vectorised_functions() {
  using W = Wider<T>;
#define WENGERT_FUNCTION(name)                                                 \
  {                                                                            \
#name, [](Var <T> x) { return name(x); }, [](W x) { return std::name(x); } \
  }
  return {WENGERT_FUNCTION(exp),
          WENGERT_FUNCTION(exp2),
          WENGERT_FUNCTION(expm1),
          WENGERT_FUNCTION(log),
          WENGERT_FUNCTION(log2),
          WENGERT_FUNCTION(log10),
          WENGERT_FUNCTION(log1p),
          WENGERT_FUNCTION(sqrt),
          WENGERT_FUNCTION(cbrt),
          WENGERT_FUNCTION(sin),
          WENGERT_FUNCTION(cos),
          WENGERT_FUNCTION(tan),
          WENGERT_FUNCTION(asin),
          WENGERT_FUNCTION(acos),
          WENGERT_FUNCTION(atan),
          WENGERT_FUNCTION(sinh),
          WENGERT_FUNCTION(cosh),
          WENGERT_FUNCTION(tanh),
          WENGERT_FUNCTION(asinh),
          WENGERT_FUNCTION(acosh),
          WENGERT_FUNCTION(atanh),
          WENGERT_FUNCTION(erf),
          WENGERT_FUNCTION(erfc),
          // Left of 0 it has zeros between the poles, near which no digit of the argument decides.
          {"lgamma", [](Var<T> x) { return lgamma(x); }, [](W x) { return std::lgamma(x); }, sizeof(T) == 4 ? 4.0 : 2.0,
           4.0 * std::numeric_limits<T>::epsilon()},
          {"sigmoid", [](Var<T> x) { return sigmoid(x); },
           [](W x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }},
          {"log_sigmoid", [](Var<T> x) { return log_sigmoid(x); },
           [](W x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }},
          {"softplus", [](Var<T> x) { return softplus(x); },
           [](W x) { return std::fmax(x, W(0)) + std::log1p(std::exp(-std::abs(x))); }}};
#undef WENGERT_FUNCTION
}

}  // namespace wengert::testing
