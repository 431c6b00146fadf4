// Joining, splitting and rearranging tensors: concatenate, stack, split, repeat, roll, pad.
//
// Functions of an axis throw AxisError if there is no such axis.
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace wengert {

/// Joins tensors along an existing axis. Throws ShapeError if other extents differ or there are no tensors.
template <class T>
Var<T> concatenate(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current());
/// The same for any number of parts.
template <class T>
Var<T> concatenate(const std::vector<Var<T>>& parts, std::ptrdiff_t axis = 0, Location where = Location::current());

/// Joins tensors of equal shape along a new axis, which is axis `axis` of the result.
/// Throws ShapeError if the shapes differ or there are no tensors.
template <class T>
Var<T> stack(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current());
/// The same for any number of parts.
template <class T>
Var<T> stack(const std::vector<Var<T>>& parts, std::ptrdiff_t axis = 0, Location where = Location::current());

/// x split into `sections` views of equal extent along an axis. Throws ShapeError if the extent is not divisible by it.
template <class T>
std::vector<Var<T>> split(Var<T> x, std::size_t sections, std::ptrdiff_t axis = 0,
                          Location where = Location::current());

/// x split before each of these positions along an axis, counted from the end if negative: n positions give n + 1
/// views. Throws ValueError for positions that decrease or lie outside the axis.
template <class T>
std::vector<Var<T>> split(Var<T> x, std::initializer_list<std::ptrdiff_t> positions, std::ptrdiff_t axis = 0,
                          Location where = Location::current());

/// x split into at most `chunks` views of equal extent along an axis; the last may be shorter (PyTorch's chunk).
/// Throws ValueError for 0 chunks.
template <class T>
std::vector<Var<T>> chunk(Var<T> x, std::size_t chunks, std::ptrdiff_t axis = 0, Location where = Location::current());

/// x repeated as a whole: counts[i] times along axis i, where axes and counts are aligned from the last (NumPy's tile).
template <class T>
Var<T> tile(Var<T> x, std::initializer_list<std::size_t> counts, Location where = Location::current());

/// Each element repeated `count` times along an axis (NumPy's repeat).
template <class T>
Var<T> repeat(Var<T> x, std::size_t count, std::ptrdiff_t axis, Location where = Location::current());

/// The elements shifted cyclically by `shift` positions along each of the axes; without axes, in row-major order over
/// all elements (NumPy's roll).
template <class T>
Var<T> roll(Var<T> x, std::ptrdiff_t shift, const Axes& axes = {}, Location where = Location::current());

/// The same with one shift for each axis: `roll(x, {1, -2}, {0, 1})`. The shifts of an axis that is named twice add up.
/// Throws AxisError unless there are as many shifts as axes.
template <class T>
Var<T> roll(Var<T> x, std::type_identity_t<std::initializer_list<std::ptrdiff_t>> shifts,
            std::type_identity_t<std::initializer_list<std::ptrdiff_t>> axes, Location where = Location::current());

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
Var<T> pad(Var<T> x, std::initializer_list<PadWidth> paddings, PadMode mode = PadMode::constant, double value = 0,
           Location where = Location::current());

}  // namespace wengert
