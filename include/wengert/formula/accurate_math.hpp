// Replacements for SLEEF functions that overflow too early or are too slow, an accurate sigmoid, and gelu.
#pragma once

#include <wengert/formula/dual.hpp>
#include <wengert/simd/fast_exp.hpp>
#include <wengert/simd/lane.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace wengert::kernel {

// ln(1 + x) rounds to ln x long before 1e30.
inline constexpr auto accurate_log1p = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  return where(x > 1e30, lane_log(x), lane_log1p(x));
};

// From 10⁹ on, ln 2|x| is accurate.
inline constexpr auto accurate_asinh = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  const auto magnitude = where(x < 0, -x, x);
  const auto large = lane_log(magnitude) + 0.693147180559945309;
  return where(magnitude > 1e9, where(x < 0, -large, large), lane_asinh(x));
};
inline constexpr auto accurate_acosh = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  return where(x > 1e9, lane_log(x) + 0.693147180559945309, lane_acosh(x));
};

// eˣ/2 for large x, without premature overflow: e^(x − c)·(1 + (e^−d − 1)), where ln 2 = c + d and c has so few digits
// that x − c is exact.
inline constexpr auto half_exp = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  const auto e = lane_exp(x - 0.693145751953125);
  return where(e - e == 0, e + e * -1.42860579985117966e-6, e);  // avoids ∞ − ∞
};
// From 80 on, e⁻ˣ is negligible compared with eˣ.
inline constexpr auto accurate_sinh = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  const auto magnitude = where(x < 0, -x, x);
  const auto large = half_exp(magnitude);
  return where(magnitude > 80, where(x < 0, -large, large), lane_sinh(x));
};
inline constexpr auto accurate_cosh = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  const auto magnitude = where(x < 0, -x, x);
  return where(magnitude > 80, half_exp(magnitude), lane_cosh(x));
};

// Stirling's formula; its other terms are negligible from 1e30 on.
inline constexpr auto accurate_lgamma = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  return where(x > 1e30, x * (lane_log(x) - 1), lane_lgamma(x));
};

// With e = exp(−|x|), neither branch overflows, and the left tail keeps its relative precision down to the denormals.
inline constexpr auto float_sigmoid = []<class X>(const X& x) __attribute__((always_inline)) {
  const auto e = fast_exp(where(x < 0, x, -x));
  return where(x < 0, e, lift(e, 1)) / (1 + e);
};
// The same in double. The error of an exponential within 1 ulp may become 2 ulp of a quotient just below a power of 2,
// so the exponential is kept as 2ᵏ(s + t) with a remainder t, and so is 1 + e; both remainders correct the quotient.
inline constexpr auto double_sigmoid = []<std::size_t B>(const Lane<double, B>& x) __attribute__((always_inline)) {
  using L = Lane<double, B>;
  const L magnitude = where(x < L(0.0), -x, x);
  const L a = where(magnitude > L(746.0), L(-746.0), -magnitude);
  const L magic(0x1.8p52);
  const L k = (a * L(1.44269504088896341) + magic) - magic;
  // r + r_rest = a − k ln 2, where k times the first part of ln 2 is exact.
  const L high = a - k * L(0x1.62e42fee00000p-1), low = k * L(0x1.a39ef35793c76p-33);
  const L r = high - low, r_rest = (high - r) - low;
  // eʳ = 1 + r + r² q.
  L q(1.6059043836821613e-10);
  q = q * r + L(2.0876756987868099e-9), q = q * r + L(2.5052108385441719e-8), q = q * r + L(2.7557319223985891e-7);
  q = q * r + L(2.7557319223985893e-6), q = q * r + L(2.4801587301587302e-5), q = q * r + L(1.9841269841269841e-4);
  q = q * r + L(1.3888888888888889e-3), q = q * r + L(8.3333333333333333e-3), q = q * r + L(4.1666666666666667e-2);
  q = q * r + L(1.6666666666666667e-1), q = q * r + L(0.5);
  const L tail = r * r * q, u = r + tail, u_rest = (r - u) + tail;
  const L s = L(1.0) + u, s_rest = ((L(1.0) - s) + u) + (u_rest + r_rest * s);
  // 2ᵏ as two factors; multiplying by the second may give a denormal number.
  const L half = (k * L(0.5) + magic) - magic, first = power_of_two(half), second = power_of_two(k - half);
  const L e = s * first * second, e_rest = s_rest * first * second;
  const L d = L(1.0) + e, d_rest = ((L(1.0) - d) + e) + e_rest;
  const auto negative = x < L(0.0);
  const L top = where(negative, s, L(1.0)), top_rest = where(negative, s_rest, L(0.0));
  const L quotient = top / d, approximate_reciprocal = L(1.457) - L(0.5) * d;
  const L y = quotient + (top_rest - quotient * d_rest) * approximate_reciprocal;
  return where(negative, y * first * second, y);
};
inline constexpr auto lane_sigmoid = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  if constexpr (std::is_same_v<T, double>)
    return double_sigmoid(x);
  else
    return float_sigmoid(x);
};

