// predict: outputs, classes and probabilities in the order of the data, on arrays, data sets and structures.
#include "train/line.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/train/predict.hpp>

#include <cmath>
#include <tuple>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class V, class I>
struct Scored {
  V scores;
  I best;
};

// Scores of three classes, and the index of the largest.
struct Classifier {
  nn::Linear<double> linear;
  nn::Dropout dropout;
  auto operator()(Var<double> x) const {
    const auto z = dropout(linear(x));
    return Scored<Var<double>, IndexVar<double>>{z, argmax(z, 1)};
  }
};

Classifier classifier() {
  Generator generator(1);
  return {nn::Linear<double>::make(4, 3, generator), nn::Dropout::make(0.5, generator)};
}

Tensor<double> logits_of(const nn::Linear<double>& linear, const Tensor<double>& x) {
  Tensor<double> z = Tensor<double>::from_shape({x.shape()[0], 3});
  for (std::size_t i = 0; i < x.shape()[0]; ++i)
    for (std::size_t k = 0; k < 3; ++k) {
      z(i, k) = linear.bias->value()(k);
      for (std::size_t j = 0; j < 4; ++j) z(i, k) += x(i, j) * linear.weight.value()(k, j);
    }
  return z;
}

Indices best_of(const Tensor<double>& z) {
  Indices best = Indices::from_shape({z.shape()[0]});
  for (std::size_t i = 0; i < best.size(); ++i)
    best(i) = z(i, 0) >= z(i, 1) ? (z(i, 0) >= z(i, 2) ? 0 : 2) : (z(i, 1) >= z(i, 2) ? 1 : 2);
  return best;
}

}  // namespace

TEST_CASE("predictions are in the order of the data, whatever the batch size, and in evaluation mode") {
  const Classifier network = classifier();
  const Tensor<double> x = random_tensor({11, 4}, 2), expected = logits_of(network.linear, x);
  for (const std::size_t batch_size : {1U, 4U, 11U, 256U}) {
    CAPTURE(batch_size);
    const auto outputs = train::predict(network, x, {.batch_size = batch_size});
    CHECK(distance(outputs.scores, expected) < 1e-14);
    CHECK(outputs.best == best_of(expected));
    CHECK(network.dropout.mode.training());  // as before
  }
  const data::Dataset<double> unlabelled{x, {}, 0};
  CHECK(distance(train::predict(network, unlabelled).scores, expected) < 1e-14);
  const data::Dataset<double> labelled{x, xt::zeros<std::int64_t>({11}), 3};
  const data::Loader loader(labelled, {.batch_size = 3, .shuffle = true});
  CHECK(distance(train::predict(network, loader).scores, expected) < 1e-14);
  std::size_t seen = 0;
  train::predict(network, x,
                 [&](const auto& outputs, std::size_t first) {
                   CHECK(first == seen);
                   for (std::size_t i = 0; i < outputs.best.size(); ++i, ++seen)
                     CHECK(outputs.scores(i, 2) == doctest::Approx(expected(seen, 2)));
                 },
                 {.batch_size = 5});
  CHECK(seen == 11);
}

TEST_CASE("classes and probabilities come from logits") {
  const nn::Linear<double> linear = classifier().linear;
  const Tensor<double> x = random_tensor({7, 4}, 2), z = logits_of(linear, x);
  CHECK(train::predict_classes(linear, x) == best_of(z));
  const Tensor<double> p = train::predict_probabilities(linear, x, {.batch_size = 3});
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      CHECK(p(i, k) ==
            doctest::Approx(std::exp(z(i, k)) / (std::exp(z(i, 0)) + std::exp(z(i, 1)) + std::exp(z(i, 2)))));
  const Line binary = line(1.5);
  const Tensor<double> t{-1.0, 0.5};
  CHECK(train::predict_probabilities(binary, t)(1) == doctest::Approx(1 / (1 + std::exp(-0.75))));
}

TEST_CASE("PredictOptions::threshold: above which a single output predicts class 1") {
  const Tensor<double> outputs = xt::reshape_view(Tensor<double>{-1.0, 0.0, 0.3, 0.7}, {4, 1});
  const Line same = line(1);
  CHECK(train::predict_classes(same, outputs) == Indices{0, 0, 1, 1});
  CHECK(train::predict_classes(same, outputs, {.threshold = 0.5}) == Indices{0, 0, 0, 1});
  CHECK(train::predict_classes(same, outputs, {.threshold = -0.5}) == Indices{0, 1, 1, 1});
}

TEST_CASE("a network of two inputs predicts from a tuple") {
  const auto sum = [](Var<double> x, Var<double> z) { return x + z; };
  const Tensor<double> x = random_tensor({5}, 1), z = random_tensor({5}, 2);
  CHECK(train::predict(sum, std::tuple{x, z}, {.batch_size = 2}) == x + z);
}

TEST_CASE("each column of indices has an embedding of its own") {
  const Indices columns{{0, 3}, {2, 1}, {1, 3}};
  struct Columns {
    nn::Embedding<double> first, second;
    auto operator()(IndexVar<double> a, IndexVar<double> b) const { return first(a) + second(b); }
  };
  const Columns network{nn::Embedding<double>::make(3, 2, Generator(1)),
                        nn::Embedding<double>::make(4, 2, Generator(2))};
  const Tensor<double> outputs = train::predict(
      network, std::tuple{Indices(xt::col(columns, 0)), Indices(xt::col(columns, 1))}, {.batch_size = 2});
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j)
      CHECK(outputs(i, j) ==
            network.first.weight.value()(columns(i, 0), j) + network.second.weight.value()(columns(i, 1), j));
}

TEST_CASE("predict refuses what gives no prediction for each sample") {
  const Tensor<double> x = random_tensor({5, 4}, 1), none = Tensor<double>::from_shape({0, 4});
  const auto linear = classifier().linear;
  CHECK_ERROR(ValueError, "[predict] there are no samples", train::predict(linear, none));
  CHECK_ERROR(ValueError, "[predict] batch size 0", train::predict(linear, x, {.batch_size = 0}));
  CHECK_ERROR(ShapeError, "[predict] an output of shape () for 5 samples: expected one row per sample",
              train::predict([](Var<double> v) { return mean(v); }, x));
  CHECK_ERROR(ShapeError, "[Linear] an input of shape (5, 3)", train::predict(linear, random_tensor({5, 3}, 1)));
  CHECK_ERROR(ValueError, "[predict_classes] the network returns 2 outputs: expected one Var",
              train::predict_classes(classifier(), x));
  CHECK_ERROR(ShapeError, "[predict] 5 samples, inputs 1 of shape (4,): expected one for each",
              train::predict([](Var<double> a, Var<double> b) { return a + b; },
                             std::tuple{random_tensor({5}, 1), random_tensor({4}, 1)}));
}
