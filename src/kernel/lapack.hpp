// Factorisations of single matrices, row-major without gaps.
//
// LAPACK is column-major and sees their transposes; the routines are chosen so that no matrix has to be transposed.
#pragma once

#include "kernel/gemm.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace wengert::kernel {

/// Working memory shared by the calls of one batch.
template <class T>
struct LapackScratch {
  std::vector<T> work;
  std::vector<T> reflections;
  std::vector<int> integers;
};

/// Factors `a` (n × n) in place: aᵀ = P·L·U. Returns the position of the first pivot that is exactly zero, or n.
template <class T>
std::size_t lu(std::span<T> a, std::size_t n, std::span<int> pivots);
/// Solves A·x = b with the factors of A for every row b of `rows`, and replaces the row by x.
template <class T>
void lu_solve(std::span<const T> factors, std::span<const int> pivots, std::size_t n, std::span<T> rows);
/// Replaces the factors of A by its inverse. No pivot may be zero.
template <class T>
void lu_invert(std::span<T> factors, std::span<const int> pivots, std::size_t n, LapackScratch<T>& scratch);
/// Estimates 1 / (‖A‖ ‖A⁻¹‖) from the factors of A; ‖A‖, given as `norm`, is the largest sum of |aᵢⱼ| over a row i.
template <class T>
T lu_reciprocal_condition(std::span<const T> factors, std::size_t n, T norm, LapackScratch<T>& scratch);

/// Replaces a symmetric positive definite matrix by its lower factor L, A = L·Lᵀ; only the lower triangle is read.
/// Returns the order of the first leading minor that is not positive, or 0.
template <class T>
std::size_t cholesky(std::span<T> a, std::size_t n);

/// Solves A·x = b for every column of `b` (n × m) in place; A is triangular, and its other triangle is not read.
template <class T>
void solve_triangular(Matrix<T> a, bool upper, bool unit_diagonal, std::size_t n, std::size_t m, T* b);

/// Computes the eigenvalues of a symmetric matrix in ascending order and replaces the matrix by its eigenvectors, one
/// per row. Only the lower triangle is read. False if the iteration does not converge.
template <class T>
bool symmetric_eigen(std::span<T> a, std::size_t n, std::span<T> values, LapackScratch<T>& scratch);

/// A = u · diag(s) · vh with k = min(m, n): u is m × k, vh is k × n. Destroys `a`. False if it does not converge.
template <class T>
bool svd(std::span<T> a, std::size_t m, std::size_t n, T* u, T* s, T* vh, LapackScratch<T>& scratch);

/// A = q · r with k = min(m, n): q is m × k, r is k × n and upper triangular. Destroys `a`.
template <class T>
void qr(std::span<T> a, std::size_t m, std::size_t n, T* q, T* r, LapackScratch<T>& scratch);

}  // namespace wengert::kernel
