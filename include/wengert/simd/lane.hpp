// Lane: the number type of a formula inside a kernel, one SIMD register of T.
#pragma once

#include <wengert/simd/vector_math.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace wengert {

namespace kernel {

// Conjunction and disjunction of masks. g++ 12 splits the portable 64-byte form into scalar code, because it lowers the
// expression before a wide kernel's target is known.
template <class M>
WENGERT_INLINE void mask_and(const M& a, const M& b, M& joined) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(M) == 64)
    asm("vpandd %2, %1, %0" : "=v"(joined) : "v"(a), "v"(b));
  else
#endif
    joined = a & b;
}
template <class M>
WENGERT_INLINE void mask_or(const M& a, const M& b, M& joined) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(M) == 64)
    asm("vpord %2, %1, %0" : "=v"(joined) : "v"(a), "v"(b));
  else
#endif
    joined = a | b;
}

}  // namespace kernel

/// The result of a comparison of lanes; `where(mask, a, b)` selects by it.
template <class T, std::size_t Bytes>
struct Mask {
  using Bits = typename kernel::VectorOf<T, Bytes>::mask;
  Bits bits;

  Mask() = default;
  WENGERT_INLINE explicit Mask(const Bits& b) : bits(b) {}
  WENGERT_INLINE Mask(const Mask& other) : bits(other.bits) {}
  Mask& operator=(const Mask&) = default;

  friend WENGERT_INLINE Mask operator&&(const Mask& a, const Mask& b) {
    Mask joined;
    kernel::mask_and(a.bits, b.bits, joined.bits);
    return joined;
  }
  friend WENGERT_INLINE Mask operator||(const Mask& a, const Mask& b) {
    Mask joined;
    kernel::mask_or(a.bits, b.bits, joined.bits);
    return joined;
  }
  friend WENGERT_INLINE Mask operator!(const Mask& a) { return Mask(~a.bits); }

  explicit operator bool() const;  // see Probe
};

namespace kernel {

// Sets all elements of v to c. g++ 12 splits the portable form into one masked instruction for each element, because it
// lowers it before a wide kernel's target is known; with a constant c, it folds.
template <class T, class V>
WENGERT_INLINE void broadcast(T c, V& v) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(V) > 16) {
    if (!__builtin_constant_p(c)) {
      if constexpr (sizeof(T) == 4)
        asm("vbroadcastss %1, %0" : "=v"(v) : "v"(c));
      else
        asm("vbroadcastsd %1, %0" : "=v"(v) : "v"(c));
      return;
    }
  }
#endif
  v = c - V{};
}

// Keeps g++ 12 from merging nested selections into a conjunction of their masks, which it splits into scalar code for
// 64-byte registers.
template <class V>
WENGERT_INLINE void keep_apart([[maybe_unused]] V& selected) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(V) == 64) asm("" : "+v"(selected));
#endif
}

#if defined(__x86_64__) && !defined(__clang__)
// The mask of the first `count` of eight floats begins at element 8 − count.
inline constexpr std::int32_t first_elements[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
template <class T>
WENGERT_INLINE const auto& mask_of_first(std::size_t count) {
  return *reinterpret_cast<const std::int32_t(*)[8]>(first_elements + 8 - count * (sizeof(T) / 4));
}
#endif

// Copies the first `count` elements of a register of `width`, at least one and not all: of few without a call.
template <std::size_t width, class T>
WENGERT_INLINE void copy_first(const T* from, std::size_t count, T* to) {
  if constexpr (width > 4) {
    std::memcpy(to, from, count * sizeof(T));
  } else {
    to[0] = from[0];
    if constexpr (width > 2) {
      if (count > 1) to[1] = from[1];
      if (count > 2) to[2] = from[2];
    }
  }
}

// Load and store the first elements of a register: with a mask from 32 bytes on, otherwise through a buffer.
template <class T, class V>
WENGERT_INLINE void load_first(const T* p, std::size_t count, V& v) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(V) == 64) {
    const auto mask = static_cast<std::uint16_t>((1U << count) - 1);
    if constexpr (sizeof(T) == 4)
      asm("vmovups %1, %0%{%2%}%{z%}" : "=v"(v) : "m"(*reinterpret_cast<const T(*)[16]>(p)), "Yk"(mask));
    else
      asm("vmovupd %1, %0%{%2%}%{z%}" : "=v"(v) : "m"(*reinterpret_cast<const T(*)[8]>(p)), "Yk"(mask));
    return;
  }
  if constexpr (sizeof(V) == 32) {
    V mask;
    asm("vmovups %1, %0" : "=x"(mask) : "m"(mask_of_first<T>(count)));
    if constexpr (sizeof(T) == 4)
      asm("vmaskmovps %1, %2, %0" : "=x"(v) : "m"(*reinterpret_cast<const T(*)[8]>(p)), "x"(mask));
    else
      asm("vmaskmovpd %1, %2, %0" : "=x"(v) : "m"(*reinterpret_cast<const T(*)[4]>(p)), "x"(mask));
    return;
  }
