// Saved networks compute the same when they are loaded again; what cannot be saved is refused.
#include "saved.hpp"
#include <wengert/optim.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using wengert::onnx::DynamicAxis;
using wengert::onnx::SaveOptions;

// Running statistics other than those at the start.
template <class T>
void set_statistics(const nn::BatchNorm<T>& norm, unsigned seed) {
  const Shape channels = norm.running_mean.parameter.shape();
  Parameter<T>(norm.running_mean.parameter).assign(random_tensor<T>(channels, seed));
  Parameter<T>(norm.running_var.parameter).assign(random_tensor<T>(channels, seed + 1, 0.5, 2));
}

constexpr auto damped = elementwise<"damped_of_test", params<1>>(
    [](auto x, auto rate) { return where(x > 0, exp(-rate * x) * x, tanh(x)); });

template <class T>
struct TwoResults {
  Var<T> scores;
  Var<T> sum;
};
struct TwoInputs {
  nn::Linear<float> body;
  nn::Embedding<float> embedding;

  TwoResults<float> operator()(Var<float> table, IndexVar<float> words) const {
    const auto y = tanh(body(table)) + mean(embedding(words), 1);
    return {y, sum(y, 1)};
  }
};

// A network that does not read its second layer.
struct Repeated {
  nn::Linear<float> first, second;
  Var<float> operator()(Var<float> x) const { return first(relu(first(x))); }
};

// A function as a network without parameters.
template <class F>
struct Function {
  F f;
  Var<float> operator()(Var<float> x) const { return f(x); }
};

template <class F>
std::string refusal(F f, const Shape& sample, const SaveOptions& options = {}) {
  const TemporaryFolder folder;
  const nn::Linear<float> layer = nn::Linear<float>::make(3, 3, Generator(1));
  const auto network = nn::sequential(layer, Function<F>{f});
  return message_of<ValueError>([&] { wengert::onnx::save(network, sample, folder / "network.onnx", options); });
}

DynamicAxis axis(const std::string& name, std::size_t number) { return {name, {{0, number}}}; }

}  // namespace

TEST_CASE_TEMPLATE("a saved multilayer perceptron computes the same for every batch", T, float, double) {
  Generator generator(1);
  const auto network =
      nn::sequential(nn::Linear<T>::make(5, 7, generator), nn::GELU{}, nn::Linear<T>::make(7, 6, generator),
                     nn::LayerNorm<T>::make({6}), nn::LeakyReLU{0.1}, nn::Dropout::make(0.5, generator),
                     nn::Linear<T>::make(6, 3, generator), nn::LogSoftmax{});
  check_saved<T>(network, {1, 5}, {{1, 5}, {4, 5}, {9, 5}});
  check_saved<T>(network, {2, 5}, {{2, 5}}, {.axes = {}});
}

TEST_CASE_TEMPLATE("a saved convolutional network computes the same for every batch", T, float, double) {
  Generator generator(2);
  const auto network = nn::sequential(
      nn::Conv2d<T>::make(2, 4, 3, generator, {.padding = 1}), nn::BatchNorm<T>::make(4), nn::ReLU{}, nn::MaxPool2d{2},
      nn::Conv2d<T>::make(4, 6, {2, 3}, generator, {.stride = {2, 1}, .padding = {0, 1}, .groups = 2, .bias = false}),
      nn::BatchNorm<T>::make(6), nn::Sigmoid{}, nn::AvgPool2d{2, {.stride = 1}}, nn::AdaptiveAvgPool2d{1},
      nn::Flatten{}, nn::Linear<T>::make(6, 3, generator));
  set_statistics(network.template at<1>(), 20);
  set_statistics(network.template at<5>(), 30);
  check_saved<T>(network, {1, 2, 10, 8}, {{1, 2, 10, 8}, {3, 2, 10, 8}});
}

TEST_CASE("a saved fully convolutional network has open height and width") {
  Generator generator(3);
  const auto network = nn::sequential(nn::Conv2d<double>::make(1, 3, 3, generator, {.padding = same_padding}),
                                      nn::BatchNorm<double>::make(3), nn::ReLU{},
                                      nn::Conv2d<double>::make(3, 2, 3, generator, {.padding = 1, .dilation = 1}),
                                      nn::AdaptiveAvgPool2d{1});
  const SaveOptions options{.axes = {axis("batch", 0), axis("height", 2), axis("width", 3)}};
  check_saved<double>(network, {2, 1, 6, 7}, {{1, 1, 6, 7}, {3, 1, 9, 5}}, options, Again::no);
}

