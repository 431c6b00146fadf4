// Indexing: take, gather, scatter and related ops, masks, sorting.
//
// Indices are an IndexVar, or an array or a list of integers. Negative indices count from the end; an index out of
// range throws ValueError. Contributions to the same element add up, also in gradients.
#pragma once

#include <wengert/tape/index_var.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace wengert {

// ---- whole slabs ---------------------------------------------------------------------------------------------------

/// The slabs of x at these indices of an axis; the axes of `indices` replace `axis` in the result (NumPy's take).
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis,
            Location where = Location::current());

/// The elements of x at these row-major positions; the result has the shape of `indices`.
template <class T>
Var<T> take(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, Location where = Location::current());

/// The rows of a table (entries, width) at these indices: the shape of `indices` with the width as last axis.
///
/// Unlike `take`, it rejects negative indices, which are mistakes here. Throws ShapeError unless the table is a matrix.
template <class T>
Var<T> embedding(Var<T> table, std::type_identity_t<IndexOperand<T>> indices, Location where = Location::current());

/// x with the slabs of `source` added at these indices of an axis: slab k of `source` at `indices[k]`.
///
/// `indices` is a vector. `source` has the shape of x, with one slab per index along the axis; a scalar is added to
/// each slab. Throws ShapeError for other shapes, AxisError if x has no such axis.
template <class T>
Var<T> index_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                 std::type_identity_t<Operand<T>> source, Location where = Location::current());

/// One-hot encoding: rows of zeros with a 1 at the index of the label; the shape of `labels` with `classes` as last
/// axis. Without gradient. Throws ValueError for a label outside 0 … classes − 1.
template <class T>
Var<T> one_hot(IndexVar<T> labels, std::size_t classes, Location where = Location::current());

/// The elements of x, in row-major order, where a mask is not 0; x and mask broadcast against each other.
///
/// The result is a vector. The mask is read immediately, so a Program keeps the selected positions of its recording.
/// Throws ShapeError if x and mask do not broadcast.
template <class T>
Var<T> masked_select(Var<T> x, std::type_identity_t<Operand<T>> mask, Location where = Location::current());

// ---- element by element along an axis ------------------------------------------------------------------------------

/// For each index, the element of x at the same position, except along `axis`, where the index is the position:
/// y[i, j] = x[i, k[i, j]] for axis 1 (NumPy's take_along_axis).
///
/// x and `indices` have the same rank and broadcast against each other except along `axis`. Use it with the results of
/// `argsort` and `topk`. Throws ShapeError for other shapes, AxisError if x has no such axis.
template <class T>
Var<T> take_along_axis(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, std::ptrdiff_t axis,
                       Location where = Location::current());

/// The same with PyTorch's rules: nothing broadcasts, and except along `axis`, only the leading part of x with the
/// extents of `indices` is used. Throws ShapeError if the ranks differ or, except along `axis`, `indices` is larger
/// than x; AxisError if x has no such axis.
template <class T>
Var<T> gather(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
              Location where = Location::current());

/// x with elements replaced: y[i, k[i, j]] = source[i, j] for axis 1 (PyTorch's scatter).
///
/// All have the same rank. Only the leading part of `source` with the extents of `indices` is used; a scalar stands for
/// all elements. If several indices refer to the same element, the last one wins, and only its source gets a gradient.
/// Throws ShapeError if `indices` is larger than `source` or, except along `axis`, than x; AxisError if x has no such
/// axis.
template <class T>
Var<T> scatter(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
               std::type_identity_t<Operand<T>> source, Location where = Location::current());

/// x with elements added: y[i, k[i, j]] += source[i, j] for axis 1; otherwise like `scatter`.
template <class T>
Var<T> scatter_add(Var<T> x, std::ptrdiff_t axis, std::type_identity_t<IndexOperand<T>> indices,
                   std::type_identity_t<Operand<T>> source, Location where = Location::current());

// ---- sorting -------------------------------------------------------------------------------------------------------

/// The order of sorting. NaN counts as largest.
enum class SortOrder : bool { ascending, descending };

/// The elements sorted along an axis. Throws AxisError if x has no such axis.
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
/// The k elements along an axis that come first in an order, sorted: `auto [values, indices] = topk(x, 3);`.
///
/// Of equal elements, the first are taken. Throws ShapeError if the axis has fewer than k elements, AxisError if x has
/// no such axis.
template <class T>
TopK<T> topk(Var<T> x, std::size_t k, std::ptrdiff_t axis = -1, SortOrder order = SortOrder::descending,
             Location where = Location::current());

}  // namespace wengert
