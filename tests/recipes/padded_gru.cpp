// A GRU on padded sequences of different lengths.
//
// Each sequence fluctuates around a level of +0.3 or −0.3, which is to be found. Padding is at the end, and each
// sequence's length is an input. With it, the final state is the one after the last real step, and the padding, here
// 100, counts nowhere.
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdint>
#include <tuple>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>
#include <xtensor/xview.hpp>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

struct Listener {
  nn::GRU<float> gru;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::Var<float> x, wg::IndexVar<float> lengths) const {
    return head(squeeze(gru.run(x, {}, lengths).hidden, 0));
  }
};

int main() {
  xt::random::seed(1);
  const wg::Indices lengths = xt::random::randint<std::int64_t>({600}, 5, 21);
  const wg::Indices labels = xt::random::randint<std::int64_t>({600}, 0, 2);
  wg::Tensor<float> x = xt::random::randn<float>({600, 20, 1});
  for (std::size_t i = 0; i < 600; ++i) {
    xt::view(x, i) += labels(i) == 1 ? 0.3F : -0.3F;
    xt::view(x, i, xt::range(lengths(i), 20)) = 100;
  }
  const auto [learning, test] = data::split(train::Samples{std::tuple{x, lengths}, labels}, 0.25, /*seed=*/1);

  wg::Generator generator(1);
  const Listener network{nn::GRU<float>::make(1, 16, generator), nn::Linear<float>::make(16, 2, generator)};
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto outputs, auto targets) { return cross_entropy(outputs, targets); };
  train::fit(network, optimizer, loss, learning, {.epochs = 10, .display = train::Display::quiet});

  const double accuracy = train::evaluate(network, loss, test).metric("accuracy");
  fmt::print("accuracy on new sequences: {:.1f}%\n", 100 * accuracy);
  return accuracy > 0.75 ? 0 : 1;
}
