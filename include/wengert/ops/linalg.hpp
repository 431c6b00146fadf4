// Linear algebra: products, linear equations, determinants and factorisations.
//
// All functions but `dot`, `outer`, `tensordot` and `einsum` operate on stacks: the last two axes form a matrix of n
// rows and m columns; the leading axes index the matrices and broadcast between operands. A ValueError for a matrix
// without a result names its position in the stack. Factorisations are LAPACK's. Most formulas of derivatives are from
// Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation".
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/tape/tape.hpp>

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

/// The matrix product of the last two axes: (…, n, k) by (…, k, m) gives (…, n, m). The leading axes broadcast.
///
/// A vector is a row on the left and a column on the right, and its axis is dropped from the result (NumPy's rule). A
/// transposed or broadcast operand is not copied. Throws ShapeError if the inner extents differ, if the leading axes do
/// not broadcast, or if an operand is a scalar.
template <class T>
Var<T> matmul(Var<T> a, Var<T> b, Location where = Location::current());

/// NumPy's dot: the sum of products over the last axis of a and the second to last of b (the only axis of a vector).
///
/// For vectors, this is the inner product; for matrices, the matrix product; a scalar multiplies. Unlike `matmul`, it
/// does not broadcast: the result has all other axes of a, then all other axes of b. Throws ShapeError if the extents
/// differ or the result has more than 8 axes.
template <class T>
Var<T> dot(Var<T> a, Var<T> b, Location where = Location::current());

/// The outer product aᵢ·bⱼ of n and m elements, (n, m); operands that are not vectors are flattened (NumPy's rule).
template <class T>
Var<T> outer(Var<T> a, Var<T> b, Location where = Location::current());

/// The sum of products over the last `axes` axes of a and the first `axes` axes of b, in order; for 0, all products.
///
/// The result has the remaining axes of a, then those of b. Throws ShapeError if extents differ or the result has more
/// than 8 axes, AxisError if an operand has fewer than `axes` axes.
template <class T>
Var<T> tensordot(Var<T> a, Var<T> b, std::size_t axes = 2, Location where = Location::current());

/// The sum of products over pairs of axes: axis `axes_a[i]` of a with axis `axes_b[i]` of b, counted from the end if
/// negative. Empty lists give all products.
///
/// Throws ShapeError if their extents differ or the result has more than 8 axes, AxisError for an axis that is out of
/// range, named twice, or unpaired.
template <class T>
Var<T> tensordot(Var<T> a, Var<T> b, const Axes& axes_a, const Axes& axes_b, Location where = Location::current());

/// The subscripts of an `einsum`, with the caller's line.
class Subscripts {
 public:
  /// From a text, which must live as long as the call.
  template <std::convertible_to<std::string_view> S>
  Subscripts(const S& text, Location where = Location::current()) : text_(text), where_(where) {}  // NOLINT
  /// The text.
  std::string_view text() const { return text_; }
  /// The caller's line.
  const Location& where() const { return where_; }

 private:
  std::string_view text_;  // valid during the call
  Location where_;
};

/// Sums of products of any number of operands, in Einstein's notation: `einsum("bij,bjk->bik", a, b)`.
///
/// A letter names an axis; all axes with the same letter must have the same extent, or 1, which broadcasts. Letters
/// that the result does not name are summed over; a letter that occurs twice in an operand selects its diagonal. `...`
/// stands for any further axes, which broadcast. Without `->`, the result has `...` and then, in alphabetical order,
/// the letters that occur once (NumPy's rule). Spaces are ignored.
///
/// Operands are contracted pair by pair, with a `matmul` where something is summed: up to six operands in the cheapest
/// of all orders, more in the cheaper of two greedy orders.
///
/// Throws ValueError for invalid subscripts, ShapeError for operands that do not match them, and if an intermediate
/// result would have more than 8 axes.
template <class T>
Var<T> einsum(const Subscripts& subscripts, std::span<const Var<T>> operands);
/// The same for any number of operands.
template <class T, class... Rest>
requires(std::same_as<Rest, Var<T>>&&...) Var<T> einsum(const Subscripts& subscripts, Var<T> first, Rest... rest) {
  const std::array<Var<T>, sizeof...(Rest) + 1> operands{first, rest...};
  return einsum<T>(subscripts, std::span<const Var<T>>(operands));
}
/// The same for operands in braces, or in any contiguous container.
///@{
template <class T>
Var<T> einsum(const Subscripts& subscripts, std::initializer_list<Var<T>> operands) {
  return einsum(subscripts, std::span<const Var<T>>(operands.begin(), operands.size()));
}
template <detail::ContainerOfVars R>
auto einsum(const Subscripts& subscripts, const R& operands) {
  return einsum(subscripts, detail::span_of_vars(operands));
}
///@}

