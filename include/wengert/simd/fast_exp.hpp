// The exponential in float, inlined.
#pragma once

#include <wengert/simd/lane.hpp>

#include <cstddef>
#include <type_traits>

namespace wengert::kernel {

// 2^k, for an integer k such that 2^k is a normal number.
template <class T, std::size_t B>
WENGERT_INLINE Lane<T, B> power_of_two(const Lane<T, B>& k) {
  using Bits = typename VectorOf<T, B>::bits;
  constexpr bool is_double = std::is_same_v<T, double>;
  // The lowest mantissa bits of the sum hold k.
  const Lane<T, B> at_the_end = k + Lane<T, B>(is_double ? T(0x1.8p52) : T(0x1.8p23));
  Lane<T, B> power;
  power.v =
      (typename Lane<T, B>::Register)(((Bits)at_the_end.v + (is_double ? 1023U : 127U)) << (is_double ? 52U : 23U));
  return power;
}

// s · 2^k for an integer k; the result may be denormal or infinite.
template <class T, std::size_t B>
WENGERT_INLINE Lane<T, B> scaled(const Lane<T, B>& s, const Lane<T, B>& k) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (B == 64) {
    Lane<T, B> result;
    if constexpr (sizeof(T) == 4)
      asm("vscalefps %2, %1, %0" : "=v"(result.v) : "v"(s.v), "v"(k.v));
    else
      asm("vscalefpd %2, %1, %0" : "=v"(result.v) : "v"(s.v), "v"(k.v));
    return result;
  }
#endif
  const Lane<T, B> magic(sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52));
  const Lane<T, B> half = (k * Lane<T, B>(T(0.5)) + magic) - magic;
  return s * power_of_two(half) * power_of_two(k - half);
}

// In double, SLEEF's exp. In float, inlined, because registers are spilled around a call of SLEEF's: eˣ = 2ᵏ·eʳ with
// |r| ≤ ½ ln 2, where k times the first part of ln 2 is exact, and eʳ = 1 + r + r²·q with a minimax polynomial q.
// Within 1.02 ulp.
inline constexpr auto fast_exp = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) {
  if constexpr (std::is_same_v<T, double>) {
    return lane_exp(x);
  } else {
    using L = Lane<T, B>;
    const L magic(0x1.8p23F), least(-104), most(89);  // beyond these, the result is 0 or infinite
    const L bounded = where(x < least, least, where(x > most, most, x));
    const L k = (bounded * L(1.44269504088896341F) + magic) - magic;
    const L r = (bounded - k * L(0.693359375F)) + k * L(2.12194440054690583e-4F), r2 = r * r;
    const L q = (L(0.49999993440046175F) + r * L(0.16666520517386257F)) +
                r2 * ((L(0.04166838939993553F) + r * L(0.008368730688850096F)) + r2 * L(0.0013814569100115794F));
    return scaled(L(1) + (r + r2 * q), k);
  }
};

}  // namespace wengert::kernel
