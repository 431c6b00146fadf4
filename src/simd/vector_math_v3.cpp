// SLEEF's functions for x86-64-v3. Compiled with -march=x86-64-v3, so it must contain no code shared with other files.
#define WENGERT_VECTOR_MATH_OUT_OF_LINE
#include <wengert/simd/vector_math.hpp>

#define WENGERT_DEFINE(operands, name, f, d) WENGERT_BIND_32_AS(, operands, name, f, d)

namespace wengert::kernel {
WENGERT_VECTOR_FUNCTIONS(WENGERT_DEFINE)
}
