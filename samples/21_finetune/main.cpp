// Fine-tuning: weights trained on upright digits are adapted to turned ones, of which there are five of each.
//
// A network learns upright digits and is saved. Its body is then loaded into networks for digits turned by up to 45°,
// of which 50 are for training, and trained with a new head, or with the old head and LoRA, low-rank updates of the
// frozen layers. Prints the accuracy of both, and of a network trained from scratch, on the turned test digits, and
// the report of a load.
// Data: bash samples/fetch_data.sh mnist. With --brief: `digits`, 8×8.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/io.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace io = wengert::io;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

// The layers of the body are plain, nn::Linear, or adapted, nn::LoRALinear. A network that is saved and one that loads
// it need not call the body alike.
template <class Layer>
struct Classifier {
  std::array<Layer, 2> body;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::Var<float> x) const { return head(relu(body[1](relu(body[0](x))))); }
};
struct Pretrained {
  std::array<nn::Linear<float>, 2> encoder;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::Var<float> x) const { return head(relu(encoder[1](relu(encoder[0](x))))); }
};

// Trains and returns the accuracy on the test samples, in percent.
template <class Network>
double fitted(const Network& network, const data::Dataset<float>& training, const data::Dataset<float>& test,
              std::size_t epochs, double rate) {
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = rate});
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  train::fit(network, optimizer, loss, training,
             {.epochs = epochs, .batch_size = 64, .display = train::Display::quiet});
  return 100 * train::evaluate(network, loss, test).metric("accuracy");
}

// Each image turned by its own random angle of up to 45° in either direction.
void turn(data::Dataset<float>& images, std::size_t side, std::uint64_t seed) {
  data::augment(images.inputs, {.rotate = 45, .image = {side, side}}, wg::Generator(seed));
}

// The first samples of each class.
data::Dataset<float> few(const data::Dataset<float>& all, std::size_t of_each) {
  std::vector<std::size_t> chosen, count(all.classes);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (count[static_cast<std::size_t>(all.labels(i))]++ < of_each) chosen.push_back(i);
  return data::subset(all, chosen);
}

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  try {
    const std::size_t side = brief ? 8 : 28, width = brief ? 64 : 128;
    auto [training, test] = sample::load_named(brief ? "digits" : "mnist", "build/data", 1);
    wg::Generator generator(1964);
    const auto body = [&]() -> std::array<nn::Linear<float>, 2> {
      return {nn::Linear<float>::make(side * side, width, generator), nn::Linear<float>::make(width, width, generator)};
    };
    const auto head = [&] { return nn::Linear<float>::make(width, 10, generator); };

    const Pretrained pretrained{body(), head()};
    fmt::print("upright digits:                  {:.1f}% of {}\n",
               fitted(pretrained, training, test, brief ? 20 : 4, 1e-3), test.size());
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "wengert_finetune.safetensors";
    io::save_parameters(pretrained, file);

    data::Dataset<float> turned = few(training, 5);
    turn(turned, side, 1);
    turn(test, side, 2);
    const auto show = [&](const char* how, const auto& network) {
      fmt::print("{:<32} {:.1f}% with {} trained parameters\n", how, fitted(network, turned, test, 200, 3e-3),
                 nn::parameter_count(network, nn::Counted::trainable));
    };
    fmt::print("turned digits, after {} of them:\n", turned.size());
    show("from scratch:", Classifier<nn::Linear<float>>{body(), head()});

    const Classifier<nn::Linear<float>> frozen{body(), head()};
    io::load_parameters(frozen, file, {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*"}});
    nn::freeze(frozen, "body");
    show("frozen body, new head:", frozen);

    const auto layers = body();
    const Classifier<nn::LoRALinear<float>> adapted{
        {nn::with_lora(layers[0], 4, generator), nn::with_lora(layers[1], 4, generator)}, head()};
    const auto report = io::load_parameters(adapted, file, {.rename = {{"encoder.*", "body.*"}}, .skip = {"*.lora_*"}});
    show("LoRA of rank 4:", adapted);
    std::cout << "The last load: " << report << '\n';
    std::filesystem::remove(file);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
