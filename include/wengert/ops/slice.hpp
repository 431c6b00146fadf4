// Parts of a tensor: slices, diagonals and triangles.
#pragma once

#include <wengert/axes.hpp>
#include <wengert/op.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>

#include <xtensor/xslice.hpp>

namespace wengert {

/// What `slice` takes along one axis, written as for `xt::view`.
///
/// A position, whose axis goes; `xt::range(start, stop)` and `xt::range(start, stop, step)`, `xt::placeholders::_` for
/// an end left open; `xt::all()`; `xt::newaxis()`; `xt::ellipsis()` for as many whole axes as are left over. Negative
/// positions count from the end, ranges are cut off at the ends (Python's rules), a negative step goes backwards.
class Slice {
 public:
  /// What is taken: a range of positions, one, or a new axis; or as many whole axes as are left.
  enum class Kind { range, position, newaxis, ellipsis };

  /// A position.
  template <std::integral I>
  Slice(I position) : kind(Kind::position), start(static_cast<std::ptrdiff_t>(position)) {}  // NOLINT
  /// A range as `xt::range` writes it.
  template <class Start, class Stop, class Step>
  Slice(const xt::xrange_adaptor<Start, Stop, Step>& range)  // NOLINT(google-explicit-constructor)
      : start(bound(range.start())), stop(bound(range.stop())), step(bound(range.step()).value_or(1)) {}
  /// The positions from `first` up to `last`, which may be left open, `stride` apart.
  Slice(std::optional<std::ptrdiff_t> first, std::optional<std::ptrdiff_t> last, std::ptrdiff_t stride = 1)
      : start(first), stop(last), step(stride) {}
  /// The whole axis, a new axis of extent 1, or as many whole axes as are left.
  ///@{
  Slice(xt::xall_tag) {}                              // NOLINT(google-explicit-constructor)
  Slice(xt::xnewaxis_tag) : kind(Kind::newaxis) {}    // NOLINT(google-explicit-constructor)
  Slice(xt::xellipsis_tag) : kind(Kind::ellipsis) {}  // NOLINT(google-explicit-constructor)
  ///@}

  Kind kind = Kind::range;              ///< of the slice
  std::optional<std::ptrdiff_t> start;  ///< inclusive; of a position, itself
  std::optional<std::ptrdiff_t> stop;   ///< exclusive
  std::ptrdiff_t step = 1;              ///< between positions; negative: backwards

 private:
  static std::optional<std::ptrdiff_t> bound(std::ptrdiff_t given) { return given; }
  static std::optional<std::ptrdiff_t> bound(xt::placeholders::xtuph) { return {}; }
};

/// Part of x, as `xt::view` cuts it: `slice(x, {xt::range(1, 4), xt::all(), 0})`. Axes not mentioned stay whole.
/// A view, unless a step is negative. Throws ValueError for a position out of range and a step of 0, ShapeError for
/// more entries than axes.
template <class T>
Var<T> slice(Var<T> x, std::initializer_list<Slice> slices, Location where = Location::current());

/// Part of x along one axis.
template <class T>
Var<T> slice(Var<T> x, std::ptrdiff_t axis, const Slice& part, Location where = Location::current());

/// The elements in reverse order along axes. A copy.
template <class T>
Var<T> flip(Var<T> x, const Axes& axes = {}, Location where = Location::current());

/// The elements xᵢⱼ with j − i = `offset` of the matrices that two axes span, as a new last axis. A view.
/// Throws AxisError if the axes are not two.
template <class T>
Var<T> diagonal(Var<T> x, std::ptrdiff_t offset = 0, std::ptrdiff_t row_axis = 0, std::ptrdiff_t column_axis = 1,
                Location where = Location::current());

/// Of a matrix its diagonal; of a vector the square matrix with it on that diagonal and zeros elsewhere.
/// Throws ShapeError for other ranks.
template <class T>
Var<T> diag(Var<T> x, std::ptrdiff_t offset = 0, Location where = Location::current());

/// The sum of the diagonal of the matrices that two axes span.
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
