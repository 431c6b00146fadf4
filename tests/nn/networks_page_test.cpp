// Compiles and runs the code of docs/networks.md and compares it with the page.
#include "../snippets.hpp"
#include "../testing.hpp"
#include <wengert/nn.hpp>

#include <iostream>
#include <sstream>

using namespace wengert::testing;
namespace wg = wengert;
namespace nn = wengert::nn;

// clang-format off
// [network of one's own]
template <class T>
struct Classifier {
  nn::Conv2d<T> conv;
  std::vector<nn::Linear<T>> hidden;
  nn::Dropout dropout;
  nn::Linear<T> head;

  static Classifier make(wg::Generator& g) {
    return {nn::Conv2d<T>::make(1, 8, 3, g, {.padding = 1}),
            {nn::Linear<T>::make(8 * 4 * 4, 32, g), nn::Linear<T>::make(32, 32, g)},
            nn::Dropout::make(0.2, g),
            nn::Linear<T>::make(32, 10, g)};
  }
  wg::Var<T> operator()(wg::Var<T> x) const {
    x = flatten(max_pool2d(relu(conv(x)), 2), 1);
    for (const auto& layer : hidden) x = dropout(gelu(layer(x)));
    return head(x);
  }
};
// [layer of one's own]
template <class T>
struct Scale {
  wg::Parameter<T> factor;

  wg::Var<T> operator()(wg::Var<T> x) const { return x * x.tape().variable(factor); }
};
// [scope]
template <class T>
struct Gate {
  wg::Parameter<T> factor;

  wg::Var<T> operator()(wg::Var<T> x) const {
    const nn::Scope scope(*this, x);
    return sigmoid(x * x.tape().variable(factor));
  }
};
// [reader]
template <class T>
struct Reader {
  nn::Embedding<T> embedding;
  nn::LSTM<T> lstm;
  nn::Linear<T> head;

  wg::Var<T> operator()(wg::IndexVar<T> tokens, wg::IndexVar<T> lengths) const {
    return head(mean_steps(lstm(embedding(tokens), lengths), lengths));    // lengths (N)
  }
};
// [end]
// clang-format on

