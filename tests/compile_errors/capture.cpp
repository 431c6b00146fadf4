#include <wengert/wengert.hpp>

// says: must not capture: pass values as trailing parameters
auto leaky(double slope) {
  return wengert::elementwise<"op">([slope](auto x) { return where(x > 0, x, slope * x); });  // here
}

wengert::Var<float> use(wengert::Var<float> x) { return leaky(0.1)(x); }
