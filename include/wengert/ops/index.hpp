// Indexing: take, gather, scatter and related ops; selection by masks; conversion between indices and values; sorting.
//
// Indices are an IndexVar, or an array or list of integers. Negative indices count from the end; an index out of range
// throws ValueError. If indices repeat, the contributions to an element add up, in gradients too. A scalar counts as
// one element along axis 0 or −1, except in `index` and `take_along_axis`.
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/base/list.hpp>
#include <wengert/tape/index_var.hpp>

#include <cstddef>
#include <type_traits>

namespace wengert {

// ---- whole slices --------------------------------------------------------------------------------------------------

/// The slices of x at these indices along an axis (NumPy's take). In the shape of the result, the axes of `indices`
/// replace `axis`. Throws AxisError if x has no such axis.
template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis,
            Location where = Location::current());

/// The elements of x at these row-major positions; the result has the shape of `indices`.
template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, Location where = Location::current());

/// The elements of x at several lists of indices at once, one list for each of the axes: `index(x, {i, j})` has the
/// elements x[i[k], j[k]] (NumPy's x[i, j]).
///
/// The lists broadcast against each other. Without `axes`, they stand for the first axes of x. In the shape of the
/// result, the axes of the lists replace those of x; they come first if the axes of x are not adjacent (NumPy's rule).
/// Throws ShapeError for lists that do not broadcast and for no lists, AxisError unless there is one axis for each.
template <class T>
Var<T> index(Var<T> x, const std::type_identity_t<List<IndexOperand<T>>>& lists, const Axes& axes = {},
             Location where = Location::current());

/// The rows of a table (entries, width) at these indices; the result has the shape of `indices` with the width
/// appended. Unlike `take`, throws ValueError for negative indices. Throws ShapeError unless the table is a matrix.
template <class T>
Var<T> embedding(Var<T> table, std::type_identity_t<IndexOperand<T>> indices, Location where = Location::current());

/// x with the slices of `source` added along an axis: slice k of `source` at `indices[k]`.
///
/// `indices` is a vector. `source` has the shape of x, except that it has one slice for each index along the axis; a
/// scalar is added to each slice. Throws ShapeError for other shapes, AxisError if x has no such axis.
template <class T>
Var<T> index_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                 std::type_identity_t<Operand<T>> source, Location where = Location::current());

/// One-hot encoding: a row of `classes` zeros for each label, with a 1 at the label. The result has the shape of
/// `labels` with the classes appended, and no gradient. Throws ValueError for a label outside 0 … classes − 1.
template <class T>
Var<T> one_hot(IndexVar<T> labels, std::size_t classes, Location where = Location::current());

/// The elements of x where a mask is not 0, as a vector in row-major order; x and mask broadcast against each other.
///
/// The mask is read during recording, so a Program, for which allow_value_dependence must be set, keeps the positions.
/// Throws ShapeError if x and mask do not broadcast, HandleError if the tape computes no values.
template <class T>
Var<T> masked_select(Var<T> x, std::type_identity_t<Operand<T>> mask, Location where = Location::current());

// ---- conversion ----------------------------------------------------------------------------------------------------

/// The indices as numbers of T, without gradient. Throws ValueError for an index beyond ±2²⁴ in float or ±2⁵³ in
/// double, where T does not hold every integer.
template <class T>
Var<T> to_values(IndexVar<T> indices, Location where = Location::current());

/// The values as indices, without gradient: the inverse of `to_values`. Throws ValueError, naming the element, for a
/// value that is not an integer or not finite, or lies beyond the limits of `to_values`.
template <class T>
IndexVar<T> to_indices(Var<T> values, Location where = Location::current());

// ---- element by element along an axis ------------------------------------------------------------------------------

/// The elements of x at indices k along an axis: y[i, j] = x[i, k[i, j]] for axis 1 (NumPy's take_along_axis).
///
/// x and the indices have the same rank and broadcast against each other except along the axis. Use it with the results
/// of `argsort` and `topk`. Throws ShapeError for other shapes, AxisError if x has no such axis.
template <class T>
Var<T> take_along_axis(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis,
                       Location where = Location::current());

/// The same with PyTorch's rules: nothing broadcasts; along the other axes, x may be larger than `indices`, and its
/// leading part is used. Throws ShapeError if the ranks differ or `indices` is larger than x along another axis,
/// AxisError if x has no such axis.
template <class T>
Var<T> gather(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
              Location where = Location::current());

/// x with elements replaced: y[i, k[i, j]] = source[i, j] for axis 1 (PyTorch's scatter).
///
/// All have the same rank. `source` may be larger than `indices`, and its leading part is used; a scalar stands for all
/// elements. If several indices refer to the same element, the last one wins, and only its source gets a gradient.
/// Throws ShapeError if `indices` is larger than `source`, or than x along another axis; AxisError if x has no such
/// axis.
template <class T>
Var<T> scatter(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
               std::type_identity_t<Operand<T>> source, Location where = Location::current());

/// x with elements added: y[i, k[i, j]] += source[i, j] for axis 1; otherwise like `scatter`.
template <class T>
Var<T> scatter_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                   std::type_identity_t<Operand<T>> source, Location where = Location::current());

// ---- sorting -------------------------------------------------------------------------------------------------------

/// The order of sorting. NaN counts as the largest value.
enum class SortOrder : bool { ascending, descending };

/// The elements sorted along an axis; the sort is stable. Throws AxisError if x has no such axis.
template <class T>
Var<T> sort(Var<T> x, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::ascending,
            Location where = Location::current());

/// The indices that sort x along an axis, for `take_along_axis`; the sort is stable. Throws AxisError if x has no such
/// axis.
template <class T>
IndexVar<T> argsort(Var<T> x, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::ascending,
                    Location where = Location::current());

/// The result of `topk`.
template <class T>
struct TopK {
  Var<T> values;        ///< the first k elements, in the requested order
  IndexVar<T> indices;  ///< their indices along the axis
};
/// The first k elements along an axis in sorted order: `auto [values, indices] = topk(x, 3);`.
///
/// Of equal elements, those with lower indices come first. Throws ShapeError if the axis has fewer than k elements,
/// AxisError if x has no such axis.
template <class T>
TopK<T> topk(Var<T> x, std::size_t k, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::descending,
             Location where = Location::current());

}  // namespace wengert
