// Shape ops: the same elements under another shape. All but `contiguous` are views that copy nothing where possible.
#pragma once

#include <wengert/op.hpp>

#include <span>
#include <vector>

namespace wengert {

/// The same elements in row-major order under another shape with as many elements.
/// Throws ShapeError if the number of elements differs.
template <class T>
Var<T> reshape(Var<T> x, const std::type_identity_t<Shape>& shape, Location where = Location::current());

/// The axes in reverse order: for a matrix, its transpose.
template <class T>
Var<T> transpose(Var<T> x, Location where = Location::current());

/// The axes in the order given, counted from the end if negative: axis i of the result is axis `order[i]` of x.
/// Throws AxisError unless `order` names every axis once.
template <class T>
Var<T> transpose(Var<T> x, std::type_identity_t<std::initializer_list<std::ptrdiff_t>> order,
                 Location where = Location::current());

/// Two axes exchanged, counted from the end if negative. Throws AxisError if x has no such axis.
template <class T>
Var<T> swapaxes(Var<T> x, std::ptrdiff_t a, std::ptrdiff_t b, Location where = Location::current());

/// x repeated along its axes of extent 1 and along new leading axes, until it has this shape (NumPy's rule).
/// Throws ShapeError if it does not broadcast to `shape`.
template <class T>
Var<T> broadcast_to(Var<T> x, const std::type_identity_t<Shape>& shape, Location where = Location::current());

/// x summed over the axes along which `shape` was repeated: the reverse of `broadcast_to`.
/// Throws ShapeError if `shape` does not broadcast to the shape of x.
template <class T>
Var<T> sum_to(Var<T> x, const std::type_identity_t<Shape>& shape, Location where = Location::current());

/// The elements copied to row-major order without gaps; x itself if they are in that order already.
template <class T>
Var<T> contiguous(Var<T> x, Location where = Location::current());

}  // namespace wengert