// ---- equations -----------------------------------------------------------------------------------------------------

/// The inverse of square matrices. Prefer `solve`, which is faster and more accurate.
/// Throws ShapeError for matrices that are not square, ValueError for a singular matrix.
template <class T>
Var<T> inv(Var<T> a, Location where = Location::current());

/// The X with A·X = B, for A (…, n, n) and B (…, n, m); the leading axes broadcast.
///
/// If B has rank 1, it is a vector, and so is the result. With any other rank, B is a stack of matrices (NumPy 2's
/// rule, not PyTorch's heuristic): append an axis of extent 1 to a stack of vectors. Throws ShapeError for mismatched
/// shapes, ValueError for a singular matrix.
template <class T>
Var<T> solve(Var<T> a, Var<T> b, Location where = Location::current());

/// Which triangle of a matrix is read.
enum class Triangle : bool { lower, upper };
/// Whether the diagonal of a triangular matrix is assumed to be all ones and not read.
enum class UnitDiagonal : bool { no, yes };

/// The X with A·X = B for a triangular A, whose other triangle is not read; otherwise like `solve`.
///
/// For Aᵀ·X = B, pass the view `swapaxes(a, -1, -2)` and the other triangle. Throws ValueError for a 0 on the diagonal.
template <class T>
Var<T> triangular_solve(Var<T> a, Var<T> b, Triangle triangle = Triangle::lower, UnitDiagonal unit = UnitDiagonal::no,
                        Location where = Location::current());

/// The determinants of square matrices: (…, n, n) gives (…); 1 for n = 0.
///
/// For a singular matrix, the determinant is 0, and the first gradient (the matrix of cofactors) and the second are
/// correct; the third needs an invertible matrix and otherwise throws ValueError. Throws ShapeError for matrices that
/// are not square.
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
/// Only the lower triangle of A is read. The gradient is that with respect to symmetric changes of A, a symmetric
/// matrix, as in PyTorch. Formula: Seeger et al. 2017, "Auto-differentiating linear algebra". Throws ShapeError for
/// matrices that are not square, ValueError for a matrix that is not positive definite.
template <class T>
Var<T> cholesky(Var<T> a, Location where = Location::current());

/// Q with orthonormal columns, and upper triangular R; A = Q·R.
template <class T>
struct Qr {
  Var<T> q;  ///< (…, n, k), k = min(n, m)
  Var<T> r;  ///< (…, k, m)
};
/// The reduced QR factorisation of matrices (…, n, m): `auto [q, r] = qr(a);`.
///
/// Signs are LAPACK's: diagonal elements of R may be negative. The gradient throws ValueError unless the first k
/// columns are linearly independent. Formulas: Walter & Lehmann 2018, "Algorithmic differentiation of linear algebra
/// functions"; for m > n, Roberts & Roberts 2020, "QR and LQ decomposition matrix backpropagation algorithms".
template <class T>
Qr<T> qr(Var<T> a, Location where = Location::current());

/// Eigenvalues in ascending order, and the corresponding orthonormal eigenvectors in the columns of `vectors`.
template <class T>
struct Eigh {
  Var<T> values;   ///< (…, n)
  Var<T> vectors;  ///< (…, n, n)
};
/// The eigenvalues and eigenvectors of symmetric matrices: `auto [w, v] = eigh(a);`.
///
/// Only the lower triangle of A is read. The gradient is that with respect to symmetric changes of A, a symmetric
/// matrix, as in PyTorch. The sign of an eigenvector is arbitrary, so only results that do not depend on it are
/// meaningful. For a repeated eigenvalue, the gradient through its vectors is not finite; through the values alone, it
/// is. Throws ShapeError for matrices that are not square, ValueError for an element that is not finite.
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
/// The common sign of a pair of singular vectors is arbitrary, so only results that do not depend on it are meaningful.
/// For a repeated singular value, and for 0 if A is not square, the gradient through its vectors is not finite; through
/// the values alone, it is. Throws ValueError for an element that is not finite.
template <class T>
Svd<T> svd(Var<T> a, Location where = Location::current());

}  // namespace wengert
