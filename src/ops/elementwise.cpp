#define WENGERT_INSTANTIATE_OPS
#include <wengert/ops/elementwise.hpp>
