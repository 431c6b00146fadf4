// Accuracy of the vectorised functions, in units in the last place.
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

/// The type of exact results for T: double for float, long double (64 bits of mantissa) for double.
template <class T>
using Wider = std::conditional_t<sizeof(T) == 4, double, long double>;

/// A function of one number and its exact counterpart. Errors of up to `allowed` ulp, or below `absolute`, are
/// accepted.
template <class T>
struct Function {
  std::string_view name;
  Var<T> (*apply)(Var<T>);
  Wider<T> (*exact)(Wider<T>);
  double allowed = sizeof(T) == 4 ? 4 : 2;
  double absolute = 0;
};

/// Returns the distance of `got` from `exact` in units in the last place of T at `exact`: 0 if both are NaN or if
/// `exact` rounds to `got`, infinity if only one is NaN. Denormal numbers use the unit of the smallest normal number.
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
  // Infinity counts as the first number beyond the largest finite one.
  const Wider<T> beyond = std::scalbn(Wider<T>(1), std::numeric_limits<T>::max_exponent);
  const Wider<T> a = std::isinf(got) ? std::copysign(beyond, Wider<T>(got)) : Wider<T>(got);
  const Wider<T> b = std::isinf(rounded) ? std::copysign(beyond, exact) : exact;
  return static_cast<double>(std::abs(a - b) / unit);
}

/// The largest error of a function, with its argument and result.
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

/// Returns all vectorised functions of one number.
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
          // Left of 0, lgamma has zeros between its poles, near which only the absolute error can be bounded.
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
