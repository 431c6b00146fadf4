// Convolutions with constant weights, which oneDNN's kernels read in layouts of their own.
#pragma once

#include "ops/linear_ops.hpp"

#include <optional>

namespace wengert {

/// What replaces `conv` and `conv_input_gradient` in Programs; their attributes are attributes::Convolution. Empty for
/// double, and where columns are faster.
///@{
template <class T>
std::optional<PreparedOp<T>> prepare_convolution(const void* attributes, const Shape& x, const Shape& y,
                                                 Value<const T> weight);
template <class T>
std::optional<PreparedOp<T>> prepare_transposed_convolution(const void* attributes, const Shape& x, const Shape& y,
                                                            Value<const T> weight);
///@}

}  // namespace wengert
