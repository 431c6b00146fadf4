// Products with a matrix that was packed once: for constant weights.
#pragma once

#include "kernel/gemm.hpp"

#include <cstddef>

namespace wengert::kernel {

/// The number of elements of a packed k × n matrix: panels of 128 bytes of columns each, row by row; the last one is
/// filled up with zeros.
template <class T>
std::size_t packed_size(std::size_t k, std::size_t n);

/// Packs b, k × n.
template <class T>
void pack(std::size_t k, std::size_t n, Matrix<T> b, T* packed);

/// Whether `gemm_packed` is faster than `gemm` (measured): for few rows, for which `gemm` would pack or transpose b at
/// each call, and for a vector.
template <class T>
bool packing_pays(std::size_t m, std::size_t n, std::size_t k, Matrix<T> b);

/// c = a·b, where b is packed, rows of a are `stride` elements apart, and c is m × n, row-major without gaps.
template <class T>
void gemm_packed(std::size_t m, std::size_t n, std::size_t k, const T* a, std::size_t stride, const T* packed, T* c);

}  // namespace wengert::kernel
