// SLEEF's vector functions for each scalar type and register width: `vector_exp(x, y)` sets y to exp(x).
#pragma once

#include <wengert/simd/isa.hpp>

#include <cstddef>

namespace wengert::kernel {

// g++ drops vector_size from an alias that depends on a template parameter, so each width is spelled out.
template <class T, std::size_t Bytes>
struct VectorOf;
#define WENGERT_VECTOR(T, I, Bytes)                                                          \
  template <>                                                                                \
  struct VectorOf<T, Bytes> {                                                                \
    typedef T type __attribute__((vector_size(Bytes)));                                      \
    typedef T unaligned __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias)); \
    typedef I mask __attribute__((vector_size(Bytes)));                                      \
    typedef unsigned I bits __attribute__((vector_size(Bytes)));                             \
  };
WENGERT_VECTOR(float, int, 16)
WENGERT_VECTOR(float, int, 32)
WENGERT_VECTOR(float, int, 64)
WENGERT_VECTOR(double, long long, 16)
WENGERT_VECTOR(double, long long, 32)
WENGERT_VECTOR(double, long long, 64)
#undef WENGERT_VECTOR

template <class T, std::size_t Bytes>
using Vector = typename VectorOf<T, Bytes>::type;

// Operands, name, then the accuracy of the float and of the double version in SLEEF's notation: _u10 is 1.0 ulp.
// clang-format off
#define WENGERT_VECTOR_FUNCTIONS(bind) \
  bind(1, exp, "_u10", "_u10") bind(1, exp2, "_u10", "_u10") bind(1, expm1, "_u10", "_u10") \
  bind(1, log, "_u10", "_u10") bind(1, log2, "_u10", "_u10") bind(1, log10, "_u10", "_u10") \
  bind(1, log1p, "_u10", "_u10") bind(1, sqrt, "_u05", "_u05") bind(1, cbrt, "_u10", "_u10") \
  bind(1, sin, "_u10", "_u10") bind(1, cos, "_u10", "_u10") bind(1, tan, "_u10", "_u10") \
  bind(1, asin, "_u10", "_u10") bind(1, acos, "_u10", "_u10") bind(1, atan, "_u10", "_u10") \
  bind(1, sinh, "_u10", "_u10") bind(1, cosh, "_u10", "_u10") bind(1, tanh, "_u35", "_u10") \
  bind(1, asinh, "_u10", "_u10") bind(1, acosh, "_u10", "_u10") bind(1, atanh, "_u10", "_u10") \
  bind(1, erf, "_u10", "_u10") bind(1, erfc, "_u15", "_u15") bind(1, lgamma, "_u10", "_u10") \
  bind(1, floor, "_", "_") bind(1, ceil, "_", "_") bind(1, trunc, "_", "_") \
  bind(1, rint, "_", "_") bind(2, pow, "_u10", "_u10") bind(2, atan2, "_u10", "_u10") \
  bind(2, hypot, "_u05", "_u05") bind(2, fmod, "_", "_")
// clang-format on

// The SLEEF function `symbol`, and its wrapper vector_`name`.
#define WENGERT_BIND_1(binding, name, T, Bytes, symbol)            \
  Vector<T, Bytes> sleef_##name(Vector<T, Bytes>) __asm__(symbol); \
  binding void vector_##name(const Vector<T, Bytes>& x, Vector<T, Bytes>& y) { y = sleef_##name(x); }
#define WENGERT_BIND_2(binding, name, T, Bytes, symbol)                                                   \
  Vector<T, Bytes> sleef_##name(Vector<T, Bytes>, Vector<T, Bytes>) __asm__(symbol);                      \
  binding void vector_##name(const Vector<T, Bytes>& a, const Vector<T, Bytes>& b, Vector<T, Bytes>& y) { \
    y = sleef_##name(a, b);                                                                               \
  }
#define WENGERT_BIND(binding, operands, name, Bytes, symbol_float, symbol_double) \
  WENGERT_BIND_##operands(binding, name, float, Bytes, symbol_float)              \
      WENGERT_BIND_##operands(binding, name, double, Bytes, symbol_double)
#define WENGERT_DECLARE_1(name, T, Bytes) void vector_##name(const Vector<T, Bytes>& x, Vector<T, Bytes>& y);
#define WENGERT_DECLARE_2(name, T, Bytes) \
  void vector_##name(const Vector<T, Bytes>& a, const Vector<T, Bytes>& b, Vector<T, Bytes>& y);

#if defined(__aarch64__)
#define WENGERT_BIND_16(operands, name, f, d) \
  WENGERT_BIND(WENGERT_INLINE, operands, name, 16, "Sleef_" #name "f4" f "advsimd", "Sleef_" #name "d2" d "advsimd")
#elif defined(__x86_64__)
#define WENGERT_BIND_16(operands, name, f, d) \
  WENGERT_BIND(WENGERT_INLINE, operands, name, 16, "Sleef_" #name "f4" f "sse2", "Sleef_" #name "d2" d "sse2")
#define WENGERT_BIND_32_AS(binding, operands, name, f, d) \
  WENGERT_BIND(binding, operands, name, 32, "Sleef_" #name "f8" f "avx2", "Sleef_" #name "d4" d "avx2")
#define WENGERT_BIND_64_AS(binding, operands, name, f, d) \
  WENGERT_BIND(binding, operands, name, 64, "Sleef_" #name "f16" f "avx512f", "Sleef_" #name "d8" d "avx512f")
#else
#error "wengert: no vector mathematics for this processor yet; bind SLEEF's functions for it here"
#endif

// Code for the baseline passes wide vectors in another way than SLEEF expects. g++ decides by the target of the
// function that contains the call, so the bindings are inlined into the kernels, which have the right target. clang
// decides by the flags of the file, so there the bindings are functions in src/simd/vector_math_v3.cpp and _v4.cpp that
// take their operands by reference.
#if WENGERT_MULTIVERSION && defined(__clang__)
#define WENGERT_BIND_32(operands, name, f, d) \
  WENGERT_DECLARE_##operands(name, float, 32) WENGERT_DECLARE_##operands(name, double, 32)
#define WENGERT_BIND_64(operands, name, f, d) \
  WENGERT_DECLARE_##operands(name, float, 64) WENGERT_DECLARE_##operands(name, double, 64)
#else
#define WENGERT_BIND_32(operands, name, f, d) WENGERT_BIND_32_AS(WENGERT_INLINE, operands, name, f, d)
#define WENGERT_BIND_64(operands, name, f, d) WENGERT_BIND_64_AS(WENGERT_INLINE, operands, name, f, d)
#endif

#if !defined(WENGERT_VECTOR_MATH_OUT_OF_LINE)
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif
WENGERT_VECTOR_FUNCTIONS(WENGERT_BIND_16)
#if defined(__x86_64__) && (WENGERT_MULTIVERSION || defined(__AVX2__))
WENGERT_VECTOR_FUNCTIONS(WENGERT_BIND_32)
#endif
#if defined(__x86_64__) && (WENGERT_MULTIVERSION || defined(__AVX512F__))
WENGERT_VECTOR_FUNCTIONS(WENGERT_BIND_64)
#endif
#pragma GCC diagnostic pop
#endif

}  // namespace wengert::kernel
