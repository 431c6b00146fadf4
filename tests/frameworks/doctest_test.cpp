// Gradient checks in doctest: one test case passes, one fails on purpose; frameworks_test.sh checks the output.
#include <wengert/wengert.hpp>

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

namespace wg = wengert;

namespace {

inline constexpr auto wrong_cube =
    wg::elementwise<"wrong_cube">([](auto x) { return x * x * x; }, wg::derivative([](auto x, auto) { return x * x; }));
const wg::Tensor<double> X{{0.5, 1}, {-1, 2}};

}  // namespace

TEST_CASE("right") {
  CHECK(wg::gradcheck([](auto x) { return tanh(x); }, X));
  REQUIRE(wg::gradcheck([](auto x) { return tanh(x); }, X));
  CHECK_FALSE(wg::gradcheck([](auto x) { return wrong_cube(x); }, X));
  CHECK_FALSE(!wg::gradcheck([](auto x) { return tanh(x); }, X));
}

TEST_CASE("wrong") {
  CHECK(wg::gradcheck([](auto x) { return wrong_cube(x); }, X));
}
