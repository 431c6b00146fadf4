// Compiles and runs the code of README.md, and compares it with the text.
#include "snippets.hpp"
#include "testing.hpp"

#include <iostream>
#include <sstream>
#include <vector>

using namespace wengert::testing;

// [custom op]
namespace wg = wengert;

inline constexpr auto swish = wg::elementwise<"swish">([](auto x) { return x / (1 + exp(-x)); });
// [end]

TEST_CASE("README: the network learns") {
  const wg::Tensor<float> X = random_tensor<float>({64, 20}, 1);
  wg::Tensor<float> Y = xt::zeros<float>({64, 3});
  for (std::size_t i = 0; i < 64; ++i) Y(i, X(i, 0) > 0 ? (X(i, 1) > 0 ? 0 : 1) : 2) = 1;
  wg::Parameter<float> W1(random_tensor<float>({20, 16}, 2), "W1"), W2(random_tensor<float>({16, 3}, 3), "W2");
  float last_loss = 0;
  // clang-format off
  // [network]
  auto loss_of = [](auto x, auto w1, auto w2, auto y) {  // X: N×D, W1: D×M, W2: M×K, Y: N×K
    auto a1 = sigmoid(matmul(x, w1));
    return cross_entropy_with_logits(matmul(a1, w2), y);
  };
  wg::Tape<float> tape;
  for (int step = 0; step < 500; ++step) {
    tape.clear();
    auto x = tape.borrow(X), y = tape.borrow(Y);
    auto w1 = tape.variable(W1), w2 = tape.variable(W2);
    auto loss = loss_of(x, w1, w2, y);
    auto [dw1, dw2] = gradients(loss, w1, w2);           // from the tape: no backward pass is written by hand
    W1 -= 2.0f * dw1;
    W2 -= 2.0f * dw2;
    last_loss = loss.item();
  }
  // [end]
  // clang-format on
  CHECK(last_loss < 0.1F);
}

TEST_CASE("README: a compiled step learns the same") {
  const auto loss_of = [](auto x, auto w1, auto w2, auto y) {
    return cross_entropy_with_logits(matmul(sigmoid(matmul(x, w1)), w2), y);
  };
  const wg::Tensor<float> X = random_tensor<float>({64, 20}, 1);
  wg::Tensor<float> Y = xt::zeros<float>({64, 3});
  for (std::size_t i = 0; i < 64; ++i) Y(i, X(i, 0) > 0 ? (X(i, 1) > 0 ? 0 : 1) : 2) = 1;
  wg::Parameter<float> W1(random_tensor<float>({20, 16}, 2), "W1"), W2(random_tensor<float>({16, 3}, 3), "W2");
  float last_loss = 0;
  // clang-format off
  // [compiled]
  auto train = wg::compiled<float>([&](auto& tape, auto x, auto y) {
    auto w1 = tape.variable(W1), w2 = tape.variable(W2);
    auto loss = loss_of(x, w1, w2, y);
    auto [dw1, dw2] = grad(loss, w1, w2);
    tape.update(W1, w1 - 2.0f * dw1);                    // written when everything has been read
    tape.update(W2, w2 - 2.0f * dw2);
    return loss;
  });
  for (int step = 0; step < 500; ++step) last_loss = train(X, Y).item();
  // [end]
  // clang-format on
  CHECK(last_loss < 0.1F);
}

TEST_CASE("README: a gradient is checked in one line") {
  const auto loss_of = [](auto x, auto w1, auto w2, auto y) {
    return cross_entropy_with_logits(matmul(sigmoid(matmul(x, w1)), w2), y);
  };
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  const wg::Tensor<float> X = random_tensor<float>({3, 4}, 1);
  const wg::Tensor<float> Y = xt::ones<float>({3, 3}) / 3.0F;
  const wg::Parameter<float> W1(random_tensor<float>({4, 2}, 2), "W1"), W2(random_tensor<float>({2, 3}, 3), "W2");
  // clang-format off
  // [gradcheck]
  auto report = wg::gradcheck(loss_of, X, W1, W2, Y);    // in double: every element, orders 1 and 2
  if (!report) std::cout << report;                      // what is wrong: op, input, element, both values, why
  // [end]
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(report.ok());
  CHECK(out.str().empty());
}

// clang-format off
// [network of one's own]
template <class T>
struct Dense {
  wg::Parameter<T> weight, bias;
  wg::Var<T> operator()(wg::Var<T> x) const { return matmul(x, x.tape().variable(weight)) + x.tape().variable(bias); }
};
template <class T>
struct Network {
  std::vector<Dense<T>> hidden;
  Dense<T> last;
  wg::Var<T> operator()(wg::Var<T> x) const {
    for (const Dense<T>& layer : hidden) x = tanh(layer(x));
    return last(x);
  }
};
// [end]
// clang-format on

TEST_CASE("README: a network is checked by its parameters' paths") {
  const auto dense = [](std::size_t from, std::size_t to, unsigned seed) {
    return Dense<float>{wg::Parameter<float>(random_tensor<float>({from, to}, seed)),
                        wg::Parameter<float>(random_tensor<float>({to}, seed + 1))};
  };
  const Network<float> network{{dense(3, 4, 1), dense(4, 4, 3)}, dense(4, 2, 5)};
  const wg::Tensor<float> X = random_tensor<float>({2, 3}, 7);
  // clang-format off
  // [network check]
  CHECK(wg::gradcheck(network, X));  // with respect to X and every parameter; doctest prints the table, as GoogleTest's EXPECT_TRUE does
  // [end]
  // clang-format on
  std::vector<std::string> paths;
  wg::for_each_parameter(network, [&](const std::string& path, const auto&) { paths.push_back(path); });
  CHECK(paths.at(2) == "hidden.1.weight");
}

TEST_CASE("README: the custom op differentiates twice") {
  CHECK(wg::gradcheck([](auto x) { return swish(x); }, random_tensor({5}, 4)).ok());
  // clang-format off
  // [second derivative]
  wg::Tape<double> tape;
  auto x = tape.variable(wg::Tensor<double>{-1, 0, 2}, "x");
  auto [first] = grad(sum(swish(x)), x);                 // a Var: it can be differentiated again
  auto [second] = grad(sum(first), x);
  // [end]
  // clang-format on
  CHECK(second.value()(1) == doctest::Approx(0.5));  // swish″(0) = 1/2
}

TEST_CASE("every block of C++ in README.md is compiled") {
  CHECK(check_snippets("README.md", "tests/guide/readme_test.cpp", "tests/train/guide_test.cpp",
                       "tests/onnx/readme_test.cpp") >= 9);
}
