// Trains a network that reads handwritten digits, and exports it and a step of its training for a web page.
//
// Writes digits.onnx, which maps a picture of 28×28 to the probabilities of the ten digits, and step.onnx, a step of
// gradient descent on eight pictures. Prints the accuracy on 10,000 test digits. `run.sh` serves the page.
// Data: bash samples/fetch_data.sh mnist. With --brief: two epochs on 10,000 digits.
#include "../common/load.hpp"
#include "../common/probabilities.hpp"
#include <wengert/io/parameters.hpp>
#include <wengert/nn.hpp>
#include <wengert/onnx/save.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace io = wengert::io;
namespace nn = wengert::nn;
namespace onnx = wengert::onnx;
namespace optim = wengert::optim;
namespace train = wengert::train;

struct Options {
  bool brief = false;
  std::string data_folder = "build/data", weights, out = "build/digit_page";
};

void run(const Options& o) {
  auto digits = sample::load_named("mnist", o.data_folder, 1);
  if (o.brief) {
    std::vector<std::size_t> first(10'000);
    std::iota(first.begin(), first.end(), std::size_t{0});
    digits.train = data::subset(digits.train, first);
  }
  for (data::Dataset<float>* part : {&digits.train, &digits.test}) part->inputs.reshape({part->size(), 1, 28, 28});

  wg::Generator generator(1964);
  const auto network = nn::sequential(
      nn::Conv2d<float>::make(1, 8, 3, generator, {.padding = 1}), nn::ReLU{}, nn::MaxPool2d{2},
      nn::Conv2d<float>::make(8, 16, 3, generator, {.padding = 1}), nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{},
      nn::Linear<float>::make(16 * 7 * 7, 64, generator), nn::ReLU{}, nn::Linear<float>::make(64, 10, generator));
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  if (!o.weights.empty()) {
    io::load_parameters(network, o.weights);
  } else {
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 2e-3});
    train::fit(network, optimizer, loss, digits.train,
               {.epochs = o.brief ? std::size_t{2} : std::size_t{5}, .batch_size = 64});
  }
  fmt::print("test accuracy: {:.2f}%\n", 100 * train::evaluate(network, loss, digits.test).metric("accuracy"));

  const std::filesystem::path folder = o.out;
  std::filesystem::create_directories(folder);
  io::save_parameters(network, folder / "digits.safetensors");
  onnx::save(
      sample::Probabilities<std::remove_const_t<decltype(network)>>{network}, wg::Shape{1, 1, 28, 28},
      folder / "digits.onnx",
      {.inputs = {"x"}, .outputs = {"probabilities"}, .doc = "Reads a digit of 28×28 pixels, white (1) on black (0)."});
  // The weights are inputs without defaults: ONNX Runtime for JavaScript does not replace defaults.
  optim::Optimizer<float> descent(network, optim::SGD{.rate = 0.05});
  onnx::save_step(network, descent, loss, wg::Shape{8, 1, 28, 28}, wg::Indices::from_shape({8}), folder / "step.onnx",
                  {.inputs = {"x"}, .targets = {"y"}, .defaults = false});
}

int main(int argc, char** argv) {
  Options o;
  CLI::App app{"Trains a network that reads digits; exports it, and a step of its training, as ONNX files."};
  app.option_defaults()->always_capture_default();
  app.add_flag("--brief", o.brief, "a short training of a few seconds");
  app.add_option("--data-folder", o.data_folder, "the folder of the fetched data sets");
  app.add_option("--weights", o.weights, "a file of weights, such as digits.safetensors, instead of a training");
  app.add_option("--out", o.out, "the folder to write to");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "error: " << error.what() << " (--help lists the arguments)\n";
    return 2;
  }
  try {
    run(o);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
