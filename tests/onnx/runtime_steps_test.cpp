// A hundred steps of training that ONNX Runtime takes with exported steps, compared with the same steps taken here.
#include "../testing.hpp"
#include "runtime_files.hpp"
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>
#include <wengert/optim.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

using nlohmann::json;

constexpr std::size_t steps_taken = 100;

// The largest difference of a loss, relative to it. The differences are rounding, which training amplifies: about ten
// times those of ONNX Runtime 1.30, which docs/onnx.md lists.
const std::map<std::string, double> step_tolerances{{"mlp_sgd.float", 2e-5},
                                                    {"mlp_sgd.double", 4e-14},
                                                    {"cnn_adam.float", 2e-6},
                                                    {"transformer_adamw.float", 2e-6},
                                                    {"transformer_adamw.double", 5e-15}};

std::filesystem::path exports_folder() {
  const char* const folder = std::getenv("WENGERT_ONNX_EXPORTS");
  REQUIRE_MESSAGE(folder != nullptr, "WENGERT_ONNX_EXPORTS must name the folder of the files");
  return folder;
}

// The batches of all steps, along a first axis of `steps_taken`.
template <class X>
X batch_of(const X& batches, std::size_t k) {
  return xt::view(batches, k);
}

// Labels that the elements decide: which third of a row has the largest sum.
template <class T>
Indices largest_third(const Tensor<T>& x) {
  const std::size_t batch = x.shape()[1], size = x.size() / (steps_taken * batch);
  Indices labels = Indices::from_shape({steps_taken, batch});
  for (std::size_t row = 0; row < labels.size(); ++row) {
    double sums[3] = {};
    for (std::size_t i = 0; i < size; ++i) sums[i * 3 / size] += static_cast<double>(x.data()[row * size + i]);
    labels.data()[row] = std::max_element(sums, sums + 3) - sums;
  }
  return labels;
}

// Tokens below `count`.
Indices draw_tokens(const Shape& shape, std::size_t count, unsigned seed) {
  return xt::cast<std::int64_t>(xt::floor(random_tensor(shape, seed, 0, static_cast<double>(count))));
}

// The token before each one; the first of a row itself.
Indices tokens_before(const Indices& tokens) {
  Indices before = tokens;
  const std::size_t length = tokens.shape().back();
  for (std::size_t i = 0; i < before.size(); ++i)
    if (i % length != 0) before.data()[i] = tokens.data()[i - 1];
  return before;
}

// Exports a step, and trains the network here; returns the entry of the manifest, which also has the losses.
template <class T, class Network, class Loss, class X, class Y>
json export_steps(const std::string& network_name, const Network& network, optim::Rule<T> rule,
                  const optim::OptimizerOptions<T>& options, const Loss& loss, const X& inputs, const Y& targets,
                  const std::filesystem::path& folder) {
  const std::string name = fmt::format("{}.{}", network_name, name_of(wengert::onnx::element_type<T>));
  json entry{{"name", name},         {"step", name + ".step.onnx"}, {"initial", name + ".initial.onnx"},
             {"count", steps_taken}, {"batch", json::array()},      {"losses", json::array()}};
  const std::filesystem::path path = folder / entry["step"].get<std::string>();
  optim::Optimizer<T> optimizer(network, rule, options);
  wengert::onnx::save_step(
      network, optimizer, loss, batch_of(inputs, 0), batch_of(targets, 0), path,
      {.inputs = {"x"}, .targets = {"y"}, .defaults = false, .initial = folder / entry["initial"].get<std::string>()});
  entry["state"] = json::parse(wengert::onnx::load<T>(path).metadata().at("state"));
  const auto add_batches = [&](const std::string& input, const auto& batches) {
    using Element = typename std::remove_cvref_t<decltype(batches)>::value_type;
    const auto type = std::is_same_v<Element, T> ? wengert::onnx::element_type<T> : wengert::onnx::ElementType::int64;
    const std::string file = fmt::format("{}.{}.bin", name, input);
    write_elements(folder / file, batches);
    const std::vector<std::size_t> shape(batches.shape().begin() + 1, batches.shape().end());
    entry["batch"].push_back({{"name", input}, {"dtype", name_of(type)}, {"shape", shape}, {"file", file}});
  };
  add_batches("x", inputs);
  add_batches("y", targets);

  auto step = compiled<T>([&](auto&, auto x, auto y) {
    const auto result = loss(network(x), y);
    optimizer.update(result);
    return result;
  });
  for (std::size_t k = 0; k < steps_taken; ++k)
    entry["losses"].push_back(step(batch_of(inputs, k), batch_of(targets, k)).item());
  return entry;
}

constexpr auto error_of_numbers = [](auto y, auto t) { return mean(square(y - t)); };
constexpr auto error_of_labels = [](auto y, auto t) { return cross_entropy(y, t); };
constexpr auto error_of_tokens = [](auto y, auto t) { return cross_entropy(transpose(y, {0, 2, 1}), t); };

