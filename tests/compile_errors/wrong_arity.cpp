#include <wengert/wengert.hpp>

constexpr auto op = wengert::elementwise<"op", wengert::params<1>>([](auto x, auto slope) { return slope * x; });

// says: wrong number of operands
wengert::Var<float> use(wengert::Var<float> x) { return op(x); }  // here
