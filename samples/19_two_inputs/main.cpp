// Two inputs: a picture and a row of a table predict one class, by a network of two branches that are joined.
//
// A camera reads a display of one digit, and a table holds the limits of its alarm: is the value below the limits,
// within, or above? The pictures are real handwritten digits; the limits are drawn at random, eight pairs for each
// picture, and the class follows from the digit and its limits. Prints the accuracy on pictures that were held out, and
// what remains of it if a network is trained on the picture or the limits alone, with zeros in place of the other.
// Data: bash samples/fetch_data.sh digits. With --brief: fewer epochs.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

// The inputs by name: Inputs<wg::Tensor<float>> in the data, Inputs<wg::Var<float>> on a tape.
template <class V>
struct Inputs {
  V picture;  // (N, 1, 8, 8), 0 … 1
  V limits;   // (N, 2): the lower and the upper limit, over 9
};
using Samples = train::Samples<Inputs<wg::Tensor<float>>, wg::Indices>;
constexpr std::array class_names{"below", "within", "above"};

struct Network {
  nn::Conv2d<float> convolution;
  nn::Linear<float> look, read, join, head;

  static Network make(wg::Generator generator) {
    return {nn::Conv2d<float>::make(1, 16, 3, generator, {.padding = 1}), nn::Linear<float>::make(256, 32, generator),
            nn::Linear<float>::make(2, 32, generator), nn::Linear<float>::make(64, 64, generator),
            nn::Linear<float>::make(64, class_names.size(), generator)};
  }

  wg::Var<float> operator()(const Inputs<wg::Var<float>>& x) const {
    const auto seen = relu(look(flatten(max_pool2d(relu(convolution(x.picture)), 2), 1)));  // the branch of the picture
    const auto noted = relu(read(x.limits));                                                // the branch of the table
    return head(relu(join(wg::concatenate({seen, noted}, 1))));
  }
};

// Each digit with several pairs of limits.
Samples with_limits(const data::Dataset<float>& digits, std::size_t pairs, std::uint32_t seed) {
  const std::size_t n = digits.size() * pairs;
  std::mt19937 random(seed);
  Samples samples{{wg::Tensor<float>::from_shape({n, 1, 8, 8}), wg::Tensor<float>::from_shape({n, 2})},
                  wg::Indices::from_shape({n})};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = i / pairs;
    std::copy_n(digits.inputs.data() + 64 * row, 64, samples.inputs.picture.data() + 64 * i);
    const auto low = 1 + static_cast<int>(random() % 5), high = low + static_cast<int>(random() % 4);
    samples.inputs.limits(i, 0) = static_cast<float>(low) / 9;
    samples.inputs.limits(i, 1) = static_cast<float>(high) / 9;
    samples.targets(i) = digits.labels(row) < low ? 0 : digits.labels(row) <= high ? 1 : 2;
  }
  return samples;
}

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  try {
    const data::Split<float> digits = sample::load_named("digits", "build/data", 1);
    const Samples training = with_limits(digits.train, 8, 1), test = with_limits(digits.test, 8, 2);
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

    // Trains a network on these samples and returns it.
    const auto fitted = [&](const Samples& samples) {
      const Network network = Network::make(wg::Generator(1964));
      optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 2e-3});
      train::fit(network, optimizer, loss, samples,
                 {.epochs = brief ? std::size_t{4} : 20, .batch_size = 64, .display = train::Display::quiet});
      return network;
    };
    const auto accuracy = [&](const Network& network, const Samples& samples) {
      return 100 * train::evaluate(network, loss, samples).metric("accuracy");
    };
    // The samples without one of their inputs.
    const auto without = [](Samples samples, auto member) {
      (samples.inputs.*member).fill(0);
      return samples;
    };
    using In = Inputs<wg::Tensor<float>>;
    for (const auto& [name, missing] :
         {std::pair{"the limits alone: ", &In::picture}, {"the picture alone:", &In::limits}})
      fmt::print("{} {:.1f}%\n", name, accuracy(fitted(without(training, missing)), without(test, missing)));

    const Network network = fitted(training);
    const auto predicted = train::predict_classes(network, test.inputs);
    for (std::size_t i = 0; i < 4; ++i)
      fmt::print("a {}, limits {:.0f} to {:.0f}: {}\n", digits.test.labels(i), 9 * test.inputs.limits(8 * i, 0),
                 9 * test.inputs.limits(8 * i, 1), class_names[static_cast<std::size_t>(predicted(8 * i))]);
    fmt::print("both inputs: {:.1f}% of {} held-out samples\n", accuracy(network, test), test.size());
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