TEST_CASE_TEMPLATE("saved recurrent networks compute the same for every batch", T, float, double) {
  Generator generator(4);
  check_saved<T>(
      nn::sequential(nn::LSTM<T>::make(3, 4, generator, {.layers = 2}), nn::Linear<T>::make(4, 2, generator)),
      {1, 5, 3}, {{1, 5, 3}, {3, 5, 3}});
  check_saved<T>(nn::GRU<T>::make(3, 4, generator, {.bidirectional = true}), {1, 4, 3}, {{2, 4, 3}, {5, 4, 3}});
  check_saved<T>(nn::RNN<T>::make(3, 4, generator), {1, 4, 3}, {{2, 4, 3}});
}

TEST_CASE_TEMPLATE("a saved transformer computes the same for every batch and length", T, float, double) {
  Generator generator(5);
  const auto network = nn::sequential(
      nn::TransformerEncoderLayer<T>::make(8, 2, generator, {.feedforward = 16}),
      nn::TransformerEncoderLayer<T>::make(
          8, 4, generator, {.feedforward = 12, .activation = nn::FeedforwardActivation::gelu, .norm_first = true}));
  check_saved<T>(network, {1, 6, 8}, {{1, 6, 8}, {3, 6, 8}});
  check_saved<T>(network, {1, 6, 8}, {{1, 6, 8}, {3, 9, 8}}, {.axes = {axis("batch", 0), axis("length", 1)}});
  const auto causal = nn::TransformerEncoderLayer<T>::make(8, 2, generator, {.feedforward = 16, .causal = true});
  check_saved<T>(causal, {1, 6, 8}, {{1, 6, 8}, {3, 6, 8}});
}

TEST_CASE("integers are inputs of a saved network") {
  const auto network =
      nn::sequential(nn::Embedding<double>::make(10, 4, Generator(6)), nn::Linear<double>::make(4, 2, Generator(7)));
  const TemporaryFolder folder;
  wengert::onnx::save(network, Indices{{0, 1, 2}}, folder / "words.onnx",
                      {.inputs = {"words"}, .axes = {axis("batch", 0), axis("length", 1)}});
  const auto model = wengert::onnx::load<double>(folder / "words.onnx");
  REQUIRE(model.inputs().size() == 1);
  CHECK(model.inputs()[0].name == "words");
  CHECK(model.inputs()[0].type == wengert::onnx::ElementType::int64);
  Tape<double> tape;
  for (const Indices& words : {Indices{{9, 0, 3}}, Indices{{1, 2, 3, 4}, {5, 6, 7, 8}}}) {
    const auto given = tape.indices(words);
    CHECK(distance(model(given).value(), network(given).value()) < 1e-12);
  }
}

TEST_CASE("structs and tuples of inputs and outputs are named by their members, or as given") {
  const TwoInputs network{nn::Linear<float>::make(3, 2, Generator(8)), nn::Embedding<float>::make(5, 2, Generator(9))};
  const Tensor<float> table = random_tensor<float>({4, 3}, 1);
  const Indices words{{0, 1}, {2, 3}, {4, 0}, {1, 1}};
  const auto check = [&](const std::filesystem::path& path, const std::vector<std::string>& names) {
    const auto model = wengert::onnx::load<float>(path);
    std::vector<std::string> given;
    for (const auto& port : model.inputs()) given.push_back(port.name);
    for (const auto& port : model.outputs()) given.push_back(port.name);
    CHECK(given == names);
    Tape<float> tape;
    const auto x = tape.constant(table);
    const auto k = tape.indices(words);
    const auto outputs = model.run({x, k});
    REQUIRE(outputs.size() == 2);
    const auto expected = network(x, k);
    CHECK(distance(outputs[0].var(tape).value(), expected.scores.value()) < 1e-5);
    CHECK(distance(outputs[1].var(tape).value(), expected.sum.value()) < 1e-5);
  };
  const TemporaryFolder folder;
  const auto sample = std::tuple(Shape{1, 3}, Indices{{0, 0}});
  wengert::onnx::save(network, sample, folder / "tuple.onnx");
  check(folder / "tuple.onnx", {"input_0", "input_1", "scores", "sum"});
  wengert::onnx::save(network, sample, folder / "named.onnx", {.inputs = {"a", "b"}, .outputs = {"c", "d"}});
  check(folder / "named.onnx", {"a", "b", "c", "d"});
  CHECK_ERROR(ValueError, "3 input names given for 2 inputs",
              wengert::onnx::save(network, sample, folder / "named.onnx", {.inputs = {"a", "b", "c"}}));
}

