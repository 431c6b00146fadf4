// Linear algebra: products, and the solutions and factorisations of matrices.
//
// Everything runs over stacks: the last two axes are a matrix (n rows, m columns), the leading ones number the matrices
// and broadcast between operands. A matrix for which there is no answer throws ValueError that names its place in the
// stack. Factorisations are LAPACK's. Gradients of any order are recorded; Giles 2008, "Collected matrix derivative
// results for forward and reverse mode algorithmic differentiation", has most of the formulas.
#pragma once

#include <wengert/op.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wengert {

// ---- products ------------------------------------------------------------------------------------------------------

/// The matrix product of the last two axes: (…, n, k) by (…, k, m) gives (…, n, m), the leading axes broadcast.
///
/// A vector stands for a row on the left and a column on the right, and its axis is dropped from the result (NumPy's
/// rule). A transposed or broadcast operand costs no copy. Throws ShapeError if the inner sizes differ, the leading
/// axes do not broadcast, or an operand is a scalar.
template <class T>
Var<T> matmul(Var<T> a, Var<T> b, Location where = Location::current());

/// NumPy's dot: the sum of products over the last axis of a and the last but one of b (the only one of a vector).
///
/// Of vectors their inner product, of matrices their product; a scalar multiplies. Unlike `matmul` it does not
/// broadcast: the result has all other axes of a, then all other axes of b. Throws ShapeError if the extents differ or
/// the result has more than 8 axes.
template <class T>
Var<T> dot(Var<T> a, Var<T> b, Location where = Location::current());

/// The outer product aᵢ·bⱼ, (n, m) for n and m elements; operands that are not vectors are flattened (NumPy's rule).
template <class T>
Var<T> outer(Var<T> a, Var<T> b, Location where = Location::current());

/// The sum of products over the last `axes` axes of a and the first `axes` axes of b, in order; 0 gives all products.
///
/// The result has the remaining axes of a, then those of b. Throws ShapeError if extents differ, AxisError if an
/// operand has fewer axes.
template <class T>
Var<T> tensordot(Var<T> a, Var<T> b, std::size_t axes = 2, Location where = Location::current());

/// The sum of products over pairs of axes: axis `axes_a[i]` of a with axis `axes_b[i]` of b, counted from the end if
/// negative.
///
/// Throws ShapeError if their extents differ, AxisError for an axis out of range, named twice, or without partner.
template <class T>
Var<T> tensordot(Var<T> a, Var<T> b, std::type_identity_t<std::initializer_list<std::ptrdiff_t>> axes_a,
                 std::type_identity_t<std::initializer_list<std::ptrdiff_t>> axes_b,
                 Location where = Location::current());

/// What `einsum` computes, as the caller wrote it, with the line it was written on.
class Subscripts {
 public:
  /// The text and the line it was written on.
  template <std::convertible_to<std::string_view> S>
  Subscripts(const S& text, Location where = Location::current()) : text_(text), where_(where) {}  // NOLINT
  /// The text.
  std::string_view text() const { return text_; }
  /// The line.
  const Location& where() const { return where_; }

 private:
  std::string_view text_;  // lives as long as the call
  Location where_;
};

/// Sums of products of any number of operands, in Einstein's notation: `einsum("bij,bjk->bik", a, b)`.
///
/// A letter names an axis; axes of one letter run together and must be of one extent, or 1 (then they repeat). Letters
/// that the result does not name are summed over; one that stands twice in an operand takes its diagonal. `...` stands
/// for any further axes, which broadcast. Without `->` the result has `...` and then, in alphabetical order, the
/// letters that occur once (NumPy's rule). Spaces are ignored.
///
/// Operands are joined pair by pair, each a `matmul` where something is summed: up to six in the cheapest of all
/// orders, more of them greedily, the pair first that shrinks most. The gradient follows the same order.
///
/// Throws ValueError for subscripts that cannot be read, ShapeError where operands do not fit them.
template <class T>
Var<T> einsum(const Subscripts& subscripts, std::span<const Var<T>> operands);
/// The same for any number of operands.
template <class T, class... Rest>
requires(std::same_as<Rest, Var<T>>&&...) Var<T> einsum(const Subscripts& subscripts, Var<T> first, Rest... rest) {
  const std::array<Var<T>, sizeof...(Rest) + 1> operands{first, rest...};
  return einsum<T>(subscripts, std::span<const Var<T>>(operands));
}
/// The same for operands in a vector.
template <class T>
Var<T> einsum(const Subscripts& subscripts, const std::vector<Var<T>>& operands) {
  return einsum<T>(subscripts, std::span<const Var<T>>(operands));
}

// ---- equations -----------------------------------------------------------------------------------------------------

/// The inverse of square matrices. Prefer `solve`, which is faster and more accurate.
/// Throws ShapeError for matrices that are not square, ValueError for a singular one.
template <class T>
Var<T> inv(Var<T> a, Location where = Location::current());

