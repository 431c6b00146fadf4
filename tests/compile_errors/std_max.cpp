#include <algorithm>
#include <wengert/wengert.hpp>

// says: maximum(a, b)
constexpr auto op = wengert::elementwise<"op">([](auto x) { return std::max(x, 0.1 * x); });  // here

wengert::Var<float> use(wengert::Var<float> x) { return op(x); }
