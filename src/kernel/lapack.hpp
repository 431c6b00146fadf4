// Factorisations of single matrices, row-major without gaps. LAPACK counts from column to column: it sees their
// transposes, and each call here is chosen so that nothing need be transposed for it.
#pragma once

#include "kernel/gemm.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace wengert::kernel {

/// Memory that the calls of one batch share.
template <class T>
struct LapackScratch {
  std::vector<T> work;
  std::vector<T> reflections;
  std::vector<int> integers;
};

/// Factors `a` (n × n) in place: aᵀ = P·L·U. Returns the position of the first pivot that is exactly zero, or n.
template <class T>
std::size_t lu(std::span<T> a, std::size_t n, std::span<int> pivots);
/// Solves A·x = b with the factors of A for every row x of `rows`, which holds b before.
template <class T>
void lu_solve(std::span<const T> factors, std::span<const int> pivots, std::size_t n, std::span<T> rows);
/// Turns the factors of A, none of whose pivots is zero, into its inverse.
template <class T>
void lu_invert(std::span<T> factors, std::span<const int> pivots, std::size_t n, LapackScratch<T>& scratch);
/// An estimate of 1 / (|A| |A⁻¹|) from the factors of A, whose largest sum of |elements| along a row is `norm`.
template <class T>
T lu_reciprocal_condition(std::span<const T> factors, std::size_t n, T norm, LapackScratch<T>& scratch);

/// Replaces a symmetric positive definite matrix, of which the lower triangle is read, by its lower factor L, A = L·Lᵀ.
/// Returns the order of the first leading minor that is not positive, or 0.
template <class T>
std::size_t cholesky(std::span<T> a, std::size_t n);

/// Solves A·x = b for every column of `b` (n × m) in place; A is triangular, and its other triangle is not read.
template <class T>
void solve_triangular(Matrix<T> a, bool upper, bool unit_diagonal, std::size_t n, std::size_t m, T* b);

/// Eigenvalues in ascending order of a symmetric matrix, whose lower triangle is read and which is replaced by its
/// eigenvectors, one a row. False if the iteration did not converge.
template <class T>
bool symmetric_eigen(std::span<T> a, std::size_t n, std::span<T> values, LapackScratch<T>& scratch);

/// A = u · diag(s) · vh with k = min(m, n): u is m × k, vh is k × n. Destroys `a`. False if it did not converge.
template <class T>
bool svd(std::span<T> a, std::size_t m, std::size_t n, T* u, T* s, T* vh, LapackScratch<T>& scratch);

/// A = q · r with k = min(m, n): q is m × k, r is k × n and upper triangular. Destroys `a`.
template <class T>
void qr(std::span<T> a, std::size_t m, std::size_t n, T* q, T* r, LapackScratch<T>& scratch);

}  // namespace wengert::kernel
