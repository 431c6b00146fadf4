// Trains a small network and writes its report for report_test.sh: report_page FOLDER
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

// Makes images of rings, crosses and bars, 12×12 pixels, with enough noise for some mistakes.
data::Dataset<float> shapes(std::size_t n, unsigned seed) {
  std::mt19937_64 generator(seed);
  const auto draw = [&] { return static_cast<double>(generator() >> 11) * 0x1p-53; };
  data::Dataset<float> data{Tensor<float>::from_shape({n, 1, 12, 12}), Indices::from_shape({n}), 4};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t kind = i % 4;
    const double cy = 5.5 + 2 * draw() - 1, cx = 5.5 + 2 * draw() - 1, size = 2.5 + 2 * draw();
    for (std::size_t row = 0; row < 12; ++row)
      for (std::size_t column = 0; column < 12; ++column) {
        const double y = std::abs(static_cast<double>(row) - cy), x = std::abs(static_cast<double>(column) - cx);
        const double away[] = {std::abs(std::hypot(x, y) - size), x < size && y < size ? std::min(x, y) : 9.0,
                               x < size ? y : 9.0, y < size ? x : 9.0};
        data.inputs(i, 0, row, column) = static_cast<float>(std::exp(-away[kind] * away[kind]) + 0.9 * (draw() - 0.5));
      }
    data.labels(i) = static_cast<std::int64_t>(kind);
  }
  return data;
}

}  // namespace

int main(int, char** arguments) try {
  const auto data = shapes(800, 1), held_out = shapes(400, 2);
  Generator generator(7);
  const auto network =
      nn::sequential(nn::Flatten{}, nn::Linear<float>::make(144, 32, generator), nn::ReLU{},
                     nn::Linear<float>::make(32, 16, generator), nn::ReLU{}, nn::Linear<float>::make(16, 4, generator));
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.002F});
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  train::fit(network, optimizer, loss, data, held_out,
             {.epochs = 12,
              .batch_size = 16,
              .schedule = {.by_epoch = [](double epoch) { return 0.002 * std::pow(0.85, epoch); }},
              .metrics = {train::accuracy(), train::f1()},
              .stopping = {.best_weights = true},
              .display = train::Display::quiet,
              .report = {.title = "Rings, crosses and bars", .class_names = {"ring", "cross", "flat bar", "tall bar"}},
              .folder = arguments[1]});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
