// Kernels at each instruction set of the processor agree with those of the baseline.
#include "kernel/fold.hpp"
#include "testing.hpp"
#include <wengert/formula/loop.hpp>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A helper function of a formula that the compiler may not inline.
template <class X>
auto helper(X x) {
  return exp(-x) + tanh(x);
}
inline constexpr auto formula = [](auto x, auto y, auto c) {
  return c * x / (1 + helper(y)) + where(x > y, sqrt(abs(x)), sin(y));
};

template <class T>
using Body = kernel::ElementwiseBody<T, std::remove_const_t<decltype(formula)>, 2, 1>;

}  // namespace

TEST_CASE_TEMPLATE("every instruction set computes the same to a few ulp", T, float, double) {
  static constexpr auto kernels =
      kernel::compile_per_isa<Body<T>, const kernel::Plane<T>*, T*, std::size_t, std::size_t, const double*>();
  const auto best = static_cast<std::size_t>(active_isa());
  MESSAGE("instruction set: ", std::string(to_string(active_isa())));
  const std::size_t rows = 3, columns = 37;
  const auto x = random_tensor<T>({rows, columns}, 1), y = random_tensor<T>({columns}, 2);
  const double parameter = 1.25;
  const kernel::Plane<T> planes[] = {{x.data(), static_cast<std::ptrdiff_t>(columns), true}, {y.data(), 0, true}};
  Tensor<double> exact = xt::zeros<double>({rows, columns});
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const double a = static_cast<double>(x(r, c)), b = static_cast<double>(y(c));
      exact(r, c) = parameter * a / (1 + std::exp(-b) + std::tanh(b)) + (a > b ? std::sqrt(std::abs(a)) : std::sin(b));
    }
  for (std::size_t level = 0; level <= best; ++level) {
    auto out = Tensor<T>::from_shape({rows, columns});
    kernels[level](planes, out.data(), rows, columns, &parameter);
    CAPTURE(level);
    CHECK(distance(out, exact) < (sizeof(T) == 4 ? 2e-6 : 4e-15));
  }
}

TEST_CASE("a repeated element along a row") {
  static constexpr auto kernels = kernel::compile_per_isa<Body<float>, const kernel::Plane<float>*, float*, std::size_t,
                                                          std::size_t, const double*>();
  const float x[] = {1, 2}, y[] = {0.5F, 0.25F, -1};
  const double parameter = 2;
  const kernel::Plane<float> planes[] = {{x, 1, false}, {y, 0, true}};
  for (std::size_t level = 0; level <= static_cast<std::size_t>(active_isa()); ++level) {
    float out[6];
    kernels[level](planes, out, 2, 3, &parameter);
    for (std::size_t i = 0; i < 6; ++i) {
      const double a = x[i / 3], b = y[i % 3];
      CHECK(static_cast<double>(out[i]) ==
            doctest::Approx(2 * a / (1 + std::exp(-b) + std::tanh(b)) + std::sqrt(a)).epsilon(1e-6));
    }
  }
}
