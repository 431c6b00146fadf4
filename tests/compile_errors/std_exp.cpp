#include <wengert/wengert.hpp>

#include <cmath>

// says: call wengert's functions without std::
constexpr auto op = wengert::elementwise<"op">([](auto x) { return x / (1 + std::exp(-x)); });  // here

wengert::Var<float> use(wengert::Var<float> x) { return op(x); }