template <class T>
json export_mlp(const std::filesystem::path& folder) {
  Generator generator(1);
  const auto network =
      nn::sequential(nn::Linear<T>::make(6, 16, generator), nn::Tanh{}, nn::Linear<T>::make(16, 16, generator),
                     nn::ReLU{}, nn::Linear<T>::make(16, 2, generator));
  const Tensor<T> x = random_tensor<T>({steps_taken, 8, 6}, 1);
  const Tensor<T> y = xt::sin(2 * xt::view(x, xt::all(), xt::all(), xt::range(0, 2)));
  return export_steps<T>("mlp_sgd", network, optim::SGD{.rate = 0.1, .momentum = 0.9}, {}, error_of_numbers, x, y,
                         folder);
}

template <class T>
json export_cnn(const std::filesystem::path& folder) {
  Generator generator(2);
  const auto network = nn::sequential(
      nn::Conv2d<T>::make(1, 4, 3, generator, {.padding = 1, .bias = false}), nn::BatchNorm<T>::make(4), nn::ReLU{},
      nn::MaxPool2d{2}, nn::Conv2d<T>::make(4, 8, 3, generator, {.padding = 1, .bias = false}),
      nn::BatchNorm<T>::make(8), nn::ReLU{}, nn::Flatten{}, nn::Linear<T>::make(72, 3, generator));
  const Tensor<T> x = random_tensor<T>({steps_taken, 16, 1, 6, 6}, 2);
  return export_steps<T>("cnn_adam", network, optim::Adam{.rate = 3e-3}, {}, error_of_labels, x, largest_third(x),
                         folder);
}

template <class T>
json export_transformer(const std::filesystem::path& folder) {
  Generator generator(3);
  // Four elements a head give attention the scale 1/2: ONNX Runtime rounds the scale to float in double models, too.
  const auto network =
      nn::sequential(nn::Embedding<T>::make(5, 16, generator),
                     nn::TransformerEncoderLayer<T>::make(
                         16, 4, generator, {.feedforward = 32, .dropout = 0, .norm_first = true, .causal = true}),
                     nn::LayerNorm<T>::make({16}), nn::Linear<T>::make(16, 5, generator));
  const Indices x = draw_tokens({steps_taken, 8, 6}, 5, 3);
  return export_steps<T>("transformer_adamw", network, optim::AdamW{.rate = 1e-2, .weight_decay = 0.01},
                         {.clip_norm = 1}, error_of_tokens, x, tokens_before(x), folder);
}

}  // namespace

// The two cases are run by export_runtime_test.sh, before and after ONNX Runtime.
TEST_CASE("steps of training are exported with their batches and losses" * doctest::skip()) {
  const std::filesystem::path folder = exports_folder();
  const json steps = json::array({export_mlp<float>(folder), export_mlp<double>(folder), export_cnn<float>(folder),
                                  export_transformer<float>(folder), export_transformer<double>(folder)});
  for (const json& entry : steps) {
    CAPTURE(entry.at("name").get<std::string>());
    const auto losses = entry.at("losses").get<std::vector<double>>();
    CHECK(losses.back() < losses.front() / 2);
  }
  std::ofstream file(folder / "steps.json");
  file << json{{"steps", steps}}.dump() << '\n';
  REQUIRE(file.flush());
}

TEST_CASE("a hundred exported steps in ONNX Runtime have the losses of the steps here" * doctest::skip()) {
  const std::filesystem::path folder = exports_folder();
  const json expected = read_json(folder / "steps.json").at("steps");
  const json results = read_json(folder / "step_results.json");
  REQUIRE(results.at("steps").size() == expected.size());
  std::vector<std::string> measured;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const json& got = results.at("steps")[i];
    const std::string name = expected[i].at("name");
    CAPTURE(name);
    REQUIRE(got.at("name") == name);
    REQUIRE_MESSAGE(!got.contains("error"), got.dump());
    const auto losses = got.at("losses").get<std::vector<double>>();
    const auto want = expected[i].at("losses").get<std::vector<double>>();
    REQUIRE(losses.size() == steps_taken);
    REQUIRE(want.size() == steps_taken);
    double error = 0;
    for (std::size_t k = 0; k < steps_taken; ++k)
      error = larger_error(error, std::abs(losses[k] - want[k]) / std::abs(want[k]));
    CHECK(error <= step_tolerances.at(name));
    measured.push_back(fmt::format("{} {:.1e}", name, error));
  }
  const std::string text =
      fmt::format("the largest relative differences of {} losses in ONNX Runtime {}: {}", steps_taken,
                  results.at("runtime").get<std::string>(), fmt::join(measured, ", "));
  MESSAGE(text);
}
