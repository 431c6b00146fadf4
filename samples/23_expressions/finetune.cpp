// Fine-tuning of the network with the weights of others, which know photographs, on drawings.
#include "finetune.hpp"

#include "../common/expressions/drawing_network.hpp"
#include "../common/expressions/mini_xception.hpp"
#include "drawings.hpp"
#include "train.hpp"
#include <wengert/ops/loss.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <algorithm>
#include <random>
#include <vector>

#include <fmt/format.h>

namespace expressions {

namespace {

namespace data = wengert::data;
namespace optim = wengert::optim;
namespace train = wengert::train;

const auto finetune_loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

template <class Network>
double accuracy(const Network& network, const data::Dataset<float>& test) {
  return train::evaluate(network, finetune_loss, test).metric("accuracy");
}

// Trains the network and returns its accuracy afterwards.
template <class Network>
double trained(const Network& network, const data::Dataset<float>& training, const data::Dataset<float>& test,
               const FinetuneOptions& options) {
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 1e-3});
  const std::size_t epochs = options.brief ? 3 : 8;
  const auto result =
      train::fit(network, optimizer, finetune_loss, training,
                 {.epochs = epochs,
                  .batch_size = 32,
                  .batches = {.seed = options.seed},
                  .schedule = {.by_epoch = optim::CosineDecay{.rate = 1e-3, .steps = static_cast<double>(epochs)}}});
  require_complete(result);
  return accuracy(network, test);
}

// A tenth of the rows, at random.
std::vector<std::size_t> a_tenth(std::vector<std::size_t> rows, std::uint64_t seed) {
  std::shuffle(rows.begin(), rows.end(), std::mt19937_64(seed));
  rows.resize(std::max<std::size_t>(1, rows.size() / 10));
  return rows;
}

}  // namespace

FinetuneResult finetune_on_drawings(const FinetuneOptions& options) {
  const Drawings drawings = read_drawings(options.data_folder / "drawn_faces", options.faces);
  const SplitPairs split = split_pairs(drawings, options.seed);
  const std::vector<std::size_t> few = a_tenth(split.train, options.seed);
  const auto training = make_pictures(drawings, few, options.brief ? 4 : 12, options.seed);
  const auto test = make_pictures(drawings, split.new_heads, options.brief ? 1 : 4, options.seed + 1);
  fmt::print("{} of {} drawings give {} pictures for training; {} pictures of other heads are for the test\n",
             few.size(), split.train.size(), training.size(), test.size());

  const auto pretrained = load_mini_xception(fetched_weights(options.data_folder));
  FinetuneResult result{.pictures = training.size(), .before = accuracy(pretrained, test)};
  fmt::print("the weights of others, from photographs, before: {:.1f}% of drawings\n", 100 * result.before);
  result.after = trained(pretrained, training, test, options);
  fmt::print("the same weights, after a tenth of the drawings: {:.1f}%\n", 100 * result.after);
  const wengert::Generator generator(options.seed);
  result.from_nothing = trained(MiniXception<float>::make(generator), training, test, options);
  fmt::print("the same network from nothing, alike:            {:.1f}%\n", 100 * result.from_nothing);
  result.drawing_network = trained(DrawingNetwork<float>::make(generator), training, test, options);
  fmt::print("the network of drawings from nothing, alike:     {:.1f}%\n", 100 * result.drawing_network);
  return result;
}

}  // namespace expressions
