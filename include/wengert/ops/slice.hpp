// Parts of a tensor: slices, diagonals and triangles.
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/base/list.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <concepts>
#include <cstddef>
#include <optional>

#include <xtensor/xslice.hpp>

namespace wengert {

/// An argument of `slice` for one axis, written as for `xt::view`.
///
/// One of: a position, whose axis is dropped; `xt::range(start, stop)` or `xt::range(start, stop, step)`, with
/// `xt::placeholders::_` for an open end; `xt::all()`; `xt::newaxis()`; `xt::ellipsis()` for all remaining axes.
/// Negative positions count from the end, ranges are clamped to the axis (Python's rules), and a negative step goes
/// backwards.
class Slice {
 public:
  /// The kind of argument: a range of positions, a single position, a new axis, or all remaining axes.
  enum class Kind { range, position, newaxis, ellipsis };

  /// A position.
  template <std::integral I>
  Slice(I position) : kind(Kind::position), start(static_cast<std::ptrdiff_t>(position)) {}  // NOLINT
  /// A range, written as `xt::range`.
  template <class Start, class Stop, class Step>
  Slice(const xt::xrange_adaptor<Start, Stop, Step>& range)  // NOLINT(google-explicit-constructor)
      : start(bound(range.start())), stop(bound(range.stop())), step(bound(range.step()).value_or(1)) {}
  /// The positions from `first` up to, but excluding, `last`, `stride` apart; either end may be left open.
  Slice(std::optional<std::ptrdiff_t> first, std::optional<std::ptrdiff_t> last, std::ptrdiff_t stride = 1)
      : start(first), stop(last), step(stride) {}
  /// The whole axis, a new axis of extent 1, or all remaining axes.
  ///@{
  Slice(xt::xall_tag) {}                              // NOLINT(google-explicit-constructor)
  Slice(xt::xnewaxis_tag) : kind(Kind::newaxis) {}    // NOLINT(google-explicit-constructor)
  Slice(xt::xellipsis_tag) : kind(Kind::ellipsis) {}  // NOLINT(google-explicit-constructor)
  ///@}

  Kind kind = Kind::range;              ///< the kind of argument
  std::optional<std::ptrdiff_t> start;  ///< inclusive; for a single position, the position itself
  std::optional<std::ptrdiff_t> stop;   ///< exclusive
  std::ptrdiff_t step = 1;              ///< between positions; if negative, backwards

 private:
  static std::optional<std::ptrdiff_t> bound(std::ptrdiff_t given) { return given; }
  static std::optional<std::ptrdiff_t> bound(xt::placeholders::xtuph) { return {}; }
};

/// Part of x, selected as by `xt::view`: `slice(x, {xt::range(1, 4), xt::all(), 0})`. Axes without an entry stay whole.
/// A view, unless a step is negative. Throws ValueError for a position out of range or a step of 0, ShapeError for more
/// entries than axes or a second ellipsis.
template <class T>
Var<T> slice(Var<T> x, const List<Slice>& slices, Location where = Location::current());

/// Part of x along one axis. Throws AxisError if there is no such axis, ValueError for a new axis or an ellipsis.
template <class T>
Var<T> slice(Var<T> x, std::ptrdiff_t axis, const Slice& part, Location where = Location::current());

/// Part of x, as for values: column 2 of a matrix of indices is `slice(x, 1, 2)`. A copy, unless it is all of x.
///@{
template <class T>
IndexVar<T> slice(IndexVar<T> x, const List<Slice>& slices, Location where = Location::current());
template <class T>
IndexVar<T> slice(IndexVar<T> x, std::ptrdiff_t axis, const Slice& part, Location where = Location::current());
///@}

/// The elements in reverse order along the given axes, or along all. A copy.
template <class T>
Var<T> flip(Var<T> x, const Axes& axes = {}, Location where = Location::current());

/// The elements xᵢⱼ with j − i = `offset` of the matrices that two axes span, as a new last axis. A view.
/// Throws AxisError if there is no such axis or the two are the same.
template <class T>
Var<T> diagonal(Var<T> x, std::ptrdiff_t offset = 0, std::ptrdiff_t row_axis = 0, std::ptrdiff_t column_axis = 1,
                Location where = Location::current());

/// For a matrix, its diagonal; for a vector, the square matrix with the vector on that diagonal and zeros elsewhere.
/// Throws ShapeError for other ranks.
template <class T>
Var<T> diag(Var<T> x, std::ptrdiff_t offset = 0, Location where = Location::current());

/// The sum over the `diagonal` of the matrices that two axes span.
template <class T>
Var<T> trace(Var<T> x, std::ptrdiff_t offset = 0, std::ptrdiff_t row_axis = 0, std::ptrdiff_t column_axis = 1,
             Location where = Location::current());

/// The matrices of the last two axes with zeros above the diagonal j − i = `offset`.
/// Throws ShapeError below rank 2.
template <class T>
Var<T> tril(Var<T> x, std::ptrdiff_t offset = 0, Location where = Location::current());

/// The matrices of the last two axes with zeros below the diagonal j − i = `offset`.
/// Throws ShapeError below rank 2.
template <class T>
Var<T> triu(Var<T> x, std::ptrdiff_t offset = 0, Location where = Location::current());

}  // namespace wengert
