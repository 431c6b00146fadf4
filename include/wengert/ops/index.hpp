// Elements chosen by whole numbers: take, gather, scatter and their like, masks, sorting.
//
// Indices are an IndexVar, or an array or a list of whole numbers. Negative ones count from the end, and one that
// names no element throws ValueError. Where several name the same element, what they give to it adds up, in gradients
// as well.
#pragma once

#include <wengert/index_var.hpp>
#include <wengert/op.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace wengert {

// ---- whole slabs ---------------------------------------------------------------------------------------------------

/// The slabs of x at these places of an axis: the axes of `indices` stand in place of `axis` (NumPy's take).
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis,
            Location where = Location::current());

/// The elements of x at these places, counted in row-major order; the result has the shape of `indices`.
template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, Location where = Location::current());

/// The rows of a table (entries, width) at these places, in the shape of `indices` with the width as last axis.
///
/// Unlike `take` it refuses negative indices, which are mistakes here. Throws ShapeError unless the table is a matrix.
template <class T>
Var<T> embedding(Var<T> table, std::type_identity_t<IndexOperand<T>> indices, Location where = Location::current());

/// x with the slabs of `source` added at these places of an axis: slab k of `source` at `indices[k]`.
///
/// Indices are a vector, `source` has the shape of x but for as many slabs along the axis as there are indices; a
/// scalar is added to each. Throws ShapeError for other shapes, AxisError if x has no such axis.
template <class T>
Var<T> index_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                 std::type_identity_t<Operand<T>> source, Location where = Location::current());

/// Rows of zeros with a 1 at the place that a label names: the shape of `labels` with `classes` as last axis. Without
/// gradient. Throws ValueError for a label that is not from 0 to classes − 1.
template <class T>
Var<T> one_hot(IndexVar<T> labels, std::size_t classes, Location where = Location::current());

/// The elements of x, in row-major order, where a mask is not 0; x and mask broadcast against each other.
///
/// A vector, as long as the mask has ones. The mask is read at once: a Program would keep the places that it names.
/// Throws ShapeError if they do not broadcast.
template <class T>
Var<T> masked_select(Var<T> x, std::type_identity_t<Operand<T>> mask, Location where = Location::current());

// ---- element by element along an axis ------------------------------------------------------------------------------

/// For each index, the element of x at its place but for `axis`, where it is the index that counts:
/// y[i, j] = x[i, k[i, j]] for axis 1 (NumPy's take_along_axis).
///
/// x and `indices` have as many axes, and broadcast against each other except along `axis`. Goes with `argsort` and
/// `topk`. Throws ShapeError for other shapes, AxisError if x has no such axis.
template <class T>
Var<T> take_along_axis(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis,
                       Location where = Location::current());

/// The same in PyTorch's way: nothing broadcasts, and of x only the part is used that is as large as `indices`, except
/// along `axis`. Throws ShapeError if ranks differ or `indices` are larger than x, AxisError if x has no such axis.
template <class T>
Var<T> gather(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
              Location where = Location::current());

/// x with elements replaced: y[i, k[i, j]] = source[i, j] for axis 1 (PyTorch's scatter).
///
/// All have as many axes. Of `source` only the part is used that is as large as `indices`; a scalar stands for all
/// elements. Where several indices name one element the last one counts, and its source alone has a gradient. Throws
/// ShapeError if `indices` are larger than `source`, or, except along `axis`, than x; AxisError if x has no such axis.
template <class T>
Var<T> scatter(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
               std::type_identity_t<Operand<T>> source, Location where = Location::current());

/// x with elements added to: y[i, k[i, j]] += source[i, j] for axis 1; otherwise as `scatter`.
template <class T>
Var<T> scatter_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                   std::type_identity_t<Operand<T>> source, Location where = Location::current());

// ---- sorting -------------------------------------------------------------------------------------------------------

/// Which elements come first. NaN counts as largest.
enum class SortOrder : bool { ascending, descending };

/// The elements sorted along an axis. Throws AxisError if x has no such axis.
template <class T>
Var<T> sort(Var<T> x, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::ascending,
            Location where = Location::current());

/// The indices that sort x along an axis, for `take_along_axis`; equal elements stay in their order.
/// Throws AxisError if x has no such axis.
template <class T>
IndexVar<T> argsort(Var<T> x, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::ascending,
                    Location where = Location::current());

/// The first elements in an order, and where they stood.
template <class T>
struct TopK {
  Var<T> values;        ///< the largest, in falling order
  IndexVar<T> indices;  ///< where they stood
};
/// The k elements along an axis that come first in an order, sorted: `auto [values, indices] = topk(x, 3);`.
///
/// Of equal elements the first are taken. Throws ShapeError if the axis has fewer than k elements, AxisError if x has
/// no such axis.
template <class T>
TopK<T> topk(Var<T> x, std::size_t k, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::descending,
             Location where = Location::current());

}  // namespace wengert
