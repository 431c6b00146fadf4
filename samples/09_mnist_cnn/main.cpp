// A convolutional network that classifies handwritten digits: a chain of layers, trained by `train::fit`.
//
// Prints a table of the layers, one line per epoch, and the accuracy on 10,000 test digits.
// Data: bash samples/fetch_data.sh mnist. With --brief: 20 epochs on `digits`, 8×8.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  try {
    const std::size_t side = brief ? 8 : 28;
    auto data = sample::load_named(brief ? "digits" : "mnist", "build/data", 1);
    data.train.inputs.reshape({data.train.size(), 1, side, side});  // N samples of one channel
    data.test.inputs.reshape({data.test.size(), 1, side, side});

    // Two convolutions, each followed by pooling that halves the image, extract features for the linear layers.
    wg::Generator generator(1964);
    const auto network =
        nn::sequential(nn::Conv2d<float>::make(1, 16, 3, generator, {.padding = 1}), nn::ReLU{}, nn::MaxPool2d{2},
                       nn::Conv2d<float>::make(16, 32, 3, generator, {.padding = 1}), nn::ReLU{}, nn::MaxPool2d{2},  //
                       nn::Flatten{}, nn::Dropout::make(0.25, generator),
                       nn::Linear<float>::make(32 * (side / 4) * (side / 4), 128, generator), nn::ReLU{},
                       nn::Dropout::make(0.5, generator), nn::Linear<float>::make(128, 10, generator));
    fmt::print("{}\n", nn::summary(network, wg::Shape{64, 1, side, side}).to_string());

    const std::size_t epochs = brief ? 20 : 8, batch_size = 64;
    const std::size_t steps = epochs * ((data.train.size() + batch_size - 1) / batch_size);
    optim::Optimizer<float> optimizer(network, optim::Adam{});
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
    const auto result =
        train::fit(network, optimizer, loss, data.train, data.test,
                   {.epochs = epochs,
                    .batch_size = batch_size,
                    .schedule = {.by_step = optim::OneCycle{.max_rate = 3e-3, .steps = static_cast<double>(steps)}}});
    fmt::print("test accuracy: {:.2f}% after {:.0f} s\n", 100 * result.last("validation_accuracy"), result.seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
