// Classifies images of clothes with data augmentation: a Loader shifts and mirrors the images of every batch at random.
//
// The Loader prepares the next batch on its own thread while the network trains on the current one.
// Prints one line per epoch and the accuracy on 10,000 test images.
// Data: bash samples/fetch_data.sh fashion. With --brief: ten epochs on `digits`, 8×8, rotated instead.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

// A 3×3 convolution that keeps the image size, batch normalisation, and relu.
auto block(std::size_t in, std::size_t out, wg::Generator& generator) {
  return nn::sequential(nn::Conv2d<float>::make(in, out, 3, generator, {.padding = 1, .bias = false}),
                        nn::BatchNorm<float>::make(out), nn::ReLU{});
}

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  try {
    const std::size_t side = brief ? 8 : 28;
    auto data = sample::load_named(brief ? "digits" : "fashion", "build/data", 1);
    data.train.inputs.reshape({data.train.size(), 1, side, side});
    data.test.inputs.reshape({data.test.size(), 1, side, side});

    const data::Augmentation moves{.shift = brief ? 0U : 2U, .rotate = brief ? 10.0 : 0.0, .flip = !brief};
    const data::Loader loader(data.train,
                              {.batch_size = 64, .seed = 1965, .transform = [&](auto& batch, wg::Generator& draws) {
                                 data::augment(batch.inputs, moves, draws);
                               }});

    wg::Generator generator(1964);
    const auto network = nn::sequential(
        block(1, 16, generator), nn::MaxPool2d{2}, block(16, 32, generator), block(32, 32, generator), nn::MaxPool2d{2},
        nn::Flatten{}, nn::Linear<float>::make(32 * (side / 4) * (side / 4), 128, generator), nn::ReLU{},
        nn::Dropout::make(0.3, generator), nn::Linear<float>::make(128, 10, generator));

    const std::size_t epochs = brief ? 10 : 8, steps = epochs * loader.count();
    optim::Optimizer<float> optimizer(network, optim::AdamW{.weight_decay = 0.01});
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
    const auto result =
        train::fit(network, optimizer, loss, loader, data.test,
                   {.epochs = epochs,
                    .schedule = {.by_step = optim::OneCycle{.max_rate = 4e-3, .steps = static_cast<double>(steps)}}});
    fmt::print("test accuracy: {:.2f}% after {:.0f} s\n", 100 * result.last("validation_accuracy"), result.seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
