// Joining, splitting and rearranging tensors: concatenate, stack, split, repeat, roll, pad.
//
// Functions of an axis throw AxisError if there is no such axis.
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/base/list.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

namespace wengert {

/// Joins tensors along an existing axis. Throws ShapeError if other extents differ or there are no tensors.
///
/// Braces hide the namespace of their elements: outside `using namespace wengert`, write `wengert::concatenate({a, b})`
/// or `concatenate(std::array{a, b})`. The same holds for `stack`.
template <class T>
Var<T> concatenate(std::span<const Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current());
/// The same for braces, and for any contiguous container of Vars.
///@{
template <class T>
Var<T> concatenate(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current()) {
  return concatenate(std::span<const Var<T>>(parts.begin(), parts.size()), axis, where);
}
template <detail::ContainerOfVars R>
auto concatenate(const R& parts, std::ptrdiff_t axis = 0, Location where = Location::current()) {
  return concatenate(detail::span_of_vars(parts), axis, where);
}
///@}

/// Joins tensors of equal shape along a new axis, which is axis `axis` of the result.
/// Throws ShapeError if the shapes differ or there are no tensors.
template <class T>
Var<T> stack(std::span<const Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current());
/// The same for braces, and for any contiguous container of Vars.
///@{
template <class T>
Var<T> stack(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current()) {
  return stack(std::span<const Var<T>>(parts.begin(), parts.size()), axis, where);
}
template <detail::ContainerOfVars R>
auto stack(const R& parts, std::ptrdiff_t axis = 0, Location where = Location::current()) {
  return stack(detail::span_of_vars(parts), axis, where);
}
///@}

/// x split along an axis: into views of equal extent, as many as the one integer given, or before each position of a
/// list (NumPy's split). Positions are counted from the end if negative; n positions give n + 1 views.
///
/// Throws ShapeError if the extent is not divisible by the number of views, ValueError for positions that decrease or
/// lie outside the axis. For PyTorch's split into pieces of given extents, use `split_with_sizes`.
template <class T>
std::vector<Var<T>> split(Var<T> x, const Integers& sections_or_positions, std::ptrdiff_t axis = 0,
                          Location where = Location::current());

/// x split into views of these extents along an axis (PyTorch's split_with_sizes). Throws ValueError for a negative
/// extent, ShapeError unless the extents add up to that of the axis.
template <class T>
std::vector<Var<T>> split_with_sizes(Var<T> x, const Integers& sizes, std::ptrdiff_t axis = 0,
                                     Location where = Location::current());

/// x split into at most `chunks` views of equal extent along an axis; the last may be shorter (PyTorch's chunk).
/// Throws ValueError for 0 chunks.
template <class T>
std::vector<Var<T>> chunk(Var<T> x, std::size_t chunks, std::ptrdiff_t axis = 0, Location where = Location::current());

/// x repeated as a whole: counts[i] times along axis i, where axes and counts are aligned from the last (NumPy's tile).
/// Throws ValueError for a negative count, ShapeError above 8 axes.
template <class T>
Var<T> tile(Var<T> x, const Integers& counts, Location where = Location::current());

/// Each element repeated `count` times along an axis (NumPy's repeat).
template <class T>
Var<T> repeat(Var<T> x, std::size_t count, std::ptrdiff_t axis, Location where = Location::current());

/// The elements shifted cyclically along axes: by one number of positions along each of the axes, or by one for each
/// axis, `roll(x, {1, -2}, {0, 1})`. Without axes, shifts all elements in row-major order (NumPy's roll).
///
/// The shifts of an axis that is named twice add up. Throws AxisError unless a list has as many shifts as axes.
template <class T>
Var<T> roll(Var<T> x, const Integers& shifts, const Axes& axes = {}, Location where = Location::current());

/// The number of elements that `pad` adds to an axis.
struct PadWidth {
  std::size_t before = 0;  ///< before the first element
  std::size_t after = 0;   ///< after the last element
};

/// The elements that `pad` adds: a constant, copies of the edge element, or the elements mirrored at the edge element.
enum class PadMode { constant, edge, reflect };

/// x with elements added at both ends of its last axes, one PadWidth for each axis; `value` is for PadMode::constant.
/// Throws ShapeError for more PadWidths than axes, the edge of an empty axis, and a reflection as long as the axis.
template <class T>
Var<T> pad(Var<T> x, const List<PadWidth>& paddings, PadMode mode = PadMode::constant, double value = 0,
           Location where = Location::current());

}  // namespace wengert