// c₀ + c₁x + c₂x² + …
template <class L, class... C>
WENGERT_INLINE L polynomial(const L& x, double c, C... rest) {
  const L first(static_cast<typename L::Scalar>(c));
  if constexpr (sizeof...(C) == 0) {
    return first;
  } else {
    const L others = polynomial(x, rest...);
    return others * x + first;
  }
}

// SLEEF's erf takes seven times as long as an exponential. The float version uses two minimax polynomials
// (tests/oracle/minimax_fits.py): erf(x)/x − 1 in x² up to |x| = 1, and −ln(1 − erf|x|) beyond, whose error the
// exponential reduces.
inline constexpr auto fast_erf = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  if constexpr (std::is_same_v<T, double>) {
    return lane_erf(x);
  } else {
    const auto magnitude = where(x < 0, -x, x);
    const auto inside =
        x + x * polynomial(x * x, 0.12837916572688257, -0.3761262582452463, 0.11283585149684347, -0.026853811934348815,
                           0.005188327627650437, -0.0008010192743229383, 7.853857432874388e-05);
    const auto far = where(magnitude > 4, lift(x, 4), magnitude);  // the result is 1 from there on
    const auto rest = fast_exp(-polynomial(far, -0.00018846778336190084, 1.1295803118872583, 0.633216394968891,
                                           0.10842210265035152, -0.025210342295981653, 0.004205285895002623,
                                           -0.0004414729163282942, 2.1697639000532577e-05));
    return where(magnitude < 1, inside, where(x < 0, rest - 1, 1 - rest));
  }
};

// SLEEF's tanh has twice the latency. The float version uses a minimax polynomial near 0, and beyond 1 − 2/(e²ˣ + 1),
// with e²ˣ = 2ᵏ·2ᶠ, k an integer and |f| ≤ ½; the polynomial of 2ᶠ is evaluated in independent pairs (Estrin 1960).
// Within 3.3 ulp.
inline constexpr auto fast_tanh = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  if constexpr (std::is_same_v<T, double>) {
    return lane_tanh(x);
  } else {
    const auto square = x * x;
    const auto inside = x + x * square *
                                polynomial(square, -0.3333332310030975, 0.13332931564604367, -0.05391540816910364,
                                           0.021545682471663618, -0.007831385405964024, 0.0018566108295867889);
    const Lane<T, B> magic(0x1.8p23F);
    const auto k = (x * 2.8853900817779268 + magic) - magic;
    const auto f = x * 2.8853900817779268 - k, f2 = f * f;
    const auto power = ((1 + f * 0.6931472057377767) + f2 * (0.24022646890413843 + f * 0.05550328775819634)) +
                       f2 * f2 * ((0.009618488976506311 + f * 0.0013399931693034435) + f2 * 0.00015345807964760124);
    const auto beyond = 1 - 2 / (1 + power * power_of_two(k));
    const auto limit = where(x < 0, lift(x, -1), lift(x, 1));
    return where(square < 0.5, inside, where(square > 90, limit, beyond));
  }
};

// Whether any element of a mask is set.
template <class T, std::size_t B>
WENGERT_INLINE bool any(const Mask<T, B>& mask) {
  std::uint64_t words[B / 8], found = 0;
  std::memcpy(words, &mask.bits, B);
  for (const std::uint64_t word : words) found |= word;
  return found != 0;
}

