// Gradient checks in GoogleTest: some tests pass, others fail on purpose; frameworks_test.sh checks the output.
#include <wengert/wengert.hpp>

#include <gtest/gtest.h>

namespace wg = wengert;

namespace {

inline constexpr auto wrong_cube =
    wg::elementwise<"wrong_cube">([](auto x) { return x * x * x; }, wg::derivative([](auto x, auto) { return x * x; }));
const wg::Tensor<double> X{{0.5, 1}, {-1, 2}};

}  // namespace

TEST(Right, ReportIsTrue) {
  EXPECT_TRUE(wg::gradcheck([](auto x) { return tanh(x); }, X));
  ASSERT_TRUE(wg::gradcheck([](auto x) { return tanh(x); }, X));
  EXPECT_FALSE(wg::gradcheck([](auto x) { return wrong_cube(x); }, X));
}

TEST(Right, EveryOpOfThisProgram) {
  for (const wg::OpRow& op : wg::op_registry())
    EXPECT_EQ(wg::gradcheck_op(op, {.gradcheck = {}, .random = 2}).ok(), op.name != "wrong_cube");
}

TEST(Wrong, PrintsTheTable) {
  EXPECT_TRUE(wg::gradcheck([](auto x) { return wrong_cube(x); }, X)) << "so it is";
}

TEST(Wrong, PrintsTheOpReport) {
  for (const wg::OpRow& op : wg::op_registry()) {
    EXPECT_TRUE(wg::gradcheck_op(op));
  }
}
