// Elementwise ops: arithmetic, comparisons, exponential and trigonometric functions, and activations.
//
// All broadcast like NumPy and take Vars, scalars and tensors, at least one of them a Var; they throw ShapeError for
// shapes that do not broadcast. Ops in namespace `ops` can also be used inside a formula of `elementwise(...)`.
// Conventions at kinks and ties are PyTorch's unless stated otherwise.
#pragma once

#include <wengert/ops/elementwise/activations.hpp>
#include <wengert/ops/elementwise/comparing.hpp>
#include <wengert/ops/elementwise/exponential.hpp>
#include <wengert/ops/elementwise/trigonometric.hpp>

namespace wengert {

// Arithmetic: the functions behind the operators of Var.

/// a + b.
WENGERT_FUNCTION_2(add)
/// a − b.
WENGERT_FUNCTION_2(subtract)
/// a · b, element by element.
WENGERT_FUNCTION_2(multiply)
/// a / b, element by element.
WENGERT_FUNCTION_2(divide)
/// −x.
WENGERT_FUNCTION_1(negate)

}  // namespace wengert

#undef WENGERT_UNARY
#undef WENGERT_BINARY
#undef WENGERT_FUNCTION_1
#undef WENGERT_FUNCTION_2
#undef WENGERT_TABLES
#undef WENGERT_DEFINED
