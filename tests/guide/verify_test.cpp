// Compiles and runs the code of docs/guide/verify.md.
#include "snippets.hpp"
#include "testing.hpp"
#include <wengert/nn.hpp>

namespace wg = wengert;
namespace nn = wengert::nn;
using namespace wengert::testing;

// clang-format off
inline constexpr auto half_square = wg::elementwise<"half_square">(
    [](auto x) { return x * x / 2; }, wg::derivative([](auto x, auto) { return 2 * x; }));

TEST_CASE("guide: verifying") {
  const auto X = random_tensor<double>({4, 3}, 1), W = random_tensor<double>({3, 2}, 2);
  wg::Generator generator(3);

  auto loss_of = [](auto x, auto w) { return mean(square(tanh(matmul(x, w)))); };
  wg::GradcheckReport report = wg::gradcheck(loss_of, X, W);
  CHECK(report);

  auto wrong = wg::gradcheck([](auto x) { return exp(half_square(x)); }, X);
  CHECK(wrong.verdict() == wg::Verdict::wrong);
  REQUIRE(!wrong.findings().empty());
  CHECK(wrong.findings()[0].fault == wg::Fault::constant_factor);
  CHECK(wrong.findings()[0].factor == doctest::Approx(2));
  CHECK(wrong.findings()[0].op == "half_square");
  CHECK(contains(wrong.findings()[0].where, "verify_test.cpp"));

  auto network =
      nn::sequential(nn::Linear<float>::make(3, 8, generator), nn::Tanh{}, nn::Linear<float>::make(8, 2, generator));
  auto of_network = wg::gradcheck(network, X);
  CHECK(of_network);

  auto quick = wg::gradcheck(loss_of, X, W, wg::GradcheckOptions{.orders = 1, .mode = wg::GradcheckMode::fast});
  CHECK(quick);
  CHECK(quick.checked() < report.checked());

  CHECK(check_snippets("docs/guide/verify.md", "tests/guide/verify_test.cpp") >= 5);
}
// clang-format on
