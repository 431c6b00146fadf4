// The dense matrix product.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// A matrix operand: element (i, j) lies at data[i·stride + j], or at data[j·stride + i] if transposed.
template <class T>
struct Matrix {
  const T* data;
  std::size_t stride;
  bool transposed;
};

/// Matrices of one shape, `step` elements apart; a step of 0 repeats one matrix.
template <class T>
struct Batch {
  Matrix<T> matrix;  // the first
  std::ptrdiff_t step;

  Matrix<T> entry(std::size_t e) const {
    return {matrix.data + static_cast<std::ptrdiff_t>(e) * step, matrix.stride, matrix.transposed};
  }
};

/// c = alpha·a·b + beta·c, where a is m × k, b is k × n and c is m × n, row-major without gaps. If beta is 0, c is
/// not read.
template <class T>
void gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<T> a, Matrix<T> b, T* c, T alpha = 1, T beta = 0);

/// c = a·b for `count` pairs; the products are stored one after another in c.
template <class T>
void gemm_batch(std::size_t count, std::size_t m, std::size_t n, std::size_t k, Batch<T> a, Batch<T> b, T* c);

/// Limits OpenBLAS to one thread, because its threads would compete with ours. Call it before any use of OpenBLAS.
void use_one_blas_thread();

}  // namespace wengert::kernel
