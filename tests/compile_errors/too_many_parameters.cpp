#include <wengert/wengert.hpp>

// says: one to eight numbers, followed by its params<n>
constexpr auto op = wengert::elementwise<"op", wengert::params<1>>([](auto x) { return x * x; });  // here

wengert::Var<float> use(wengert::Var<float> x) { return op(x); }
