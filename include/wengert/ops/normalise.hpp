// Normalisations: softmax and its logarithm.
#pragma once

#include <wengert/op.hpp>

namespace wengert {

/// exp(x) / Σ exp(x) along an axis: positive numbers that sum to 1. Computed from x − max x, so it never overflows.
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> softmax(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// ln softmax(x) along an axis, exact where the softmax itself underflows.
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> log_softmax(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

}  // namespace wengert
