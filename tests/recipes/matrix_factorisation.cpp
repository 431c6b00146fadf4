// Matrix factorisation with negative samples: which items does a user like?
//
// Only likes are known. Each user and each item gets a vector; the product of both is the logit of a like. A step takes
// known pairs and, for each, four random items as negative samples. The figure is the share of likes that were held out
// whose logit is larger than that of a random item (the area under the ROC curve).
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

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

constexpr std::int64_t users = 200, items = 100;

struct Factors {
  nn::Embedding<float> user, item;

  // One user and any number of items per row.
  wg::Var<float> operator()(wg::IndexVar<float> u, wg::IndexVar<float> i) const { return sum(user(u) * item(i), -1); }
};

int main() {
  // Users like the items of their own group, one of five.
  xt::random::seed(1);
  const wg::Indices user = xt::random::randint<std::int64_t>({4000, 1}, 0, users);
  const wg::Indices item = xt::random::randint<std::int64_t>({4000, 1}, 0, items / 5) * 5 + user % 5;
  const auto [learning, test] = data::split(train::Samples{std::tuple{user, item}}, 0.1, /*seed=*/1);

  wg::Generator generator(1);
  const Factors factors{nn::Embedding<float>::make(users, 8, generator),
                        nn::Embedding<float>::make(items, 8, generator)};
  optim::Optimizer<float> optimizer(factors, optim::Adam{.rate = 0.02});
  auto step = wg::compiled<float>([&](auto&, auto u, auto liked, auto others) {
    auto loss = mean(softplus(-factors(u, liked))) + mean(softplus(factors(u, others)));
    optimizer.update(loss);
    return loss;
  });
  const data::Loader loader(learning, {.batch_size = 100});
  for (std::size_t epoch = 0; epoch < 15; ++epoch)
    for (const auto& batch : loader.epoch(epoch)) {
      const auto& [u, liked] = batch.inputs;
      step(u, liked, wg::Indices(xt::random::randint<std::int64_t>({100, 4}, 0, items)));
    }

  const auto& [u, liked] = test.inputs;
  const wg::Indices others = xt::random::randint<std::int64_t>({400, 100}, 0, items);
  const auto larger = train::predict(factors, test) > train::predict(factors, std::tuple{u, others});
  const double share = xt::mean(xt::cast<double>(larger))();
  fmt::print("likes above random items: {:.1f}%\n", 100 * share);
  return share > 0.85 ? 0 : 1;
}
