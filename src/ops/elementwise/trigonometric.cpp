// Instantiates the trigonometric and hyperbolic ops.
#include <wengert/ops/elementwise/exponential.hpp>
// Instantiates the ops of the header below.
#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise/trigonometric.hpp>
#undef WENGERT_INSTANTIATE_OPS