#endif
  alignas(V) T buffer[sizeof(V) / sizeof(T)] = {};
  copy_first<sizeof(V) / sizeof(T)>(p, count, buffer);
  std::memcpy(&v, buffer, sizeof(V));
}
template <class T, class V>
WENGERT_INLINE void store_first(const V& v, T* p, std::size_t count) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(V) == 64) {
    const auto mask = static_cast<std::uint16_t>((1U << count) - 1);
    if constexpr (sizeof(T) == 4)
      asm("vmovups %1, %0%{%2%}" : "+m"(*reinterpret_cast<T(*)[16]>(p)) : "v"(v), "Yk"(mask));
    else
      asm("vmovupd %1, %0%{%2%}" : "+m"(*reinterpret_cast<T(*)[8]>(p)) : "v"(v), "Yk"(mask));
    return;
  }
  if constexpr (sizeof(V) == 32) {
    V mask;
    asm("vmovups %1, %0" : "=x"(mask) : "m"(mask_of_first<T>(count)));
    if constexpr (sizeof(T) == 4)
      asm("vmaskmovps %1, %2, %0" : "+m"(*reinterpret_cast<T(*)[8]>(p)) : "x"(v), "x"(mask));
    else
      asm("vmaskmovpd %1, %2, %0" : "+m"(*reinterpret_cast<T(*)[4]>(p)) : "x"(v), "x"(mask));
    return;
  }
#endif
  alignas(V) T buffer[sizeof(V) / sizeof(T)];
  std::memcpy(buffer, &v, sizeof(V));
  copy_first<sizeof(V) / sizeof(T)>(buffer, count, p);
}

}  // namespace kernel

/// One SIMD register of T, `Bytes` bytes wide. Because of its user-provided copy constructor it is passed in memory, so
/// functions compiled for different instruction sets use one calling convention; inside a kernel everything is inlined.
template <class T, std::size_t Bytes>
struct Lane {
  using Scalar = T;
  using Register = kernel::Vector<T, Bytes>;
  static constexpr std::size_t width = Bytes / sizeof(T);
  Register v;

  Lane() = default;
  WENGERT_INLINE explicit Lane(const Register& r) : v(r) {}
  WENGERT_INLINE explicit Lane(T c) { kernel::broadcast(c, v); }
  WENGERT_INLINE Lane(const Lane& other) : v(other.v) {}
  WENGERT_INLINE Lane& operator=(const Lane& other) {
    v = other.v;
    return *this;
  }

  static WENGERT_INLINE Lane load(const T* p) {
    Lane lane;
    lane.v = *reinterpret_cast<const typename kernel::VectorOf<T, Bytes>::unaligned*>(p);
    return lane;
  }
  /// The first `count` elements at p, fewer than a lane has, followed by zeros.
  static WENGERT_INLINE Lane load_first(const T* p, std::size_t count) {
    Lane lane;
    kernel::load_first(p, count, lane.v);
    return lane;
  }
  /// Writes the first `count` elements.
  WENGERT_INLINE void store_first(T* p, std::size_t count) const { kernel::store_first(v, p, count); }
  WENGERT_INLINE void store(T* p) const { *reinterpret_cast<typename kernel::VectorOf<T, Bytes>::unaligned*>(p) = v; }

  friend WENGERT_INLINE Lane operator+(const Lane& a, const Lane& b) { return Lane(a.v + b.v); }
  friend WENGERT_INLINE Lane operator-(const Lane& a, const Lane& b) { return Lane(a.v - b.v); }
  friend WENGERT_INLINE Lane operator*(const Lane& a, const Lane& b) { return Lane(a.v * b.v); }
  friend WENGERT_INLINE Lane operator/(const Lane& a, const Lane& b) { return Lane(a.v / b.v); }
  friend WENGERT_INLINE Lane operator-(const Lane& a) { return Lane(-a.v); }

