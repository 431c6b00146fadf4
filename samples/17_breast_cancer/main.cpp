// Logistic regression: the probability σ(w·x + b) that a tumour is benign, from 30 measurements of its cells.
//
// A network of one linear layer, trained by `train::fit` on four fifths of a table and tested on the rest. Prints the
// five largest weights with their measurements, and the accuracy on the test samples.
// Data: bash samples/fetch_data.sh breast_cancer
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <numeric>
#include <span>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

// Measurements of each cell nucleus in an image; the table has the mean, standard error and worst value of each.
constexpr std::array measured = {"radius",      "texture",   "perimeter",      "area",     "smoothness",
                                 "compactness", "concavity", "concave points", "symmetry", "fractal dimension"};
constexpr std::array figures = {"mean", "error of", "worst"};

// The samples with targets N×1, the output shape of a network with one output.
train::Samples<wg::Tensor<float>, wg::Tensor<float>> with_targets(const data::Dataset<float>& data) {
  wg::Tensor<float> targets = wg::Tensor<float>::from_shape({data.size(), 1});
  std::copy(data.labels.begin(), data.labels.end(), targets.begin());
  return {data.inputs, targets};
}

int main() {
  try {
    // One line per tumour; the last column is 0 for malignant, 1 for benign.
    auto parts =
        data::stratified_split(data::read_csv<float>(sample::fetched("breast_cancer") / "breast_cancer.csv"), 0.2, 1);
    const auto normalisation = data::learn_normalisation(parts.train.inputs);
    data::normalise(parts.train.inputs, normalisation);
    data::normalise(parts.test.inputs, normalisation);  // with the statistics of the training samples

    wg::Generator generator(1964);
    const auto network = nn::Linear<float>::make(30, 1, generator);
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01, .weight_decay = 0.01});
    const auto loss = [](auto logits, auto labels) { return binary_cross_entropy_with_logits(logits, labels); };
    const auto result = train::fit(network, optimizer, loss, with_targets(parts.train), with_targets(parts.test),
                                   {.epochs = 100, .metrics = {train::accuracy()}, .display = train::Display::quiet});

    std::array<std::size_t, 30> order;
    std::iota(order.begin(), order.end(), 0);
    const auto weight = [&](std::size_t i) { return static_cast<double>(network.weight.value()(0, i)); };
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return std::abs(weight(a)) > std::abs(weight(b)); });
    for (const std::size_t i : std::span(order).first(5))
      fmt::print("{:>6.2f} × {} {}\n", weight(i), figures[i / 10], measured[i % 10]);
    fmt::print("test accuracy: {:.1f}% of {}\n", 100 * result.last("validation_accuracy"), parts.test.size());
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
