// Linear algebra.
#pragma once

#include <wengert/op.hpp>

namespace wengert {

/// The matrix product of the last two axes: (…, n, k) by (…, k, m) gives (…, n, m), the leading axes broadcast.
///
/// A vector stands for a row on the left and a column on the right, and its axis is dropped from the result (NumPy's
/// rule). A transposed or broadcast operand costs no copy. Throws ShapeError if the inner sizes differ, the leading axes
/// do not broadcast, or an operand is a scalar.
template <class T>
Var<T> matmul(Var<T> a, Var<T> b, Location where = Location::current());

}  // namespace wengert
