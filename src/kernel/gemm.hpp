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

/// Matrices of one shape that follow one another; a step of 0 repeats one.
template <class T>
struct Batch {
  Matrix<T> matrix;  // the first
  std::ptrdiff_t step;

  Matrix<T> entry(std::size_t e) const {
    return {matrix.data + static_cast<std::ptrdiff_t>(e) * step, matrix.stride, matrix.transposed};
  }
};

/// c = alpha·a·b + beta·c, where a is m × k, b is k × n and c is m × n, row-major without gaps. With a beta of 0, what
/// c held is not read.
template <class T>
void gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<T> a, Matrix<T> b, T* c, T alpha = 1, T beta = 0);

/// c = a·b for `count` pairs; the products lie one after another in c.
template <class T>
void gemm_batch(std::size_t count, std::size_t m, std::size_t n, std::size_t k, Batch<T> a, Batch<T> b, T* c);

/// OpenBLAS's own threads and ours would compete for the same cores: called before every call into it.
void use_one_blas_thread();

}  // namespace wengert::kernel
