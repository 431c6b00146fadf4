// Logistic regression: the probability that a tumour is benign, σ(w·x + b), from 30 measurements of its cells.
//
// The smallest network there is, trained by `train::fit` on four fifths of the table and tested on the rest. Prints the
// accuracy there, and the measurements that count most. Data: bash samples/fetch_data.sh breast_cancer
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
#include <string>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

int main() {
  try {
    // The table's first line tells its size and what labels 0 and 1 are.
    auto [training, test] = wg::stratified_split(
        wg::read_csv<float>("build/data/breast_cancer/breast_cancer.csv", {.header = wg::CsvOptions::Header::yes}), 0.2, 1);
    const auto normalisation = wg::learn_normalisation(training.inputs);
    wg::normalise(training.inputs, normalisation);
    wg::normalise(test.inputs, normalisation);  // by what is known of the training samples alone

    wg::Generator generator(1964);
    const auto network = nn::Linear<float>::make(30, 1, generator);
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01, .weight_decay = 0.01});
    const auto loss = [](auto logits, auto labels) {
      return binary_cross_entropy_with_logits(logits, expand_dims(labels, 1));
    };
    const auto result = train::fit(network, optimizer, loss, training, test, {.epochs = 100});
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
