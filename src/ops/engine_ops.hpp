// The elementwise ops that only the engine records.
#pragma once

#include <wengert/tape/var.hpp>

namespace wengert {

/// g · slope, but 0 where the slope is 0, even if g is infinite or NaN: a branch that was not taken.
///@{
Var<float> masked_product(const Operand<float>& g, const Operand<float>& slope);
Var<double> masked_product(const Operand<double>& g, const Operand<double>& slope);
///@}

namespace detail {
/// a + b, without the test for scalars.
template <class T>
Var<T> sum_of_two(Var<T> a, Var<T> b);
}  // namespace detail

}  // namespace wengert
