#include <wengert/wengert.hpp>

// says: choose with where(mask, a, b)
constexpr auto op = wengert::elementwise<"op">([](auto x) {
  if (x > 0) return x;  // here
  return 0.1 * x;
});

wengert::Var<float> use(wengert::Var<float> x) { return op(x); }
