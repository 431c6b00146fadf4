// A variational autoencoder (Kingma and Welling 2014): the encoder gives, for each digit, a normal distribution over a
// plane; the decoder draws a digit from a point of it. Trained, the plane is a map of all digits.
//
// Prints a line an epoch and what a digit costs to describe, in nats, and writes the map as a picture: 16_vae FILE, by
// default build/vae.pgm (run.sh makes a PNG of it). Data: bash samples/fetch_data.sh mnist. With --brief: `digits`,
// 8×8.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include "../common/output.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

template <class T>
struct Autoencoder {
  nn::Linear<T> encode1, encode2, mean, log_variance;
  nn::Linear<T> decode1, decode2, decode3;
  wg::Generator noise;

  static Autoencoder make(std::size_t pixels, std::size_t width, wg::Generator generator) {
    const auto linear = [&](std::size_t in, std::size_t out) { return nn::Linear<T>::make(in, out, generator); };
    return {linear(pixels, width), linear(width, width), linear(width, 2),      linear(width, 2),
            linear(2, width),      linear(width, width), linear(width, pixels), generator};
  }
  // The logits of the pixels of the digit at a point of the plane.
  wg::Var<T> decode(wg::Var<T> z) const { return decode3(relu(decode2(relu(decode1(z))))); }

  // The evidence lower bound with its sign turned: what is lost by way of the plane, and how far the distribution of z
  // is from the standard normal one, KL = ½ Σ (m² + v − 1 − ln v). The gradient passes through the draw of z.
  wg::Var<T> cost(wg::Var<T> x) const {
    const auto hidden = relu(encode2(relu(encode1(x))));
    const auto m = mean(hidden), ln_v = log_variance(hidden);
    wg::Generator stream = noise;
    const auto z = normal(m, exp(ln_v / 2), stream);
    const auto loss = binary_cross_entropy_with_logits(decode(z), x);
    return loss + sum(square(m) + exp(ln_v) - 1 - ln_v) / (2.0 * static_cast<double>(x.shape()[0]));
  }
};

// A picture of `across`² digits, from the points of the plane at −2.5 … 2.5 in either direction; as PGM.
void draw_map(const Autoencoder<float>& network, std::size_t side, std::size_t across, const std::string& path) {
  auto points = wg::Tensor<float>::from_shape({across * across, 2});
  for (std::size_t i = 0; i < across * across; ++i) {
    points(i, 0) = 5 * static_cast<float>(i % across) / static_cast<float>(across - 1) - 2.5f;
    points(i, 1) = 2.5f - 5 * static_cast<float>(i / across) / static_cast<float>(across - 1);
  }
  wg::Tape<float> tape;
  const auto pixels = sigmoid(network.decode(tape.borrow(points))).value();
  const std::size_t width = across * side;
  std::string picture(width * width, '\0');
  for (std::size_t y = 0; y < width; ++y)
    for (std::size_t x = 0; x < width; ++x)
      picture[y * width + x] = static_cast<char>(
          static_cast<unsigned char>(255 * (1 - pixels(y / side * across + x / side, y % side * side + x % side))));
  sample::write_file(path, fmt::format("P5\n{} {}\n255\n", width, width) + picture);
}

int main(int count, char** arguments) {
  std::string picture = "build/vae.pgm";
  const bool brief = sample::brief(count, arguments, &picture);
  try {
    sample::check_writable(picture);
    const auto data = sample::load_named(brief ? "digits" : "mnist", "build/data", 1);
    wg::Generator generator(1964);
    const auto network = Autoencoder<float>::make(data.train.features(), brief ? 64 : 256, generator);
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = brief ? 3e-3 : 1e-3});
    const auto loss = [](const auto& autoencoder, auto x, auto) { return autoencoder.cost(x); };
    const auto result = train::fit(network, optimizer, loss, data.train, data.test,
                                   {.epochs = brief ? 40U : 20U, .batch_size = brief ? 32U : 128U});
    draw_map(network, brief ? 8 : 28, 20, picture);
    fmt::print("test cost: {:.1f} nats a digit\n", result.last("validation_cost"));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
