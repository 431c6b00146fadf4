// fit and predict on sequences of different lengths: batches by length, lengths that reach the network, few Programs.
#include "train/line.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/train/predict.hpp>

#include <set>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A mean of the embeddings of the real steps.
struct PaddedReader {
  nn::Embedding<float> embedding;
  nn::Linear<float> head;
  auto operator()(IndexVar<float> tokens, IndexVar<float> lengths) const {
    return head(mean_steps(embedding(tokens), lengths));
  }
};
struct StructReader {
  PaddedReader reader;
  auto operator()(const data::Padded<IndexVar<float>, IndexVar<float>>& x) const { return reader(x.values, x.lengths); }
};

PaddedReader padded_reader() {
  Generator g(1);
  return {nn::Embedding<float>::make(7, 4, g), nn::Linear<float>::make(4, 2, g)};
}

// Texts of 2 to 14 tokens: 1 to 3 in class 0, 4 to 6 in class 1.
data::Sequences<std::int64_t, std::int64_t> texts(std::vector<Indices>& tokens) {
  Indices classes = Indices::from_shape({150});
  for (std::size_t i = 0; i < 150; ++i) {
    classes(i) = static_cast<std::int64_t>(i % 2);
    tokens.push_back(Indices::from_shape({2 + i * i % 13}));
    for (std::size_t k = 0; k < tokens[i].size(); ++k)
      tokens[i](k) = static_cast<std::int64_t>(1 + 3 * (i % 2) + (i + k * k) % 3);
  }
  return {tokens, classes, {.batch_size = 16, .buckets = 4}};
}

}  // namespace

TEST_CASE("fit trains on sequences of different lengths, with as many Programs as shapes") {
  std::vector<Indices> tokens;
  const auto data = texts(tokens);
  const PaddedReader network = padded_reader();
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.03F});
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  std::size_t batches = 0;
  auto options = quiet({.epochs = 15, .report = {.gradient_norms = false}});
  options.observers = {train::after_step([&](train::FitStatus&) { ++batches; })};
  const auto result = train::fit(network, optimizer, loss, data, options);
  CHECK(batches == 15 * data.batches(0, 0).size());
  CHECK(result.last("accuracy") == 1);
  CHECK(result.compilations <= data.sampler().shapes());
  CHECK(result.recompilations == 0);

  const Tensor<float> together = train::predict(network, data, {.batch_size = 40});
  for (const std::size_t i : {0U, 7U, 149U}) {  // alone, without padding
    Indices row = Indices::from_shape({1, tokens[i].size()});
    std::copy(tokens[i].begin(), tokens[i].end(), row.begin());
    const data::Padded<Indices> alone{row, Indices{static_cast<std::int64_t>(tokens[i].size())}};
    const Tensor<float> expected = train::predict(StructReader{network}, alone);
    CHECK(expected(0, 0) == doctest::Approx(together(i, 0)));
    CHECK(expected(0, 1) == doctest::Approx(together(i, 1)));
  }
}