TEST_CASE("a user's elementwise op and functions with their own gradients are saved") {
  const auto layer = nn::Linear<double>::make(3, 4, Generator(10));
  check_saved<double>(nn::sequential(layer, [](auto x) { return damped(x, 0.7); }), {1, 3}, {{1, 3}, {5, 3}});
  const auto clipped_gradient =
      custom_vjp([](auto x) { return exp(x) * x; }, [](auto g, auto, auto) { return clip(g, -1, 1); });
  check_saved<double>(nn::sequential(layer, [=](auto x) { return clipped_gradient(x); }), {1, 3}, {{2, 3}, {5, 3}});
  const auto repeated = checkpoint([](auto x) { return sin(x) + square(x); });
  check_saved<double>(nn::sequential(layer, [=](auto x) { return repeated(x); }), {1, 3}, {{5, 3}});
}

TEST_CASE("parameters have their paths as names, those that are not read are left out, metadata are kept") {
  const TemporaryFolder folder;
  const auto shared = nn::Linear<float>::make(3, 3, Generator(11));
  const auto unread = nn::Linear<float>::make(3, 3, Generator(12));
  const Repeated network{shared, unread};
  wengert::onnx::save(network, Shape{1, 3}, folder / "network.onnx",
                      {.doc = "A pair.", .metadata = {{"classes", "a,b,c"}}});
  const auto model = wengert::onnx::load<float>(folder / "network.onnx");
  std::vector<std::string> paths;
  for (const auto& named : nn::named_parameters(model)) paths.push_back(named.name);
  std::sort(paths.begin(), paths.end());
  CHECK(paths == std::vector<std::string>{"first.bias", "first.weight"});
  CHECK(nn::parameter(model, "first.weight").value() == shared.weight.value());
  CHECK(model.metadata().at("classes") == "a,b,c");
  CHECK(model.metadata().at("doc_string") == "A pair.");
  CHECK(model.metadata().at("producer_name") == "wengert");
  REQUIRE(model.inputs().size() == 1);
  CHECK(model.inputs()[0].name == "input");
  CHECK((*model.inputs()[0].shape)[0].name == "batch");
  CHECK((*model.outputs()[0].shape)[0].name == "batch");
  CHECK((*model.outputs()[0].shape)[1].extent == 3u);
}

TEST_CASE_TEMPLATE("a saved network has the same parameters and Buffers when it is loaded", T, float, double) {
  Generator generator(16);
  const auto network = nn::sequential(nn::Conv2d<T>::make(2, 3, 3, generator), nn::BatchNorm<T>::make(3), nn::ReLU{},
                                      nn::Flatten{}, nn::Linear<T>::make(12, 2, generator));
  set_statistics(network.template at<1>(), 40);
  const auto names = [](const auto& module) {
    std::set<std::string> buffers, weights;
    const auto all = wengert::detail::buffers_of<T>(module);
    for (const auto& [name, parameter] : nn::named_parameters(module)) {
      const bool is_buffer = std::find(all.begin(), all.end(), parameter) != all.end();
      CHECK(parameter.trainable() != is_buffer);
      (is_buffer ? buffers : weights).insert(name);
    }
    return std::pair(buffers, weights);
  };
  const TemporaryFolder folder;
  wengert::onnx::save(network, Shape{1, 2, 4, 4}, folder / "network.onnx");
  const auto loaded = wengert::onnx::load<T>(folder / "network.onnx");
  CHECK(names(loaded) == names(network));
  CHECK(loaded.statistics.size() == 2);
  CHECK(nn::parameter(loaded, "1.running_var").value() == network.template at<1>().running_var.parameter.value());
  wengert::onnx::save(loaded, Shape{1, 2, 4, 4}, folder / "again.onnx");
  CHECK(names(wengert::onnx::load<T>(folder / "again.onnx")) == names(network));
}