// The derivative y (1 − y) of the sigmoid y of x. It loses digits where y is close to 1, so there it is computed from
// x. Usually no element is that far out, which saves the exponential.
inline constexpr double sigmoid_is_far = 4;
inline constexpr auto lane_sigmoid_slope =
    []<class T, std::size_t B>(const Lane<T, B>& x, const Lane<T, B>& y) __attribute__((always_inline)) {
  Lane<T, B> slope = y * (1 - y);
  const auto far = x > sigmoid_is_far;
  if (any(far)) {
    const auto e = fast_exp(-x);
    slope = where(far, e / ((1 + e) * (1 + e)), slope);
  }
  return slope;
};
// The same for the hyperbolic tangent, 1 − y².
inline constexpr double tanh_is_far = 2 * 2;  // x²
inline constexpr auto lane_tanh_slope =
    []<class T, std::size_t B>(const Lane<T, B>& x, const Lane<T, B>& y) __attribute__((always_inline)) {
  Lane<T, B> slope = (1 - y) * (1 + y);
  const auto far = x * x > tanh_is_far;
  if (any(far)) {
    const auto e = fast_exp(where(x > 0, -2 * x, 2 * x));
    slope = where(far, 4 * e / ((1 + e) * (1 + e)), slope);
  }
  return slope;
};

inline constexpr double normal_density = 0.398942280401432678;  // 1/√(2π)

// The normal distribution's Φ(x), accurate in the left tail, and x e^(−x²/2), in float, within 6 ulp. Near 0, Φ is a
// polynomial in x. Elsewhere, it is e^(−x²/2) times a polynomial in 1 − 3/(|x| + 1.5). The exponential is computed from
// the leading part h of |x|, whose square is exact, and corrected by the rest.
template <class L>
struct Normal {
  L cdf, x_times_bell;
};
template <std::size_t B>
WENGERT_INLINE Normal<Lane<float, B>> float_normal(const Lane<float, B>& x) {
  const auto centre = 0.5 + x * polynomial(x * x, 0.3989422917366028, -0.06649037450551987, 0.009973489679396152,
                                           -0.0011869169538840652, 0.00011431567691033706, -8.051398253883235e-06);
  const auto magnitude = where(x < 0, -x, x), far = where(magnitude > 14.5, lift(x, 14.5), magnitude);
  const auto h = (far + 49152) - 49152, rest = 0.5 * (far - h) * (far + h);
  const auto reciprocal = 1 / (far + 1.5), u = 1 - 3 * reciprocal;
  const auto roughly = fast_exp(-0.5 * h * h);
  const auto bell = roughly + roughly * (rest * polynomial(rest, -1, 0.5, -0.16666667));
  const auto below = polynomial(u, 0.6173419952392578, -0.1950995773077011, -0.05749411880970001, 0.01790028251707554,
                                0.017602602019906044, 0.003972915466874838, -0.0020932925399392843,
                                -0.0029683092143386602, -0.0019646368455141783, 0.0017428734572604299) *
                     reciprocal * bell;
  return {where(magnitude < 0.7, centre, where(x > 0, 1 - below, below)), where(x < 0, -far, far) * bell};
}
// In double, Φ(x) = ½ erfc(−x/√2).
template <std::size_t B>
WENGERT_INLINE Lane<double, B> double_normal_cdf(const Lane<double, B>& x) {
  return 0.5 * lane_erfc(-0.707106781186547524 * x);
}
// x Φ(x), and its derivative Φ(x) + x φ(x) with one exponential.
inline constexpr auto lane_gelu = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  if constexpr (std::is_same_v<T, double>)
    return x * double_normal_cdf(x);
  else
    return x * float_normal(x).cdf;
};
inline constexpr auto lane_gelu_slope = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  if constexpr (std::is_same_v<T, double>) {
    const auto c = where(x > 40, lift(x, 40), where(x < -40, lift(x, -40), x));  // not 0·∞
    return double_normal_cdf(x) + normal_density * c * lane_exp(-0.5 * c * c);
  } else {
    const auto normal = float_normal(x);
    return normal.cdf + normal_density * normal.x_times_bell;
  }
};

}  // namespace wengert::kernel
