// Tensors put together and taken apart: concatenate, stack, split, repeat, roll, pad.
#pragma once

#include <wengert/axes.hpp>
#include <wengert/op.hpp>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

namespace wengert {

/// Several tensors one after another along an axis; the other extents must be equal.
/// Throws ShapeError if they are not, and for no tensors.
template <class T>
Var<T> concatenate(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current());
/// The same for any number of parts.
template <class T>
Var<T> concatenate(const std::vector<Var<T>>& parts, std::ptrdiff_t axis = 0, Location where = Location::current());

/// Several tensors of one shape along a new axis, which has this number in the result.
/// Throws ShapeError if the shapes differ, and for no tensors.
template <class T>
Var<T> stack(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis = 0, Location where = Location::current());
/// The same for any number of parts.
template <class T>
Var<T> stack(const std::vector<Var<T>>& parts, std::ptrdiff_t axis = 0, Location where = Location::current());

/// x cut into `sections` views of equal extent along an axis. Throws ShapeError if they cannot be equal.
template <class T>
std::vector<Var<T>> split(Var<T> x, std::size_t sections, std::ptrdiff_t axis = 0,
                          Location where = Location::current());

/// x cut before each of these positions, which must not decrease: n positions give n + 1 views.
/// Throws ValueError for positions that decrease or lie outside of the axis.
template <class T>
std::vector<Var<T>> split(Var<T> x, std::initializer_list<std::ptrdiff_t> positions, std::ptrdiff_t axis = 0,
                          Location where = Location::current());

/// x cut into at most `chunks` views of equal extent along an axis, the last of which may be shorter (PyTorch's chunk).
template <class T>
std::vector<Var<T>> chunk(Var<T> x, std::size_t chunks, std::ptrdiff_t axis = 0, Location where = Location::current());

/// x repeated as a whole: counts[i] times along axis i, aligned from the last axis (NumPy's tile).
template <class T>
Var<T> tile(Var<T> x, std::initializer_list<std::size_t> counts, Location where = Location::current());

/// Each element repeated `count` times along an axis (NumPy's repeat).
template <class T>
Var<T> repeat(Var<T> x, std::size_t count, std::ptrdiff_t axis, Location where = Location::current());

/// The elements moved on by `shift` places along each of the axes, or without any among all elements in row-major
/// order; those that fall off the end come in at the beginning (NumPy's roll). Throws AxisError if x has no such axis.
template <class T>
Var<T> roll(Var<T> x, std::ptrdiff_t shift, const Axes& axes = {}, Location where = Location::current());

/// The same by a number of places for each axis: `roll(x, {1, -2}, {0, 1})`. For an axis that is named twice they add
/// up. Throws AxisError unless there are as many shifts as axes.
template <class T>
Var<T> roll(Var<T> x, std::type_identity_t<std::initializer_list<std::ptrdiff_t>> shifts,
            std::type_identity_t<std::initializer_list<std::ptrdiff_t>> axes, Location where = Location::current());

/// How many elements `pad` puts before and after those of an axis.
struct PadWidth {
  std::size_t before = 0;  ///< the first element
  std::size_t after = 0;   ///< the last element
};

/// Where the elements come from that `pad` puts on: one value, the element at the edge, or the elements inside mirrored
/// at the edge without repeating it.
enum class PadMode { constant, edge, reflect };

/// x with elements put on at the ends of its last axes, one PadWidth for each. `value` is for PadMode::constant.
/// Throws ShapeError for more PadWidths than axes, an edge of no elements, and a reflection as long as the axis.
template <class T>
Var<T> pad(Var<T> x, std::initializer_list<PadWidth> paddings, PadMode mode = PadMode::constant, double value = 0,
           Location where = Location::current());

}  // namespace wengert
