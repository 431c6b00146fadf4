// Helpers of det, slogdet and the gradient of det.
#pragma once

#include <wengert/tape/tape.hpp>

#include <cmath>
#include <cstddef>
#include <span>

namespace wengert::detail {

/// The sign of the determinant of a factored matrix. Calls `take` with the magnitude of each pivot.
template <class T, class F>
T sign_and_pivots(std::span<const T> factors, std::span<const int> pivots, const F& take) {
  T sign = 1;
  const std::size_t n = pivots.size();
  for (std::size_t i = 0; i < n; ++i) {
    const T pivot = factors[i * (n + 1)];
    if (pivots[i] != static_cast<int>(i + 1)) sign = -sign;
    if (pivot < 0) sign = -sign;
    take(std::abs(pivot));
  }
  return sign;
}

/// The determinant of a factored matrix.
template <class T>
T determinant(std::span<const T> factors, std::span<const int> pivots) {
  T product = 1;
  const T sign = sign_and_pivots<T>(factors, pivots, [&](T pivot) { product *= pivot; });
  return sign * product;
}

/// The gradient of det: det A · A⁻ᵀ, which exists for a singular A too.
template <class T>
Var<T> cofactor(Var<T> a);

}  // namespace wengert::detail