TEST_CASE("a malformed list of Buffers is refused when the file is loaded") {
  const TemporaryFolder folder;
  const auto layer = nn::Linear<float>::make(3, 3, Generator(17));
  for (const char* list : {"", "[1]", "{\"weight\":\"x\"}", "\"weight\"", "[[\"weight\"]]", "[\"weight\""}) {
    CAPTURE(list);
    wengert::onnx::save(layer, Shape{1, 3}, folder / "network.onnx", {.metadata = {{"wengert.buffers", list}}});
    CHECK(contains(message_of<FileError>([&] { wengert::onnx::load<float>(folder / "network.onnx"); }),
                   "metadata 'wengert.buffers': expected a JSON list of names"));
  }
  wengert::onnx::save(layer, Shape{1, 3}, folder / "network.onnx", {.metadata = {{"wengert.buffers", "[\"bias\"]"}}});
  CHECK(wengert::onnx::load<float>(folder / "network.onnx").statistics.at(0).name == "bias");
}

TEST_CASE("saving a network changes neither its mode nor its random generators") {
  const TemporaryFolder folder;
  const Generator generator(13);
  const auto network = nn::sequential(nn::Linear<float>::make(3, 3, Generator(14)), nn::Dropout::make(0.5, generator));
  wengert::onnx::save(network, Shape{1, 3}, folder / "network.onnx");
  CHECK(network.at<1>().mode.training());
  CHECK(generator.counter() == 0);
}

TEST_CASE("an op that cannot be saved is refused with its name and line") {
  const std::string unsupported = refusal([](auto x) { return cholesky(x); }, {2, 3, 3});
  CHECK(contains(unsupported, "the op cholesky has no counterpart in ONNX"));
  CHECK(contains(unsupported, "save_test.cpp:"));
  const std::string random = refusal(
      [](auto x) {
        Generator generator(1);
        return x + uniform(x.tape(), {3}, generator);
      },
      {2, 3});
  CHECK(contains(random, "the op uniform draws random numbers"));
}

TEST_CASE("shapes and numbers that do not follow from the dynamic axes are refused") {
  CHECK(contains(refusal([](auto x) { return x * std::sqrt(static_cast<double>(x.shape()[0])); }, {2, 3}),
                 "its parameter depends on the extent of the dynamic axis 'batch' (axis 0 of 'input')"));
  CHECK(contains(
      refusal([](auto x) { return slice(x, 0, Slice(0, static_cast<std::ptrdiff_t>(x.shape()[0] / 2))); }, {2, 3}),
      "is not a linear function of the dynamic axes"));
  CHECK(contains(refusal([](auto x) { return x.shape()[0] > 2 ? relu(tanh(x)) : tanh(x); }, {2, 3}),
                 "leave this axis fixed (SaveOptions::axes)"));
  CHECK(contains(refusal([](auto x) { return x.shape()[0] > 2 ? relu(x) : tanh(x); }, {2, 3}),
                 "the network records tanh for the sample and relu where the dynamic axis 'batch' (axis 0 of 'input') "
                 "is longer by 1"));
  CHECK(contains(refusal([](auto x) { return x + x.tape().constant(random_tensor<float>(x.shape(), 1)); }, {2, 3}),
                 "a constant depends on the extent of the dynamic axis 'batch'"));
  CHECK(contains(refusal([](auto x) { return x; }, {2, 3}, {.axes = {axis("batch", 5)}}),
                 "the dynamic axis 'batch' is axis 5 of input 0, whose shape is (2, 3)"));
  CHECK(refusal([](auto x) { return x * std::sqrt(static_cast<double>(x.shape()[0])); }, {2, 3}, {.axes = {}}) ==
        "no error");
}

TEST_CASE("a number that is an extent, or 1 divided by one, follows from a dynamic axis") {
  const auto extent_of = [](auto x) { return static_cast<double>(x.shape()[0]); };
  const auto network = nn::sequential([&](auto x) { return x * (1 / extent_of(x)) + extent_of(x); },
                                      [&](auto x) { return (2 * extent_of(x) - x) / (extent_of(x) + 1); });
  check_saved<double>(network, {2, 3}, {{2, 3}, {7, 3}});
}

TEST_CASE("names that occur twice are refused") {
  const auto same = [](auto x) { return x; };
  CHECK(contains(refusal(same, {2, 3}, {.inputs = {"x"}, .outputs = {"x"}}), "the name 'x' is used twice"));
  CHECK(contains(refusal(same, {2, 3}, {.outputs = {"0.weight"}}), "the name '0.weight' is used twice"));
  CHECK(contains(refusal(same, {2, 3}, {.inputs = {""}}), "empty name"));
}

