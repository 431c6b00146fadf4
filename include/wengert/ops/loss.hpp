// Losses: one number that says how far a prediction is from its target.
//
// All demand equal shapes: (n,) against (n, 1) throws instead of broadcasting. N is the number of samples, the extent
// of the first axis. A NaN throws ValueError that names the operand and element; the tape stays as it was.
#pragma once

#include <wengert/op.hpp>

#include <type_traits>

namespace wengert {

/// The least-squares cost of a batch, 1/(2N) · Σ (a − y)².
template <class T>
Var<T> squared_error(Var<T> prediction, std::type_identity_t<Operand<T>> target, Location where = Location::current());

/// The binary cross entropy −1/N · Σ [y ln p + (1 − y) ln(1 − p)] of probabilities p in [0, 1].
///
/// As in PyTorch, each logarithm is at least −100 and the gradient's denominator p(1 − p) at least 1e-12, so certainty
/// that is wrong costs much, not infinitely much. Prefer the version from logits, which loses nothing.
template <class T>
Var<T> binary_cross_entropy(Var<T> probability, std::type_identity_t<Operand<T>> target,
                            Location where = Location::current());

/// The binary cross entropy of sigmoid(z), computed from the logits z: finite and exact for every finite z.
template <class T>
Var<T> binary_cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                        Location where = Location::current());

/// The categorical cross entropy −1/N · Σ y ln softmax(z) over the last axis, computed from the logits z (N×K): finite
/// and exact for every finite z. Targets are one-hot rows or probabilities, N×K. A vector of K logits is one sample.
template <class T>
Var<T> cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                 Location where = Location::current());

}  // namespace wengert
