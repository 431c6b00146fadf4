// Instantiates the exponential ops, powers and roots, and error functions.
#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise/exponential.hpp>
#undef WENGERT_INSTANTIATE_OPS