TEST_CASE("the page on networks does what it says") {
  wg::Generator g(1);
  auto net = Classifier<float>::make(g);
  const auto X = random_tensor<float>({32, 1, 8, 8}, 1);
  wg::Indices labels = wg::Indices::from_shape({32});
  for (std::size_t i = 0; i < 32; ++i) labels(i) = X(i, 0, 0, 0) > 0 ? 1 : 0;
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  float last_loss = 0;
  // clang-format off
  // [chain]
  auto chain = nn::sequential(nn::Linear<float>::make(64, 32, g), nn::ReLU{},
                              nn::residual(nn::sequential(nn::Linear<float>::make(32, 32, g), nn::Tanh{})),
                              [](auto x) { return 2 * x; },                // anything that can be called with a Var
                              nn::Linear<float>::make(32, 10, g));
  // [check]
  auto report = nn::check(net, [](const auto& n, auto x, auto y) { return cross_entropy(n(x), y); }, X, labels);
  if (!report) std::cout << report;
  // [summary]
  std::cout << nn::summary(net, {32, 1, 8, 8});
  // [parameters]
  for (auto& [path, parameter] : nn::named_parameters(net))                // conv.weight, conv.bias, hidden.0.weight, …
    std::cout << path << ' ' << wg::to_string(parameter.shape()) << '\n';
  auto weight = nn::parameter(net, "hidden.1.weight");                     // a handle: weight.assign(…) changes the network
  auto count = nn::parameter_count(net);
  nn::freeze(net, "conv");                                                 // not trained any more; nn::unfreeze(net) undoes it
  auto copy = nn::copy(net);                                               // shares nothing with net
  auto wide = wg::converted<double>(net);                                  // a copy in double
  // [step]
  auto step = wg::compiled<float>([&](auto& tape, auto x, auto y) {
    auto loss = cross_entropy(net(x), y);
    for (auto& [path, parameter, gradient] : nn::grad(loss, net))
      tape.update(parameter, tape.variable(parameter) - 0.1f * gradient);
    return loss;
  });
  for (int i = 0; i < 200; ++i) last_loss = step(X, labels).item();
  // [end]
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(report.ok());
  CHECK(contains(out.str(), "hidden.0 (Linear)  (32, 32)            4,128   262 k  8.00 KiB\n"));
  CHECK(contains(out.str(), "conv.weight (8, 1, 3, 3)\nconv.bias (8,)\nhidden.0.weight (32, 128)\n"));
  CHECK(last_loss < 0.3F);
  CHECK(count == 80 + 4128 + 1056 + 330);
  CHECK(weight == net.hidden[1].weight);
  CHECK(copy.conv.weight.value() == net.conv.weight.value());  // frozen
  CHECK(copy.head.weight.value() != net.head.weight.value());
  CHECK(nn::parameter_count(wide, nn::Counted::trainable) == count - 80);
  // clang-format off
  // [initialisers]
  wg::for_each_member<nn::Linear<float>>(net, [&](const std::string&, const nn::Linear<float>& layer) {
    nn::he_normal(layer.weight, g);
    nn::zeros(*layer.bias);
  });
  // [end]
  // clang-format on
  CHECK(xt::amax(net.head.bias->value())() == 0);
  wg::Tape<float> tape;
  const auto attention = nn::MultiheadAttention<float>::make(4, 2, g);
  const auto s = tape.constant(random_tensor<float>({2, 4, 4}, 1));
  // clang-format off
  // [mask]
  auto attended = attention(s, s, s, {.mask = tape.constant(wg::Tensor<float>{{{{1, 1, 1, 0}}}, {{{1, 1, 0, 0}}}})});   // lengths 3 and 2
  // [recurrent]
  auto reader = nn::LSTM<float>::make(4, 16, g, {.layers = 2, .dropout = 0.2});
  auto [outputs, state] = reader.run(s);                                   // outputs (N, L, 16); state.hidden and state.cell (2, N, 16)
  auto further = reader.run(s, state).output;
  auto recurrent = nn::parameter(reader, "weight_hh_l1");                  // PyTorch's name; also reader.layers[1].weight_hh
  // [end]
  // clang-format on
  CHECK(outputs.shape() == wg::Shape{2, 4, 16});
  CHECK(state.cell.shape() == wg::Shape{2, 2, 16});
  CHECK(further.value() != outputs.value());
  CHECK(recurrent == reader.layers[1].weight_hh);
  const auto shorter = slice(s, {xt::range(0, 1), xt::range(0, 3)});
  CHECK(distance(slice(attended, {xt::range(0, 1), xt::range(0, 3)}).value(), attention(shorter).value()) < 1e-6);
  CHECK(chain(tape.constant(random_tensor<float>({2, 64}, 1))).shape() == wg::Shape{2, 10});
  const Scale<double> scale{wg::Parameter<double>(wg::Tensor<double>{2, 3})};
  CHECK(wg::gradcheck(scale, random_tensor({4, 2}, 1)));
  const auto gated = nn::summary(Gate<double>{scale.factor}, {4, 2});
  REQUIRE(gated.rows.size() == 1);
  CHECK(gated.rows[0].type == "Gate");
}

TEST_CASE("the page's network reads padded texts like texts alone") {
  wg::Generator g(1);
  const Reader<float> net{nn::Embedding<float>::make(7, 4, g), nn::LSTM<float>::make(4, 8, g, {.bidirectional = true}),
                          nn::Linear<float>::make(16, 2, g)};
  wg::Tape<float> tape;
  const auto both = net(tape.indices(wg::Indices{{1, 2, 3, 4}, {5, 6, 0, 0}}), tape.indices(wg::Indices{4, 2})).value();
  const auto alone = net(tape.indices(wg::Indices{{5, 6}}), tape.indices(wg::Indices{2})).value();
  for (const std::size_t k : {0U, 1U}) CHECK(both(1, k) == doctest::Approx(alone(0, k)));
}

TEST_CASE("every block of C++ in docs/networks.md stands in this file") {
  CHECK(check_snippets("docs/networks.md", "tests/nn/networks_page_test.cpp") == 12);
}
