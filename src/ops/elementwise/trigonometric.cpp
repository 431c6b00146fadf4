// Instantiates the trigonometric and hyperbolic ops.
#include <wengert/ops/elementwise/exponential.hpp>
// Its ops are compiled here.
#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise/trigonometric.hpp>
#undef WENGERT_INSTANTIATE_OPS
