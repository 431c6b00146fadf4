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

/// c = a·b, where a is m × k, b is k × n and c is m × n, row-major without gaps.
template <class T>
void gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<T> a, Matrix<T> b, T* c);

}  // namespace wengert::kernel
