// Shape ops: the same elements under another shape. All but `contiguous` are views that copy nothing where possible.
#pragma once

#include <wengert/axes.hpp>
#include <wengert/op.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>

namespace wengert {

/// The shape `reshape` is to give: extents, one of which may be −1 and then follows from the number of elements.
class NewShape {
 public:
  /// One extent, of any integer type.
  struct Extent {
    /// From any integer.
    template <std::integral I>
    constexpr Extent(I extent) : value(static_cast<std::ptrdiff_t>(extent)) {}  // NOLINT(google-explicit-constructor)
    std::ptrdiff_t value;  ///< −1: follows from the number of elements
  };

  NewShape() = default;
  /// A shape without unknown extents.
  NewShape(const Shape& shape) : shape_(shape) {}  // NOLINT(google-explicit-constructor)
  /// Throws ShapeError for a second −1 and for other negative extents.
  NewShape(std::initializer_list<Extent> extents, const Location& where = Location::current());

  /// The shape for this many elements. Throws ShapeError if no whole extent in place of −1 holds them.
  Shape of(std::size_t elements) const;

 private:
  Shape shape_;
  std::size_t unknown_ = max_rank;  // the axis that was given as −1
};

/// The same elements in row-major order under another shape with as many elements; one extent may be −1.
/// Throws ShapeError if the number of elements differs.
template <class T>
Var<T> reshape(Var<T> x, const std::type_identity_t<NewShape>& shape, Location where = Location::current());

/// The axes from `first` to `last` merged into one, counted from the end if negative; a vector for a scalar (PyTorch's
/// flatten).
template <class T>
Var<T> flatten(Var<T> x, std::ptrdiff_t first = 0, std::ptrdiff_t last = -1, Location where = Location::current());

/// Axes of extent 1 put in, so that they have these numbers in the result.
/// Throws AxisError if one is out of range or named twice.
template <class T>
Var<T> expand_dims(Var<T> x, const Axes& axes, Location where = Location::current());

/// Axes of extent 1 left out: those named, or all. Throws ShapeError if one that is named has another extent.
template <class T>
Var<T> squeeze(Var<T> x, const Axes& axes = {}, Location where = Location::current());

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

/// Axes moved: `from[i]` of x is `to[i]` of the result, the others stay in their order (NumPy's moveaxis). Counted from
/// the end if negative. Throws AxisError if an axis is out of range or named twice, or `from` and `to` differ in
/// number.
template <class T>
Var<T> moveaxis(Var<T> x, const Axes& from, const Axes& to, Location where = Location::current());

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