TEST_CASE("texts that are not UTF-8 are refused before anything is written") {
  const TemporaryFolder folder;
  const std::string bad = "caf\xE9";  // in Latin-1
  const auto layer = nn::Linear<float>::make(3, 3, Generator(18));
  const auto refused = [&](const auto& network, const SaveOptions& options) {
    return message_of<ValueError>([&] { wengert::onnx::save(network, Shape{1, 3}, folder / "network.onnx", options); });
  };
  CHECK(contains(refused(layer, {.inputs = {bad}}),
                 "the name of an input, output or Parameter, 'caf\xE9', is not UTF-8"));
  CHECK(contains(refused(layer, {.outputs = {bad}}), "the name of an input, output or Parameter"));
  CHECK(contains(refused(layer, {.axes = {axis(bad, 0)}}), "the name of a dynamic axis"));
  CHECK(contains(refused(layer, {.doc = bad}), "the description"));
  CHECK(contains(refused(layer, {.metadata = {{bad, "text"}}}), "a key of the metadata"));
  CHECK(contains(refused(layer, {.metadata = {{"key", bad}}}), "the metadata under 'key'"));
  const Parameter<float> hidden(Tensor<float>{1, 2, 3}, bad);  // which no member holds
  const auto shifted = nn::sequential(layer, [&](auto x) { return x + x.tape().variable(hidden); });
  CHECK(contains(refused(shifted, {}), "the name of a Parameter, 'caf\xE9'"));
  optim::Optimizer<float> optimizer(layer, optim::SGD{.rate = 0.1});
  CHECK(contains(message_of<ValueError>([&] {
                   wengert::onnx::save_step(layer, optimizer, [](auto y) { return mean(y); }, Shape{1, 3}, std::tuple(),
                                            folder / "step.onnx", {.doc = bad});
                 }),
                 "[onnx::save_step] the description, 'caf\xE9', is not UTF-8"));
  CHECK(folder.files() == 0);
  CHECK(refused(layer, {.inputs = {"entr\xC3\xA9"
                                   "e"},
                        .doc = "\xE2\x88\x91"}) == "no error");
  CHECK(wengert::onnx::load<float>(folder / "network.onnx").inputs()[0].name ==
        "entr\xC3\xA9"
        "e");
}

TEST_CASE("samples with too many elements are refused") {
  const auto same = [](auto x) { return x; };
  const auto message = refusal(same, {std::size_t{1} << 20, std::size_t{1} << 20, 3});
  CHECK(contains(message, "input 0 of shape (1048576, 1048576, 3): a sample has at most 2147483648 elements"));
  const std::size_t half = std::size_t{1} << 32;  // the product of two overflows
  CHECK(contains(refusal(same, {half, half, 3}), "a sample has at most 2147483648 elements"));
  const TemporaryFolder folder;
  const auto words = nn::sequential(nn::Embedding<float>::make(4, 3, Generator(19)));
  optim::Optimizer<float> optimizer(words, optim::SGD{.rate = 0.1});
  CHECK(contains(message_of<ValueError>([&] {
                   wengert::onnx::save_step(
                       words, optimizer, [](auto y, auto t) { return mean(square(y - t)); }, Indices{1, 2},
                       Shape{half, half}, folder / "step.onnx");
                 }),
                 "[onnx::save_step] input 1 of shape (4294967296, 4294967296)"));
  CHECK(folder.files() == 0);
}

TEST_CASE("an existing file is replaced only by a complete one") {
  const TemporaryFolder folder;
  const auto path = folder.write("network.onnx", "an older file");
  const auto layer = nn::Linear<float>::make(3, 3, Generator(15));
  const auto refused = nn::sequential(layer, [](auto x) { return x * std::sqrt(static_cast<double>(x.shape()[0])); });
  CHECK(contains(message_of<ValueError>([&] {
                   wengert::onnx::save(refused, Shape{1, 3}, path);
                 }),
                 "parameter depends"));
  CHECK(bytes_of(path) == "an older file");
  CHECK_ERROR(FileError, "missing", wengert::onnx::save(layer, Shape{1, 3}, folder / "missing/network.onnx"));
  CHECK(folder.files() == 1);
  wengert::onnx::save(layer, Shape{1, 3}, path);
  CHECK(wengert::onnx::load<float>(path).weights.size() == 2);
}
