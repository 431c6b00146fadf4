// First and second derivatives over all exponents against mpmath's (derivatives.py).
#include "../testing.hpp"
#include <wengert/io/npz.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
struct Entry {
  const char* name;
  Var<T> (*apply)(const Operand<T>&);
  double rounding = 0;  // an absolute error that is allowed beside the bound, in ε max|f′|: see docs/ops.md
};

// Of an error relative to max(|f′|, ε max|f′|).
template <class T>
constexpr double bound = sizeof(T) == 4 ? 1e-5 : 1e-13;

// Exceptions: sigmoid and tanh are differentiated by their results, so their derivatives are right to a few ε max|f′|
// only.
template <class T>
std::vector<Entry<T>> functions() {
#define WENGERT_ENTRY(name, rounding)                                         \
  {                                                                           \
#name, [](const Operand <T>& x) -> Var < T> { return name(x); }, rounding \
  }
  return {WENGERT_ENTRY(exp, 0),         WENGERT_ENTRY(exp2, 0),      WENGERT_ENTRY(expm1, 0),
          WENGERT_ENTRY(log, 0),         WENGERT_ENTRY(log2, 0),      WENGERT_ENTRY(log10, 0),
          WENGERT_ENTRY(log1p, 0),       WENGERT_ENTRY(sqrt, 0),      WENGERT_ENTRY(square, 0),
          WENGERT_ENTRY(reciprocal, 0),  WENGERT_ENTRY(rsqrt, 0),     WENGERT_ENTRY(cbrt, 0),
          WENGERT_ENTRY(erf, 0),         WENGERT_ENTRY(erfc, 0),      WENGERT_ENTRY(sin, 0),
          WENGERT_ENTRY(cos, 0),         WENGERT_ENTRY(tan, 0),       WENGERT_ENTRY(asin, 0),
          WENGERT_ENTRY(acos, 0),        WENGERT_ENTRY(atan, 0),      WENGERT_ENTRY(sinh, 0),
          WENGERT_ENTRY(cosh, 0),        WENGERT_ENTRY(tanh, 16),     WENGERT_ENTRY(asinh, 0),
          WENGERT_ENTRY(acosh, 0),       WENGERT_ENTRY(atanh, 0),     WENGERT_ENTRY(sigmoid, 16),
          WENGERT_ENTRY(log_sigmoid, 0), WENGERT_ENTRY(logit, 0),     WENGERT_ENTRY(softplus, 0),
          WENGERT_ENTRY(softsign, 0),    WENGERT_ENTRY(elu, 0),       WENGERT_ENTRY(selu, 0),
          WENGERT_ENTRY(gelu, 0),        WENGERT_ENTRY(gelu_tanh, 0), WENGERT_ENTRY(silu, 0),
          WENGERT_ENTRY(mish, 0)};
#undef WENGERT_ENTRY
}

}  // namespace

TEST_CASE_TEMPLATE("derivatives of orders 1 and 2 are right over all exponents", T, float, double) {
  constexpr double epsilon = std::numeric_limits<T>::epsilon(), smallest = std::numeric_limits<T>::min();
  constexpr double largest = std::numeric_limits<T>::max();
  std::map<std::string, Tensor<double>> arrays;
  for (auto& [name, value] : load_npz<double>(fmt::format("{}/tests/oracle/derivatives.npz", PROJECT_SOURCE_DIR)))
    arrays.emplace(std::move(name), std::move(value));
  for (const Entry<T>& entry : functions<T>()) {
    const std::string name = entry.name;
    const Tensor<double>& x = arrays.at(name + "_x");
    std::vector<std::size_t> inside;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x(i) == static_cast<double>(static_cast<T>(x(i))) && std::abs(x(i)) > smallest) inside.push_back(i);
    auto at = Tensor<T>::from_shape({inside.size()});
    for (std::size_t k = 0; k < inside.size(); ++k) at(k) = static_cast<T>(x(inside[k]));
    Tape<T> tape;
    const auto v = tape.variable(at);
    const auto first = grad(sum(entry.apply(Operand<T>(v))), v)[0];
    const auto second = grad(sum(first), v)[0];
    for (const int order : {1, 2}) {
      const Tensor<T> got = order == 1 ? first.value() : second.value();
      const Tensor<double>& exact = arrays.at(fmt::format("{}_{}", name, order));
      double top = 0;  // of bounded derivatives; others are held to their own size
      for (const double d : exact) top = std::max(top, std::abs(d));
      const double floor = top < 10 ? epsilon * top : 0;
      double worst = 0, where = 0, value = 0;
      for (std::size_t k = 0; k < inside.size(); ++k) {
        const double true_value = exact(inside[k]), size = std::abs(true_value);
        if (size > largest) continue;
        const double error = std::abs(static_cast<double>(got(k)) - true_value);
        // What underflows keeps an absolute error.
        const double absolute = std::max(4 * smallest, entry.rounding * top) * epsilon;
        const double miss = error <= absolute ? 0 : error / std::max({size, floor, smallest}) / bound<T>;
        if (!(miss <= worst)) worst = miss, where = x(inside[k]), value = static_cast<double>(got(k));
      }
      CAPTURE(name);
      CAPTURE(order);
      CAPTURE(where);
      CAPTURE(value);
      CHECK(worst <= 1);
    }
  }
}
