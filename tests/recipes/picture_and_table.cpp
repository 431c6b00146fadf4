// A network with two inputs, a picture and a row of a table: the price of a house.
//
// The network is a struct whose call operator takes both inputs; the data are a tuple of tensors, which `fit` shuffles,
// splits into batches and passes as two arguments. The price depends on the table and on the contrast of the picture.
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <tuple>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>
#include <xtensor/xview.hpp>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

struct House {
  nn::Conv2d<float> conv;
  nn::Linear<float> facts, price;

  wg::Var<float> operator()(wg::Var<float> picture, wg::Var<float> table) const {
    auto seen = flatten(avg_pool2d(relu(conv(picture)), 4), 1);
    return squeeze(price(wg::concatenate({seen, relu(facts(table))}, 1)), 1);
  }
};

int main() {
  xt::random::seed(1);
  const wg::Tensor<float> pictures = xt::random::randn<float>({1000, 1, 8, 8});
  const wg::Tensor<float> tables = xt::random::randn<float>({1000, 3});
  const auto contrast = xt::mean(xt::abs(pictures), {1, 2, 3});
  const wg::Tensor<float> prices = 2 * xt::view(tables, xt::all(), 0) - xt::view(tables, xt::all(), 1) + 20 * contrast;
  const auto [learning, test] = data::split(train::Samples{std::tuple{pictures, tables}, prices}, 0.2, /*seed=*/1);

  wg::Generator generator(1);
  const House network{nn::Conv2d<float>::make(1, 8, 3, generator, {.padding = 1}),
                      nn::Linear<float>::make(3, 16, generator), nn::Linear<float>::make(8 * 2 * 2 + 16, 1, generator)};
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto outputs, auto targets) { return mse_loss(outputs, targets); };
  train::fit(network, optimizer, loss, learning, {.epochs = 30, .display = train::Display::quiet});

  const double r_squared = train::r_squared(train::predict(network, test), test.targets);
  fmt::print("R² on new houses: {:.3f}\n", r_squared);
  return r_squared > 0.9 ? 0 : 1;
}
