#include <wengert/wengert.hpp>

// says: 'wiggle'
constexpr auto op = wengert::elementwise<"op">([](auto x) { return x * wiggle(x); });  // here

wengert::Var<float> use(wengert::Var<float> x) { return op(x); }
