// Sequences of different lengths in one tensor, padded at the end: masks, pooling over steps, and means without
// padding.
//
// Padded sequences are (N, L, …): samples, steps, features. `lengths` (N) holds the number of real steps of each
// sample, from 0 to L; any other length throws ValueError, on the tape and at each replay of a Program. The steps
// beyond are padding: they affect no result and no gradient, even if they are NaN. Lengths of another shape throw
// ShapeError.
#pragma once

#include <wengert/tape/index_var.hpp>

#include <cstddef>
#include <type_traits>

namespace wengert {

/// The mask of padded sequences: 1 for the first `lengths[n]` of `steps` steps, otherwise 0, (N, steps) (TensorFlow's
/// sequence_mask). Lengths may have any shape, to which the result appends the steps. Without gradient.
template <class T>
Var<T> sequence_mask(IndexVar<T> lengths, std::size_t steps, Location where = Location::current());

/// x with zeros in place of the padding.
template <class T>
Var<T> mask_steps(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where = Location::current());

/// The last real step of each sample, (N, …); zeros for a sample of length 0.
template <class T>
Var<T> last_step(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where = Location::current());

/// The mean over the real steps of each sample, (N, …); zeros for a sample of length 0.
template <class T>
Var<T> mean_steps(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where = Location::current());

/// The mean of the elements of x where a mask is not 0: of individual losses (`Reduction::none`), for example.
///
/// The mask has the shape of x or of its leading axes, and then stands for all elements below: (N, L) for x (N, L, K).
/// Elements that are masked out affect no result and no gradient, even if they are NaN. Throws ShapeError for a mask of
/// another shape, ValueError if it is 0 everywhere.
template <class T>
Var<T> masked_mean(Var<T> x, std::type_identity_t<Operand<T>> mask, Location where = Location::current());
/// The mean over all real steps of all samples.
template <class T>
Var<T> masked_mean(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where = Location::current());

}  // namespace wengert
