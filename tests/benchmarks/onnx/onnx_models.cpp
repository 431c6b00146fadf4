// Saves the networks of the inference benchmark as ONNX files: onnx_models FOLDER
//
// Each network has random weights and a dynamic batch. NAME.identity.onnx takes an input of the shape of NAME.onnx's
// output and returns it unchanged, so that the time of a call itself can be measured. Prints the names.
#include "../common/inputs.hpp"
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>

namespace {

namespace wg = wengert;
namespace nn = wengert::nn;
using Conv = nn::Conv2d<float>;
using Linear = nn::Linear<float>;

template <class Network>
void save(const std::filesystem::path& folder, const std::string& name, const Network& network, const wg::Shape& input,
          const wg::Shape& output) {
  wg::onnx::save(network, input, folder / (name + ".onnx"));
  wg::onnx::save(nn::Identity{}, output, folder / (name + ".identity.onnx"));
  std::cout << name << '\n';
}

auto perceptron(const wg::Generator& g) {
  return nn::sequential(Linear::make(784, 128, g), nn::Sigmoid{}, Linear::make(128, 10, g));
}

// LeNet-5 with relu and max pooling, as in the benchmark of its training.
auto lenet(const wg::Generator& g) {
  return nn::sequential(Conv::make(1, 6, 5, g, {.padding = 2}), nn::ReLU{}, nn::MaxPool2d{2}, Conv::make(6, 16, 5, g),
                        nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, Linear::make(400, 120, g), nn::ReLU{},
                        Linear::make(120, 84, g), nn::ReLU{}, Linear::make(84, 10, g));
}

// Two encoder layers with layer normalisation before each branch.
auto transformer(const wg::Generator& g) {
  const auto layer = [&] {
    return nn::TransformerEncoderLayer<float>::make(
        128, 4, g,
        {.feedforward = 512, .dropout = 0, .activation = nn::FeedforwardActivation::gelu, .norm_first = true});
  };
  return nn::sequential(layer(), layer());
}

// A convolution without bias, and its batch normalisation.
auto normalised(std::size_t in, std::size_t out, std::size_t kernel, std::size_t stride, const wg::Generator& g) {
  const auto extent = static_cast<std::ptrdiff_t>(kernel), step = static_cast<std::ptrdiff_t>(stride);
  return nn::sequential(Conv::make(in, out, extent, g, {.stride = step, .padding = (extent - 1) / 2, .bias = false}),
                        nn::BatchNorm<float>::make(out));
}

// A stage of ResNet-18: two residual blocks of two convolutions. `shortcut` is that of the first block.
template <class Shortcut>
auto stage(std::size_t in, std::size_t out, const Shortcut& shortcut, const wg::Generator& g) {
  const auto branch = [&](std::size_t from, std::size_t stride) {
    return nn::sequential(normalised(from, out, 3, stride, g), nn::ReLU{}, normalised(out, out, 3, 1, g));
  };
  return nn::sequential(nn::residual(branch(in, in == out ? 1 : 2), shortcut), nn::ReLU{}, nn::residual(branch(out, 1)),
                        nn::ReLU{});
}

// ResNet-18 (He et al. 2016), whose running statistics are random too.
auto resnet(const wg::Generator& g) {
  const auto network = nn::sequential(
      normalised(3, 64, 7, 2, g), nn::ReLU{}, nn::MaxPool2d{3, {.stride = 2, .padding = 1}},
      stage(64, 64, nn::Identity{}, g), stage(64, 128, normalised(64, 128, 1, 2, g), g),
      stage(128, 256, normalised(128, 256, 1, 2, g), g), stage(256, 512, normalised(256, 512, 1, 2, g), g),
      nn::AdaptiveAvgPool2d{1}, nn::Flatten{}, Linear::make(512, 1000, g));
  std::uint64_t stream = 0;
  const auto randomise = [&](wg::Parameter<float> statistic, double low, double high) {
    wg::Tensor<float> value = statistic.value();
    bench::fill(std::span<float>(value.data(), value.size()), ++stream, low, high);
    statistic.assign(value);
  };
  wg::for_each_member<nn::BatchNorm<float>>(network, [&](const std::string&, const nn::BatchNorm<float>& layer) {
    randomise(layer.running_mean.parameter, -0.1, 0.1);
    randomise(layer.running_var.parameter, 0.5, 1.5);
  });
  return network;
}

void save_all(const std::filesystem::path& folder) {
  const wg::Generator generator(1);
  std::filesystem::create_directories(folder);
  save(folder, "mlp", perceptron(generator), {1, 784}, {1, 10});
  save(folder, "lenet", lenet(generator), {1, 1, 28, 28}, {1, 10});
  save(folder, "transformer", transformer(generator), {1, 32, 128}, {1, 32, 128});
  save(folder, "lstm", nn::LSTM<float>::make(64, 128, generator), {1, 32, 64}, {1, 32, 128});
  save(folder, "resnet18", resnet(generator), {1, 3, 224, 224}, {1, 1000});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "error: " << count - 1 << " arguments: expected FOLDER\n";
    return 2;
  }
  try {
    save_all(arguments[1]);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
