// Matrix products with a vector operand.
#pragma once

#include "kernel/gemm.hpp"
#include <wengert/simd/isa.hpp>

#include <cstddef>

namespace wengert::kernel {

/// How a product is combined with c: alpha·product + beta·c. If beta is 0, c is not read and may hold anything.
template <class T>
struct Blend {
  T alpha, beta;

  template <class L>
  WENGERT_INLINE void put(const L& product, T* c) const {
    put_scaled(L(alpha) * product, c);
  }
  /// The same, given alpha·product, for a whole lane or for its first elements.
  template <class L>
  WENGERT_INLINE void put_scaled(const L& scaled, T* c) const {
    L result = scaled;
    if (beta != T(0)) result = result + L(beta) * L::load(c);
    result.store(c);
  }
  template <class L>
  WENGERT_INLINE void put_first_scaled(const L& scaled, T* c, std::size_t count) const {
    L result = scaled;
    if (beta != T(0)) result = result + L(beta) * L::load_first(c, count);
    result.store_first(c, count);
  }
  WENGERT_INLINE void put_one(T product, T* c) const {
    *c = beta != T(0) ? alpha * product + beta * *c : alpha * product;
  }
};

/// y = alpha·x·B + beta·y for a vector x of k elements; B may be transposed.
template <class T>
void vector_matrix(const T* x, Matrix<T> b, T* y, std::size_t k, std::size_t n, Blend<T> blend);

/// C = alpha·a·bᵀ + beta·C for vectors a and b.
template <class T>
void outer_product(const T* a, const T* b, T* c, std::size_t m, std::size_t n, Blend<T> blend);

}  // namespace wengert::kernel
