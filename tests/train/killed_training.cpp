// A training for kill_test.sh: killed_training FOLDER resumes from the checkpoint in the folder.
//
// It uses everything that a checkpoint must hold: two kinds of optimiser state, the generator of dropout, running
// statistics, a schedule, gradient accumulation, metrics within an epoch, and the best weights so far.
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <random>

using namespace wengert;

namespace {

data::Dataset<float> spirals(std::size_t n, unsigned seed) {
  std::mt19937_64 generator(seed);
  const auto draw = [&] { return static_cast<double>(generator() >> 11) * 0x1p-53; };
  data::Dataset<float> data{Tensor<float>::from_shape({n, 2}), Indices::from_shape({n}), 2};
  for (std::size_t i = 0; i < n; ++i) {
    const double turn = draw(), angle = 8 * turn + (i % 2 == 0 ? 0 : 3.14159265358979);
    data.inputs(i, 0) = static_cast<float>(turn * std::cos(angle) + 0.02 * draw());
    data.inputs(i, 1) = static_cast<float>(turn * std::sin(angle) + 0.02 * draw());
    data.labels(i) = static_cast<std::int64_t>(i % 2);
  }
  return data;
}

}  // namespace

int main(int, char** arguments) try {
  const auto data = spirals(600, 1), held_out = spirals(200, 2);
  Generator generator(7), drops(8);
  const auto network =
      nn::sequential(nn::Linear<float>::make(2, 48, generator), nn::BatchNorm<float>::make(48), nn::ReLU{},
                     nn::Dropout::make(0.1, drops), nn::Linear<float>::make(48, 2, generator));
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01}, {.clip_norm = 5});
  train::fit(network, optimizer, [](auto logits, auto labels) { return cross_entropy(logits, labels); }, data, held_out,
             {.epochs = 40,
              .batch_size = 16,
              .batches = {.accumulate = 2, .seed = 5},
              .schedule = {.by_step = [](double step) { return 0.01 / (1 + step / 300); }},
              .metrics = {train::accuracy(), train::f1()},
              // Ends the training in epoch 30; when resumed, it stays ended.
              .stopping = {.patience = 3, .min_improvement = 0.01, .best_weights = true},
              .checkpoint = {.resume = true, .steps = 3},
              .display = train::Display::quiet,
              .folder = arguments[1]});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
