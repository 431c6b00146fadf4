// Shape ops: the same elements in another shape or order. All but `contiguous` and `sum_to` return views if possible.
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>

namespace wengert {

/// The shape for `reshape`: extents, one of which may be −1, to be inferred from the number of elements.
class NewShape {
 public:
  NewShape() = default;
  /// From a known shape.
  NewShape(const Shape& shape) : shape_(shape) {}  // NOLINT(google-explicit-constructor)
  /// From a list of extents: braces, or a container of integers. Throws ShapeError for a second −1, for other negative
  /// extents and above 8 axes.
  ///@{
  NewShape(std::initializer_list<Integer> extents, const Location& where = Location::current()) {
    for (const Integer extent : extents) append(extent.value, where);
  }
  template <detail::SizedRangeOfIntegers R>
  requires(!std::same_as<R, Shape>) NewShape(  // NOLINT(google-explicit-constructor)
      const R& extents, const Location& where = Location::current()) {
    for (const auto extent : extents) append(static_cast<std::ptrdiff_t>(extent), where);
  }
  ///@}

  /// The shape for this number of elements. Throws ShapeError if no integer fits in place of −1.
  Shape of(std::size_t elements) const;

 private:
  void append(std::ptrdiff_t extent, const Location& where);

  Shape shape_;
  std::size_t unknown_ = max_rank;  // the axis of extent −1, if any
};

/// The elements in row-major order in another shape with the same number of elements; one extent may be −1.
/// Throws ShapeError if the number of elements differs.
template <class T>
Var<T> reshape(Var<T> x, const std::type_identity_t<NewShape>& shape, Location where = Location::current());

/// The same for indices. A copy.
template <class T>
IndexVar<T> reshape(IndexVar<T> x, const std::type_identity_t<NewShape>& shape, Location where = Location::current());

/// Merges the axes from `first` to `last`, counted from the end if negative; a scalar becomes a vector (PyTorch's
/// flatten). Throws AxisError if there is no such axis or `first` comes after `last`.
template <class T>
Var<T> flatten(Var<T> x, std::ptrdiff_t first = 0, std::ptrdiff_t last = -1, Location where = Location::current());

/// Inserts axes of extent 1, which are these axes of the result.
/// Throws AxisError if one is out of range or named twice, ShapeError above 8 axes.
template <class T>
Var<T> expand_dims(Var<T> x, const Axes& axes, Location where = Location::current());

/// Removes axes of extent 1: those named, or all. Throws ShapeError if a named axis has another extent, as in NumPy
/// (PyTorch ignores such an axis), AxisError if it is out of range or named twice.
template <class T>
Var<T> squeeze(Var<T> x, const Axes& axes = {}, Location where = Location::current());

/// Permutes the axes: axis i of the result is axis `order[i]` of x, counted from the end if negative. Without an order,
/// reverses them: for a matrix, the transpose. Throws AxisError unless `order` names every axis once.
template <class T>
Var<T> transpose(Var<T> x, const Axes& order = {}, Location where = Location::current());

/// Swaps two axes, counted from the end if negative. Throws AxisError if x has no such axis.
template <class T>
Var<T> swapaxes(Var<T> x, std::ptrdiff_t a, std::ptrdiff_t b, Location where = Location::current());

/// Moves axes: axis `from[i]` of x is axis `to[i]` of the result, and the others keep their order (NumPy's moveaxis).
/// Axes are counted from the end if negative. Throws AxisError if an axis is out of range or named twice, or if `from`
/// and `to` are empty or of different lengths.
template <class T>
Var<T> moveaxis(Var<T> x, const Axes& from, const Axes& to, Location where = Location::current());

/// x repeated to this shape, along its axes of extent 1 and along new leading axes (NumPy's rule).
/// Throws ShapeError if x does not broadcast to `shape`.
template <class T>
Var<T> broadcast_to(Var<T> x, const std::type_identity_t<Shape>& shape, Location where = Location::current());

/// x summed to this shape, over the axes along which `broadcast_to` would repeat it: the transpose of `broadcast_to`.
/// Throws ShapeError if `shape` does not broadcast to the shape of x.
template <class T>
Var<T> sum_to(Var<T> x, const std::type_identity_t<Shape>& shape, Location where = Location::current());

/// The elements copied to row-major order without gaps; x itself if they are already in that order.
template <class T>
Var<T> contiguous(Var<T> x, Location where = Location::current());

}  // namespace wengert
