// Compiles and runs the code of docs/networks.md and compares it with the page.
#include "../snippets.hpp"
#include "../testing.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>

#include <iostream>
#include <sstream>

using namespace wengert::testing;
namespace wg = wengert;
namespace data = wengert::data;
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
  const auto linear = nn::Linear<float>::make(64, 32, g);
  // clang-format off
  // [fine-tuning]
  auto adapted = nn::with_lora(linear, 4, g, {.alpha = 8});                // an nn::LoRALinear; shares linear's parameters and freezes them
  auto trained = nn::parameter_count(adapted, nn::Counted::trainable);     // 4·(in + out) instead of in·out + out
  nn::Linear<float> merged = adapted.merged();                             // W + (alpha/rank)·B·A: one product again
  // [end]
  // clang-format on
  CHECK(trained == 4 * (64 + 32));
  CHECK(merged.weight.value() == linear.weight.value());
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

TEST_CASE("the page's network of padded texts learns, with as many Programs as shapes") {
  wg::Generator g(1);
  const Reader<float> net{nn::Embedding<float>::make(7, 4, g), nn::LSTM<float>::make(4, 8, g, {.bidirectional = true}),
                          nn::Linear<float>::make(16, 2, g)};
  std::vector<wg::Indices> tokens;  // 1 to 3 in texts of class 0, 4 to 6 in class 1
  wg::Indices classes = wg::Indices::from_shape({150});
  for (std::size_t i = 0; i < 150; ++i) {
    classes(i) = static_cast<std::int64_t>(i % 2);
    tokens.push_back(wg::Indices::from_shape({2 + i * i % 13}));
    for (std::size_t k = 0; k < tokens[i].size(); ++k)
      tokens[i](k) = static_cast<std::int64_t>(1 + 3 * (i % 2) + (i + k * k) % 3);
  }
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  float last_loss = 0;
  // clang-format off
  // [sequences]
  const data::Sequences texts(tokens, classes, {.batch_size = 32, .buckets = 4});  // one Indices per text; a label for each
  auto learn = wg::compiled<float>([&](auto& tape, auto x, auto lengths, auto y) {
    auto loss = cross_entropy(net(x, lengths), y);
    for (auto& [path, parameter, gradient] : nn::grad(loss, net))
      tape.update(parameter, tape.variable(parameter) - 0.5f * gradient);
    return loss;
  });
  data::Padded<wg::Indices> x;
  wg::Indices y;
  for (std::size_t epoch = 0; epoch < 10; ++epoch)
    for (const auto& rows : texts.batches(1, epoch)) {                     // by seed and epoch
      texts.gather(rows, x, y);
      last_loss = learn(x.values, x.lengths, y).item();
    }
  std::cout << learn.size() << " Programs for " << texts.sampler().shapes() << " shapes\n";
  // [end]
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(last_loss < 0.2F);
  CHECK(learn.size() <= 8);
  CHECK(out.str() == fmt::format("{0} Programs for {0} shapes\n", learn.size()));
  wg::Tape<float> tape;
  const auto lengths = tape.indices(wg::Indices{3, 1});
  const auto logits = tape.constant(random_tensor<float>({2, 4, 3}, 1));
  const wg::Indices step_labels{{0, 3, 1}, {2, -100, -100}};
  const auto outputs = tape.constant(random_tensor<float>({2, 3, 5}, 2));
  const auto targets = random_tensor<float>({2, 3, 5}, 3);
  // clang-format off
  // [step losses]
  auto per_step = cross_entropy(logits, step_labels, {.ignore_index = -100});               // (N, C, L) and (N, L)
  auto regression = masked_mean(mse_loss(outputs, targets, wg::Reduction::none), lengths);  // over the real steps
  // [end]
  // clang-format on
  const auto real = [&](auto a) {
    return wg::concatenate({reshape(slice(a, {0}), {-1}), reshape(slice(a, {1, xt::range(0, 1)}), {-1})});
  };
  CHECK(regression.item() == doctest::Approx(wg::mse_loss(real(outputs), real(tape.constant(targets))).item()));
  const auto steps = swapaxes(logits, 1, 2);
  const auto four = wg::concatenate({slice(steps, {0}), slice(steps, {1, xt::range(0, 1)})});
  CHECK(per_step.item() == doctest::Approx(wg::cross_entropy(four, wg::Indices{0, 3, 1, 2}).item()));
}

TEST_CASE("every block of C++ in docs/networks.md stands in this file") {
  CHECK(check_snippets("docs/networks.md", "tests/nn/networks_page_test.cpp") == 15);
}
