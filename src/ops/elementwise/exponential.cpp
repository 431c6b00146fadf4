// Instantiates the ops of the header below.
#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise/exponential.hpp>
#undef WENGERT_INSTANTIATE_OPS