  friend WENGERT_INLINE Mask<T, Bytes> operator<(const Lane& a, const Lane& b) { return Mask<T, Bytes>(a.v < b.v); }
  friend WENGERT_INLINE Mask<T, Bytes> operator>(const Lane& a, const Lane& b) { return Mask<T, Bytes>(a.v > b.v); }
  friend WENGERT_INLINE Mask<T, Bytes> operator<=(const Lane& a, const Lane& b) { return Mask<T, Bytes>(a.v <= b.v); }
  friend WENGERT_INLINE Mask<T, Bytes> operator>=(const Lane& a, const Lane& b) { return Mask<T, Bytes>(a.v >= b.v); }
  friend WENGERT_INLINE Mask<T, Bytes> operator==(const Lane& a, const Lane& b) { return Mask<T, Bytes>(a.v == b.v); }
  friend WENGERT_INLINE Mask<T, Bytes> operator!=(const Lane& a, const Lane& b) { return Mask<T, Bytes>(a.v != b.v); }

  friend WENGERT_INLINE Lane where(const Mask<T, Bytes>& m, const Lane& a, const Lane& b) {
    Lane chosen;
    chosen.v = m.bits ? a.v : b.v;
    kernel::keep_apart(chosen.v);
    return chosen;
  }
  operator double() const;  // NOLINT: see Probe
  /// A lane with the constant `c` in all elements.
  friend WENGERT_INLINE Lane lift(const Lane&, double c) { return Lane(static_cast<T>(c)); }
};

/// A number of the type whose comparison gives this mask; its value is not used.
template <class T, std::size_t Bytes>
WENGERT_INLINE Lane<T, Bytes> number_of(const Mask<T, Bytes>&) {
  return Lane<T, Bytes>(T(0));
}

namespace kernel {

// Each vector function as a function object, which serves as the formula of the op of the same name.
#define WENGERT_LANE_FUNCTION_1(name)                                                                                  \
  inline constexpr auto lane_##name = []<class T, std::size_t B>(const Lane<T, B>& x) __attribute__((always_inline)) { \
    Lane<T, B> y;                                                                                                      \
    vector_##name(x.v, y.v);                                                                                           \
    return y;                                                                                                          \
  };
WENGERT_LANE_FUNCTION_1(exp)
WENGERT_LANE_FUNCTION_1(exp2)
WENGERT_LANE_FUNCTION_1(expm1)
WENGERT_LANE_FUNCTION_1(log)
WENGERT_LANE_FUNCTION_1(log2)
WENGERT_LANE_FUNCTION_1(log10)
WENGERT_LANE_FUNCTION_1(log1p)
WENGERT_LANE_FUNCTION_1(sqrt)
WENGERT_LANE_FUNCTION_1(cbrt)
WENGERT_LANE_FUNCTION_1(sin)
WENGERT_LANE_FUNCTION_1(cos)
WENGERT_LANE_FUNCTION_1(tan)
WENGERT_LANE_FUNCTION_1(asin)
WENGERT_LANE_FUNCTION_1(acos)
WENGERT_LANE_FUNCTION_1(atan)
WENGERT_LANE_FUNCTION_1(sinh)
WENGERT_LANE_FUNCTION_1(cosh)
WENGERT_LANE_FUNCTION_1(tanh)
WENGERT_LANE_FUNCTION_1(asinh)
WENGERT_LANE_FUNCTION_1(acosh)
WENGERT_LANE_FUNCTION_1(atanh)
WENGERT_LANE_FUNCTION_1(erf)
WENGERT_LANE_FUNCTION_1(erfc)
WENGERT_LANE_FUNCTION_1(lgamma)
WENGERT_LANE_FUNCTION_1(floor)
WENGERT_LANE_FUNCTION_1(ceil)
WENGERT_LANE_FUNCTION_1(trunc)
WENGERT_LANE_FUNCTION_1(rint)
#undef WENGERT_LANE_FUNCTION_1
#define WENGERT_LANE_FUNCTION_2(name)                                                                       \
  inline constexpr auto lane_##name =                                                                       \
      []<class T, std::size_t B>(const Lane<T, B>& a, const Lane<T, B>& b) __attribute__((always_inline)) { \
    Lane<T, B> y;                                                                                           \
    vector_##name(a.v, b.v, y.v);                                                                           \
    return y;                                                                                               \
  };
WENGERT_LANE_FUNCTION_2(pow)
WENGERT_LANE_FUNCTION_2(atan2)
WENGERT_LANE_FUNCTION_2(hypot)
WENGERT_LANE_FUNCTION_2(fmod)
#undef WENGERT_LANE_FUNCTION_2

}  // namespace kernel
}  // namespace wengert