/// The X with A·X = B, for A (…, n, n) and B (…, n, m); the leading axes broadcast.
///
/// B of rank 1 is a vector, and so is the result; B of any other rank is a stack of matrices (NumPy 2's rule, not
/// PyTorch's guess): give a stack of vectors a last axis of extent 1. Throws ShapeError for shapes that do not fit,
/// ValueError for a singular matrix.
template <class T>
Var<T> solve(Var<T> a, Var<T> b, Location where = Location::current());

/// Which triangle of a matrix holds its elements.
enum class Triangle : bool { lower, upper };
/// Whether the diagonal of a triangular matrix is taken to be all ones, without being read.
enum class UnitDiagonal : bool { no, yes };

/// The X with A·X = B for a triangular A, whose other triangle is not read; otherwise as `solve`.
///
/// Aᵀ·X = B is `triangular_solve(transpose(a), b, …)` with the other triangle, and costs no copy. Throws ValueError for
/// a zero on the diagonal.
template <class T>
Var<T> triangular_solve(Var<T> a, Var<T> b, Triangle triangle = Triangle::lower, UnitDiagonal unit = UnitDiagonal::no,
                        Location where = Location::current());

/// The determinants of square matrices: (…, n, n) gives (…); 1 for n = 0.
///
/// A singular matrix has 0, the right gradient, which is the matrix of its cofactors, and the right second gradient;
/// the third needs an invertible one and otherwise throws ValueError. Throws ShapeError for matrices that are not
/// square.
template <class T>
Var<T> det(Var<T> a, Location where = Location::current());

/// The determinant of matrices as sign · exp(log_abs), which neither overflows nor underflows.
template <class T>
struct SlogDet {
  Var<T> sign;     ///< 1 or −1, 0 for a singular matrix; without gradient
  Var<T> log_abs;  ///< ln |det A|, −∞ for a singular matrix
};
/// The sign and the logarithm of the determinants of square matrices: `auto [sign, log_abs] = slogdet(a);`.
///
/// Throws ShapeError for matrices that are not square. The gradient of a singular matrix throws ValueError.
template <class T>
SlogDet<T> slogdet(Var<T> a, Location where = Location::current());

// ---- factorisations ------------------------------------------------------------------------------------------------

/// The lower triangular L with A = L·Lᵀ, for symmetric positive definite A.
///
/// Only the lower triangle of A is read. The gradient is that of symmetric changes of A and itself symmetric (as
/// PyTorch's). Formula: Seeger et al. 2017, "Auto-differentiating linear algebra". Throws ShapeError for matrices that
/// are not square, ValueError for one that is not positive definite.
template <class T>
Var<T> cholesky(Var<T> a, Location where = Location::current());

/// Orthonormal columns Q and an upper triangle R with A = Q·R.
template <class T>
struct Qr {
  Var<T> q;  ///< (…, n, k), k = min(n, m)
  Var<T> r;  ///< (…, k, m)
};
/// The reduced QR factorisation of matrices (…, n, m): `auto [q, r] = qr(a);`.
///
/// Signs are LAPACK's: an element of R's diagonal may be negative. The gradient needs the first k columns to be
/// independent and otherwise throws ValueError. Formulas: Walter & Lehmann 2018, "Algorithmic differentiation of linear
/// algebra functions"; for m > n Roberts & Roberts 2020, "QR and LQ decomposition matrix backpropagation algorithms".
template <class T>
Qr<T> qr(Var<T> a, Location where = Location::current());

/// Eigenvalues in ascending order, and in the columns of `vectors` an orthonormal eigenvector for each.
template <class T>
struct Eigh {
  Var<T> values;   ///< (…, n)
  Var<T> vectors;  ///< (…, n, n)
};
/// The eigenvalues and eigenvectors of symmetric matrices: `auto [w, v] = eigh(a);`.
///
/// Only the lower triangle of A is read. The gradient is that of symmetric changes of A and itself symmetric (as
/// PyTorch's). The sign of a vector is arbitrary, so that only results that do not depend on it have a meaning; vectors
/// of a repeated value have no gradient (it is not finite), the values alone have. Throws ShapeError for matrices that
/// are not square, ValueError for an element that is not finite.
template <class T>
Eigh<T> eigh(Var<T> a, Location where = Location::current());

/// Orthonormal columns U, singular values s in descending order, and orthonormal rows Vᵀ, with A = U·diag(s)·Vᵀ.
template <class T>
struct Svd {
  Var<T> u;   ///< (…, n, k), k = min(n, m)
  Var<T> s;   ///< (…, k)
  Var<T> vh;  ///< (…, k, m)
};
/// The reduced singular value decomposition of matrices (…, n, m): `auto [u, s, vh] = svd(a);`.
///
/// The common sign of a pair of vectors is arbitrary, so that only results that do not depend on it have a meaning;
/// vectors of a repeated value, or of 0 where A is not square, have no gradient (it is not finite), the values alone
/// have. Throws ValueError for an element that is not finite.
template <class T>
Svd<T> svd(Var<T> a, Location where = Location::current());

}  // namespace wengert
