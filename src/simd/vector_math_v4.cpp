// SLEEF's functions for x86-64-v4. Compiled with -march=x86-64-v4, so it must contain no code shared with other files.
#define WENGERT_VECTOR_MATH_OUT_OF_LINE
#include <wengert/simd/vector_math.hpp>

#define WENGERT_DEFINE(operands, name, f, d) WENGERT_BIND_64_AS(, operands, name, f, d)

namespace wengert::kernel {
WENGERT_VECTOR_FUNCTIONS(WENGERT_DEFINE)
}
