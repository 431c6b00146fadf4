// Compiles and runs the code of docs/recipes/sequences.md and compares it with the page.
#include "snippets.hpp"
#include "testing.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace wg = wengert;
namespace data = wg::data;
namespace nn = wg::nn;
namespace optim = wg::optim;
namespace train = wg::train;
using namespace wengert::testing;

// A namespace of its own, because other tests have a Reader.
namespace recipe_sequences {

// clang-format off
wg::Indices bytes_of(std::string_view text) {
  wg::Indices bytes = wg::Indices::from_shape({text.size()});
  for (std::size_t i = 0; i < text.size(); ++i) bytes(i) = static_cast<unsigned char>(text[i]);
  return bytes;
}

struct Reader {
  nn::Embedding<float> embedding;
  nn::GRU<float> gru;
  nn::Linear<float> head;

  static Reader make(wg::Generator generator) {
    return {nn::Embedding<float>::make(256, 8, generator), nn::GRU<float>::make(8, 32, generator),
            nn::Linear<float>::make(32, 2, generator)};
  }
  wg::Var<float> operator()(wg::IndexVar<float> bytes, wg::IndexVar<float> lengths) const {
    return head(mean_steps(gru(embedding(bytes), lengths), lengths));
  }
};
// clang-format on

TEST_CASE("the recipe for sequences of different lengths works as it is written") {
  std::vector<std::string> texts;  // of the letters a and b in class 0, and of c and d in class 1
  wg::Indices labels = wg::Indices::from_shape({150});
  for (std::size_t i = 0; i < 150; ++i) {
    labels(i) = static_cast<std::int64_t>(i % 2);
    texts.emplace_back();
    for (std::size_t k = 0; k < 2 + i * i % 13; ++k)
      texts.back() += static_cast<char>((i % 2 == 0 ? 'a' : 'c') + static_cast<int>((i + k * k) % 2));
  }
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  std::vector<wg::Indices> sequences;
  for (const std::string& text : texts) sequences.push_back(bytes_of(text));
  const data::Sequences training(sequences, labels, {.batch_size = 32, .buckets = 4});
  std::cout << 100 * training.sampler().padding() << " % of the steps are padding\n";
  // [train]
  const auto network = Reader::make(wg::Generator(1));
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto logits, auto classes) { return cross_entropy(logits, classes); };
  const auto result = train::fit(network, optimizer, loss, training, {.epochs = 15});
  std::cout << result.compilations << " Programs, accuracy " << result.last("accuracy") << '\n';
  // [predict]
  const wg::Indices classes = train::predict_classes(network, training);
  const data::Padded<wg::Indices> two{wg::Indices{{'a', 'b', 'a', 'a'}, {'d', 'c', 0, 0}}, wg::Indices{4, 2}};
  const wg::Tensor<float> probabilities = train::predict_probabilities(network, two);
  // [end]
  // clang-format on
  CHECK(training.sampler().padding() < 0.25);
  CHECK(classes == labels);
  CHECK(probabilities(0, 0) > 0.9F);
  CHECK(probabilities(1, 1) > 0.9F);

  float last_loss = 0;
  // clang-format off
  auto learn = wg::compiled<float>([&](auto& tape, auto x, auto lengths, auto y) {
    auto step_loss = cross_entropy(network(x, lengths), y);
    for (auto& [path, parameter, gradient] : nn::grad(step_loss, network))
      tape.update(parameter, tape.variable(parameter) - 0.1f * gradient);
    return step_loss;
  });
  data::Padded<wg::Indices> x;
  wg::Indices y;
  for (std::size_t epoch = 0; epoch < 10; ++epoch)
    for (const auto& rows : training.batches(1, epoch)) {                    // by seed and epoch
      training.gather(rows, x, y);
      last_loss = learn(x.values, x.lengths, y).item();
    }
  std::cout << learn.size() << " Programs for " << training.sampler().shapes() << " shapes\n";
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(last_loss < 0.1F);
  CHECK(learn.size() <= 8);
  CHECK(contains(out.str(), fmt::format("{0} Programs for {0} shapes\n", learn.size())));
  CHECK(contains(out.str(), "accuracy 1\n"));
}

TEST_CASE("the recipe's losses of steps are those of the real steps alone") {
  wg::Tape<float> tape;
  const auto lengths = tape.indices(wg::Indices{3, 1});
  const auto logits = tape.constant(random_tensor<float>({2, 4, 3}, 1));
  const wg::Indices step_labels{{0, 3, 1}, {2, -100, -100}};
  const auto outputs = tape.constant(random_tensor<float>({2, 3, 5}, 2));
  const auto targets = random_tensor<float>({2, 3, 5}, 3);
  // clang-format off
  auto per_step = cross_entropy(logits, step_labels, {.ignore_index = -100});               // (N, C, L) and (N, L)
  auto regression = masked_mean(mse_loss(outputs, targets, wg::Reduction::none), lengths);  // over the real steps
  // clang-format on
  const auto real = [&](auto a) {
    return wg::concatenate({reshape(slice(a, {0}), {-1}), reshape(slice(a, {1, xt::range(0, 1)}), {-1})});
  };
  CHECK(regression.item() == doctest::Approx(wg::mse_loss(real(outputs), real(tape.constant(targets))).item()));
  const auto steps = swapaxes(logits, 1, 2);
  const auto four = wg::concatenate({slice(steps, {0}), slice(steps, {1, xt::range(0, 1)})});
  CHECK(per_step.item() == doctest::Approx(wg::cross_entropy(four, wg::Indices{0, 3, 1, 2}).item()));
}

TEST_CASE("every block of C++ in the recipe for sequences stands in this file") {
  CHECK(check_snippets("docs/recipes/sequences.md", "tests/train/recipes_sequences_test.cpp") == 7);
}

}  // namespace recipe_sequences
