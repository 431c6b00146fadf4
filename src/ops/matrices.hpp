// Helpers of the ops on stacks of matrices: iteration, names in messages, and the small linear ops that their
// derivatives use.
#pragma once

#include "base/odometer.hpp"
#include "kernel/gemm.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/shape.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wengert::detail {

// ---- shapes and messages -------------------------------------------------------------------------------------------

/// The tape of an op's operands. Throws HandleError for an empty or stale handle, or if one belongs to another tape,
/// before anything is recorded.
///@{
template <class T>
Tape<T>& tape_of(std::string_view op, const Location& where, Var<T> a) {
  if (a.empty()) throw_empty_handle(op, "operand 1", where);
  return wengert::tape_of(a, op, where);
}
template <class T>
Tape<T>& tape_of(std::string_view op, const Location& where, Var<T> a, Var<T> b) {
  Tape<T>& tape = tape_of(op, where, a);
  check_operand(tape, b, op, where, "operand 2");
  return tape;
}
///@}

/// All axes but the last two.
inline Shape leading(const Shape& x) { return Shape(std::span(x.begin(), x.rank() - 2)); }
inline std::size_t rows_of(const Shape& x) { return x[x.rank() - 2]; }
inline std::size_t columns_of(const Shape& x) { return x[x.rank() - 1]; }
/// `batch` with the axes `extents` appended.
Shape with_axes(Shape batch, std::initializer_list<std::size_t> extents);

/// Throws ShapeError unless x is a matrix or a stack of them.
void require_matrices(std::string_view op, const Shape& x);
/// Throws ShapeError unless x is a square matrix or a stack of them.
void require_square(std::string_view op, const Shape& x);
/// `the matrix`, or `the matrix at (1, 0)` in a stack with these leading axes.
std::string matrix_at(const Shape& batch, std::size_t entry);

// ---- iteration over stacks -----------------------------------------------------------------------------------------

/// The last two axes as a matrix that gemm can read in place: the stride of one is 1, that of the other at least the
/// extent of the first. Empty if gemm cannot read them. An axis of extent 1 may have any stride.
template <class T>
std::optional<kernel::Matrix<T>> readable(const T* data, const Layout& x);

/// The layout of x's leading axes broadcast to `batch`: axes that are missing or of extent 1 have stride 0.
Layout batch_layout(const Layout& x, const Shape& batch);

/// Iterates over the matrices of a stack in row-major order of `batch`, to which its leading axes broadcast.
template <class T>
class Entries {
 public:
  Entries(Value<const T> x, const Shape& batch);
  const T* data() const { return data_; }
  void next() {
    at_.next([this](std::size_t axis, std::ptrdiff_t steps) { data_ += steps * batch_.strides[axis]; });
  }
  /// Copies the current matrix, or its transpose, in row-major order.
  void copy_to(T* to) const { copy_elements<T>({data_, &matrix_}, to); }
  void copy_transposed_to(T* to) const { copy_elements<T>({data_, &transposed_}, to); }

 private:
  const T* data_;
  Layout batch_, matrix_, transposed_;
  Odometer at_;
};

// ---- linear ops ----------------------------------------------------------------------------------------------------

/// x with its last two axes exchanged.
template <class T>
Var<T> transposed(Var<T> x) {
  return swapaxes(x, -2, -1);
}

/// The position of a matrix or a vector in the last axis of a packed result.
struct Place {
  std::size_t offset = 0;
  std::size_t rows = 1;
  std::size_t columns = 0;
  std::size_t stride = 0;  // from row to row
  bool is_matrix = false;

  static Place matrix(std::size_t offset, std::size_t rows, std::size_t columns, std::size_t stride) {
    return {offset, rows, columns, stride, true};
  }
  static Place matrix(std::size_t offset, std::size_t rows, std::size_t columns) {
    return matrix(offset, rows, columns, columns);
  }
  static Place vector(std::size_t offset, std::size_t count) { return {offset, 1, count, count, false}; }
};

/// A view of the matrix or vector at this place.
template <class T>
Var<T> unpack(Var<T> packed, const Place& place, Location where = Location::current());
/// The adjoint: x at its place among `size` elements, which are otherwise 0.
template <class T>
Var<T> pack(Var<T> x, const Place& place, std::size_t size, Location where = Location::current());

/// x with the elements below, on and above the diagonal multiplied by these weights.
template <class T>
Var<T> weigh_triangles(Var<T> x, double below, double on, double above, Location where = Location::current());

/// The vectors along the last axis as diagonal matrices.
template <class T>
Var<T> as_diagonal(Var<T> x) {
  Shape row = x.shape();
  const std::size_t n = row.back();
  row[row.rank() - 1] = 1;
  row.push_back(n);
  Shape square = row;
  square[square.rank() - 2] = n;
  return weigh_triangles(broadcast_to(reshape(x, row), square), 0, 1, 0);
}

/// a / b, but 0 where both are 0: the contribution of repeated eigenvalues if only the values have a gradient.
template <class T>
Var<T> quotient_or_zero(Var<T> a, Var<T> b);

// ---- test matrices for derivatives, made from any matrix with elements in [−2, 2] ----------------------------------

/// A matrix with independent rows or columns and well-separated singular values.
Var<double> dominant_diagonal(Var<double> a);
/// A symmetric matrix with well-separated eigenvalues.
Var<double> symmetric_separated(Var<double> a);
/// A symmetric positive definite matrix.
Var<double> positive_definite(Var<double> a);

}  // namespace wengert::detail
