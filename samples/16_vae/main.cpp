// A variational autoencoder of handwritten digits (Kingma and Welling 2014) with a two-dimensional latent space.
//
// The encoder maps each digit to a normal distribution over the latent plane; the decoder maps a point of the plane to
// a digit. Prints one line per epoch and the test loss in nats per digit, and writes a map of the plane as an image:
// 16_vae FILE, by default build/vae.pgm (run.sh converts it to PNG). Data: bash samples/fetch_data.sh mnist. With
// --brief: `digits`, 8×8.
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
  // Maps points of the plane to the logits of the pixels.
  wg::Var<T> decode(wg::Var<T> z) const { return decode3(relu(decode2(relu(decode1(z))))); }

  // The negative evidence lower bound: reconstruction loss plus the divergence of z from the standard normal
  // distribution, KL = ½ Σ (m² + v − 1 − ln v). The gradient passes through the draw of z (reparameterisation).
  wg::Var<T> loss(wg::Var<T> x) const {
    const auto hidden = relu(encode2(relu(encode1(x))));
    const auto m = mean(hidden), ln_v = log_variance(hidden);
    wg::Generator stream = noise;
    const auto z = normal(m, exp(ln_v / 2), stream);
    const auto reconstruction = binary_cross_entropy_with_logits(decode(z), x);
    return reconstruction + sum(square(m) + exp(ln_v) - 1 - ln_v) / (2.0 * static_cast<double>(x.shape()[0]));
  }
};

// Writes an image of `across`² digits, decoded from a grid of points in [−2.5, 2.5]², in the PGM format.
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
    const auto loss = [](const auto& autoencoder, auto x, auto) { return autoencoder.loss(x); };
    const auto result = train::fit(network, optimizer, loss, data.train, data.test,
                                   {.epochs = brief ? 40U : 20U, .batch_size = brief ? 32U : 128U});
    draw_map(network, brief ? 8 : 28, 20, picture);
    fmt::print("test loss: {:.1f} nats per digit\n", result.last("validation_loss"));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
