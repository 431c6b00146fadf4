// Compiles and runs the code of docs/recipes/fine-tuning.md and compares it with the page.
#include "snippets.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <array>
#include <filesystem>
#include <iostream>
#include <sstream>

namespace wg = wengert;
namespace data = wg::data;
namespace io = wg::io;
namespace nn = wg::nn;
namespace optim = wg::optim;
namespace train = wg::train;
using namespace wengert::testing;

// A namespace of its own, because other tests have a Classifier.
namespace recipe_fine_tuning {

// clang-format off
template <class Layer>
struct Classifier {
  std::array<Layer, 2> body;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::Var<float> x) const { return head(relu(body[1](relu(body[0](x))))); }
};
// clang-format on
struct Pretrained {
  std::array<nn::Linear<float>, 2> encoder;
  nn::Linear<float> head;
};

// The current folder, for the lifetime of the object.
struct Surroundings {
  TemporaryFolder folder;
  std::filesystem::path before = std::filesystem::current_path();
  Surroundings() { std::filesystem::current_path(folder / "."); }
  ~Surroundings() { std::filesystem::current_path(before); }
};

TEST_CASE("the recipe for fine-tuning works as it is written") {
  const Surroundings surroundings;
  wg::Generator g(1);
  const auto layer = [&](std::size_t in, std::size_t out) { return nn::Linear<float>::make(in, out, g); };
  const Pretrained pretrained{{layer(16, 32), layer(32, 32)}, layer(32, 10)};
  io::save_parameters(pretrained, "pretrained.safetensors");
  data::Dataset<float> samples{random_tensor<float>({90, 16}, 1), wg::Indices::from_shape({90}), 3};
  for (std::size_t i = 0; i < 90; ++i) {
    samples.labels(i) = static_cast<std::int64_t>(i % 3);
    samples.inputs(i, i % 3) += 2;
  }
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  const wg::Tensor<float> first = pretrained.encoder[0].weight.value();
  const auto accuracy = [&](const auto& network) { return train::evaluate(network, loss, samples).metric("accuracy"); };

  std::ostringstream printed;
  std::streambuf* const before = std::cout.rdbuf(printed.rdbuf());
  // clang-format off
  const Classifier<nn::Linear<float>> network{{layer(16, 32), layer(32, 32)}, layer(32, 3)};
  const auto report = io::load_parameters(network, "pretrained.safetensors",
                                          {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*"}});
  std::cout << report << '\n';
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(report.renamed.size() == 4);
  CHECK(network.body[0].weight.value() == first);
  CHECK(contains(printed.str(), "4 loaded, 4 renamed"));

  // clang-format off
  nn::freeze(network, "body");
  optim::Optimizer<float> head_alone(network, optim::Adam{.rate = 0.05});
  train::fit(network, head_alone, loss, samples, {.epochs = 30});
  // clang-format on
  CHECK(network.body[0].weight.value() == first);
  const double with_new_head = accuracy(network);
  CHECK(with_new_head > 0.8);

  // clang-format off
  nn::unfreeze(network, "body");
  optim::Optimizer<float> all(network, optim::AdamW{.rate = 1e-3},
                              {.rate_factors = optim::layerwise_decay({"body.0", "body.1", "head"}, 0.3)});
  train::fit(network, all, loss, samples, {.epochs = 10});
  // clang-format on
  const double moved = distance(network.body[0].weight.value(), first);
  CHECK(moved > 0);
  CHECK(moved < 30 * 1e-3 * 0.09 * 1.1);  // 30 steps, each of at most about the rate
  CHECK(accuracy(network) >= with_new_head);

  const auto linear = layer(64, 32);
  // clang-format off
  auto adapted = nn::with_lora(linear, 4, g, {.alpha = 8});                // an nn::LoRALinear; shares linear's parameters and freezes them
  auto trained = nn::parameter_count(adapted, nn::Counted::trainable);     // 4·(in + out) instead of in·out + out
  nn::Linear<float> merged = adapted.merged();                             // W + (alpha/rank)·B·A: one product again
  // clang-format on
  CHECK(trained == 4 * (64 + 32));
  CHECK(merged.weight.value() == linear.weight.value());

  // clang-format off
  const auto lora = [&](std::size_t in, std::size_t out) { return nn::with_lora(layer(in, out), 4, g); };
  const Classifier<nn::LoRALinear<float>> adapted_network{{lora(16, 32), lora(32, 32)}, layer(32, 3)};
  io::load_parameters(adapted_network, "pretrained.safetensors",
                      {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*", "*.lora_*"}});
  optim::Optimizer<float> few(adapted_network, optim::Adam{.rate = 0.01});
  train::fit(adapted_network, few, loss, samples, {.epochs = 30});

  const Classifier<nn::Linear<float>> plain{{adapted_network.body[0].merged(), adapted_network.body[1].merged()},
                                            adapted_network.head};
  io::save_parameters(plain, "fine-tuned.safetensors");
  // clang-format on
  CHECK(adapted_network.body[0].weight.value() == first);
  CHECK(accuracy(adapted_network) > 0.95);
  const Classifier<nn::Linear<float>> loaded{{layer(16, 32), layer(32, 32)}, layer(32, 3)};
  io::load_parameters(loaded, "fine-tuned.safetensors");
  CHECK(distance(train::predict(loaded, samples.inputs), train::predict(adapted_network, samples.inputs)) < 1e-4);
}

TEST_CASE("every block of C++ in the recipe for fine-tuning stands in this file") {
  CHECK(check_snippets("docs/recipes/fine-tuning.md", "tests/train/recipes_fine_tuning_test.cpp") == 6);
}

}  // namespace recipe_fine_tuning
