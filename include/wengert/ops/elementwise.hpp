// Elementwise ops: each is one block of formula, derivative, domain and function.
//
// All broadcast as NumPy does and take Vars, scalars and tensors, at least one of them a Var. The ops of an `ops::`
// block can also be used inside a formula of `elementwise(...)`. Conventions at kinks and ties are PyTorch's and stand
// beside each op.
#pragma once

#include <wengert/ops/elementwise/activations.hpp>
#include <wengert/ops/elementwise/comparing.hpp>
#include <wengert/ops/elementwise/exponential.hpp>
#include <wengert/ops/elementwise/trigonometric.hpp>

namespace wengert {

// Arithmetic: the functions behind the operators of Var.

/// a + b.
template <class T>
Var<T> add(Operand<T> a, Operand<T> b);
/// a − b.
template <class T>
Var<T> subtract(Operand<T> a, Operand<T> b);
/// a · b, element by element.
template <class T>
Var<T> multiply(Operand<T> a, Operand<T> b);
/// a / b, element by element.
template <class T>
Var<T> divide(Operand<T> a, Operand<T> b);
/// −x.
template <class T>
Var<T> negate(Operand<T> x);

}  // namespace wengert

#undef WENGERT_UNARY
#undef WENGERT_BINARY
#undef WENGERT_FUNCTION_1
#undef WENGERT_FUNCTION_2
#undef WENGERT_TABLES
#undef WENGERT_DEFINED
