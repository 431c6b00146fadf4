// Linear algebra.
#pragma once

#include <wengert/op.hpp>

namespace wengert {

/// The matrix product: (n, k) by (k, m) gives (n, m). A vector stands for a row on the left and a column on the right,
/// and its axis is dropped from the result (NumPy's rule). A transposed operand costs no copy. Throws ShapeError if the
/// inner sizes differ or an operand is not of rank 1 or 2.
template <class T>
Var<T> matmul(Var<T> a, Var<T> b, Location where = Location::current());

}  // namespace wengert
