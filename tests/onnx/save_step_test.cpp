// Saved steps of training take the same steps as the optimiser.
#include "saved.hpp"
#include <wengert/optim.hpp>
#include <wengert/train/erased_model.hpp>

#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using wengert::onnx::StepOptions;

// The outputs of a loaded step by name; the values that they replace are assigned.
template <class T>
std::map<std::string, Tensor<T>> take_saved_step(
    const wengert::onnx::Model<T>& step, const std::function<std::vector<wengert::onnx::Value<T>>(Tape<T>&)>& batch) {
  std::map<std::string, Tensor<T>> outputs;
  Tape<T> tape;
  const auto values = step.run(tape, batch(tape));
  for (std::size_t i = 0; i < values.size(); ++i) outputs.emplace(step.outputs()[i].name, values[i].var(tape).value());
  for (const auto& [name, value] : outputs)
    if (name.ends_with(".next")) nn::parameter(step, name.substr(0, name.size() - 5)).assign(value);
  return outputs;
}

constexpr auto mean_of_squares = [](auto y, auto t) { return mean(square(y - t)); };

// Saves a step, takes twenty steps with it and with the optimiser, and compares losses and parameters.
template <class T, class Network>
void check_step(const Network& network, optim::Rule<T> rule, const Shape& x, const Shape& t,
                const optim::OptimizerOptions<T>& options = {}) {
  const TemporaryFolder folder;
  optim::Optimizer<T> optimizer(network, rule, options);
  wengert::onnx::save_step(network, optimizer, mean_of_squares, x, t, folder / "step.onnx");
  const auto step = wengert::onnx::load<T>(folder / "step.onnx");
  CHECK(optimizer.steps() == 0);
  REQUIRE(step.outputs()[0].name == "loss");
  // Adam divides by the size of the gradient, which is rounding alone for a bias that does not change the loss.
  const double tolerance = std::is_same_v<T, double> ? 1e-10 : 2e-4;
  for (unsigned k = 0; k < 20; ++k) {
    CAPTURE(k);
    if (k == 10) {
      optimizer.set_rate(optimizer.rate() / 2);
      nn::parameter(step, "rate").assign(Tensor<T>(static_cast<T>(optimizer.rate())));
    }
    const Tensor<T> inputs = random_tensor<T>(x, 100 + k), targets = random_tensor<T>(t, 200 + k);
    Tape<T> tape;
    const auto loss = mean_of_squares(network(tape.constant(inputs)), tape.constant(targets));
    const auto expected = static_cast<double>(loss.item());
    optimizer.update(loss);
    tape.commit();
    const auto outputs = take_saved_step<T>(step, [&](Tape<T>& other) {
      return std::vector<wengert::onnx::Value<T>>{other.constant(inputs), other.constant(targets)};
    });
    CHECK(std::abs(static_cast<double>(outputs.at("loss")()) - expected) < tolerance * (1 + std::abs(expected)));
  }
  for (const auto& [path, parameter] : nn::named_parameters(network)) {
    CAPTURE(path);
    CHECK(distance(nn::parameter(step, path).value(), parameter.value()) < tolerance);
    CHECK(nn::parameter(step, path).trainable() == parameter.trainable());
  }
  for (const auto& [name, part] : optimizer.state()) {
    if (name == "swapped") continue;  // only the optimiser reads it
    CAPTURE(name);
    CHECK(distance(nn::parameter(step, name).value(), part.value()) < tolerance);
    CHECK(!nn::parameter(step, name).trainable());
  }
}

// A network with the names of the optimiser's state.
struct RateAndStep {
  nn::Linear<double> step;
  Parameter<double> rate;

  Var<double> operator()(const Var<double>& x) const { return step(x) * x.tape().variable(rate); }
};

template <class T>
auto two_layers_to_train(std::uint64_t seed) {
  Generator generator(seed);
  return nn::sequential(nn::Linear<T>::make(4, 8, generator), nn::Tanh{}, nn::Linear<T>::make(8, 2, generator));
}

}  // namespace

TEST_CASE_TEMPLATE("saved steps of gradient descent follow the optimiser", T, float, double) {
  check_step<T>(two_layers_to_train<T>(1), optim::SGD{.rate = 0.1, .momentum = 0.9}, {6, 4}, {6, 2});
  check_step<T>(two_layers_to_train<T>(2),
                optim::SGD{.rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}, {6, 4}, {6, 2});
  check_step<T>(two_layers_to_train<T>(3), optim::SGD{.rate = 0.1, .momentum = 0.5, .dampening = 0.5}, {6, 4}, {6, 2});
}

TEST_CASE_TEMPLATE("saved steps of Adam follow the optimiser", T, float, double) {
  check_step<T>(two_layers_to_train<T>(4), optim::Adam{.rate = 0.01}, {6, 4}, {6, 2});
  check_step<T>(two_layers_to_train<T>(5), optim::AdamW{.rate = 0.01, .weight_decay = 0.1}, {6, 4}, {6, 2});
}

TEST_CASE("saved steps clip gradients, have groups and average weights") {
  optim::OptimizerOptions<double> options{.groups = {{"*.bias", optim::SGD{.rate = 0.02}}},
                                          .rate_factors = {{"0", 0.5}},
                                          .clip_value = 0.3,
                                          .clip_norm = 0.1};
  check_step<double>(two_layers_to_train<double>(6), optim::Adam{.rate = 0.01}, {6, 4}, {6, 2}, options);
  options.average = optim::EMA{.decay = 0.9};
  check_step<double>(two_layers_to_train<double>(7), optim::SGD{.rate = 0.1}, {6, 4}, {6, 2}, options);
}

TEST_CASE("a saved step of a convolutional network updates running statistics") {
  Generator generator(8);
  const auto network =
      nn::sequential(nn::Conv2d<double>::make(1, 3, 3, generator, {.padding = 1}), nn::BatchNorm<double>::make(3),
                     nn::ReLU{}, nn::MaxPool2d{2}, nn::Conv2d<double>::make(3, 4, 2, generator),
                     nn::AvgPool2d{2, {.stride = 1}}, nn::Flatten{}, nn::Linear<double>::make(4, 2, generator));
  check_step<double>(network, optim::SGD{.rate = 0.05, .momentum = 0.9}, {5, 1, 6, 6}, {5, 2});
}

TEST_CASE("a saved step of a transformer follows the optimiser") {
  const auto network =
      nn::sequential(nn::TransformerEncoderLayer<double>::make(8, 2, Generator(9), {.feedforward = 12, .dropout = 0}),
                     nn::Linear<double>::make(8, 1, Generator(10)));
  check_step<double>(network, optim::Adam{.rate = 0.01}, {3, 5, 8}, {3, 5, 1});
}

TEST_CASE("a saved step of a classifier takes labels, and a loss that calls the network itself") {
  const auto network = two_layers_to_train<double>(11);
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const Indices labels{0, 1, 1, 0};
  wengert::onnx::save_step(network, optimizer, [](auto y, auto t) { return cross_entropy(y, t); }, Shape{4, 4}, labels,
                           folder / "step.onnx", {.inputs = {"x"}, .targets = {"label"}});
  wengert::onnx::save_step(network, optimizer, [](const auto& net, auto x, auto t) { return cross_entropy(net(x), t); },
                           Shape{4, 4}, labels, folder / "other.onnx", {.inputs = {"x"}, .targets = {"label"}});
  CHECK(bytes_of(folder / "other.onnx") == bytes_of(folder / "step.onnx"));
  const auto step = wengert::onnx::load<double>(folder / "step.onnx");
  REQUIRE(step.inputs().size() == 2);
  CHECK(step.inputs()[0].name == "x");
  CHECK(step.inputs()[1].name == "label");
  CHECK(step.inputs()[1].type == wengert::onnx::ElementType::int64);
  const Tensor<double> x = random_tensor({4, 4}, 12);
  Tape<double> tape;
  const auto loss = cross_entropy(network(tape.constant(x)), labels);
  optimizer.update(loss);
  const auto outputs = take_saved_step<double>(step, [&](Tape<double>& other) {
    return std::vector<wengert::onnx::Value<double>>{other.constant(x), labels};
  });
  CHECK(outputs.at("loss")() == doctest::Approx(loss.item()).epsilon(1e-12));
  tape.commit();
  CHECK(distance(outputs.at("0.weight.next"), nn::parameter(network, "0.weight").value()) < 1e-12);
}

TEST_CASE("a loss without targets is trained; a loss of one value per sample is averaged") {
  const auto network = two_layers_to_train<double>(13);
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto loss_of = [](auto y) { return sum(square(y), 1); };
  wengert::onnx::save_step(network, optimizer, loss_of, Shape{4, 4}, std::tuple(), folder / "step.onnx");
  const auto step = wengert::onnx::load<double>(folder / "step.onnx");
  const Tensor<double> x = random_tensor({4, 4}, 14);
  Tape<double> tape;
  const auto outputs = take_saved_step<double>(
      step, [&](Tape<double>& other) { return std::vector<wengert::onnx::Value<double>>{other.constant(x)}; });
  CHECK(outputs.at("loss")() == doctest::Approx(mean(loss_of(network(tape.constant(x)))).item()).epsilon(1e-12));
}

TEST_CASE("the terms of a loss are outputs of a saved step, and their weighted sum is its loss") {
  const auto network = two_layers_to_train<double>(25);
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto terms_of = [](auto y, auto t) {
    return train::LossTerms<double>{{"squares", square(y - t)}, {"distance", mean(abs(y - t)), 0.25}};
  };
  const auto with_outputs = [&](const auto& net, auto x, auto t) {
    const auto y = net(x);
    return train::LossAndOutputs{terms_of(y, t), y};
  };
  wengert::onnx::save_step(network, optimizer, terms_of, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx");
  wengert::onnx::save_step(network, optimizer, with_outputs, Shape{4, 4}, Shape{4, 2}, folder / "other.onnx");
  CHECK(bytes_of(folder / "other.onnx") == bytes_of(folder / "step.onnx"));
  const auto step = wengert::onnx::load<double>(folder / "step.onnx");
  REQUIRE(step.outputs().size() > 3);
  CHECK(step.outputs()[0].name == "loss");
  CHECK(step.outputs()[1].name == "squares");
  CHECK(step.outputs()[2].name == "distance");

  const Tensor<double> x = random_tensor({4, 4}, 26), t = random_tensor({4, 2}, 27);
  Tape<double> tape;
  const auto y = network(tape.constant(x));
  const auto squares = mean(square(y - t)), distances = mean(abs(y - t)), loss = squares + 0.25 * distances;
  optimizer.update(loss);
  tape.commit();
  const auto outputs = take_saved_step<double>(step, [&](Tape<double>& other) {
    return std::vector<wengert::onnx::Value<double>>{other.constant(x), other.constant(t)};
  });
  CHECK(outputs.at("squares")() == doctest::Approx(squares.item()).epsilon(1e-12));
  CHECK(outputs.at("distance")() == doctest::Approx(distances.item()).epsilon(1e-12));
  CHECK(outputs.at("loss")() == doctest::Approx(loss.item()).epsilon(1e-12));
  CHECK(distance(nn::parameter(step, "0.weight").value(), nn::parameter(network, "0.weight").value()) < 1e-12);

  const auto refused = [&](const auto& of) {
    return message_of<ValueError>([&] {
      wengert::onnx::save_step(network, optimizer, of, Shape{4, 4}, Shape{4, 2}, folder / "refused.onnx");
    });
  };
  CHECK(contains(refused([](auto, auto) { return train::LossTerms<double>{}; }), "a loss without terms"));
  CHECK(contains(refused([](auto a, auto b) {
                   return train::LossTerms<double>{{"distance", mean(a - b), std::nan("")}};
                 }),
                 "term 'distance' has the weight nan"));
  CHECK(contains(refused([](auto a, auto b) {
                   return train::LossTerms<double>{{"loss", mean(a - b)}};
                 }),
                 "the name 'loss' is used twice"));
  CHECK(!std::filesystem::exists(folder / "refused.onnx"));
}

TEST_CASE("a saved step of a network with a member called rate also has the learning rate") {
  const RateAndStep network{nn::Linear<double>::make(4, 2, Generator(28)), Parameter<double>(Tensor<double>(1.5))};
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  wengert::onnx::save_step(network, optimizer, mean_of_squares, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx");
  const auto step = wengert::onnx::load<double>(folder / "step.onnx");
  CHECK(nn::parameter(step, "rate").value() == network.rate.value());
  CHECK(nn::parameter(step, "optimizer.rate").value() == Tensor<double>(0.1));
  CHECK(contains(step.metadata().at("state"), R"("rate":"rate.next","step":"step.next")"));

  const Tensor<double> x = random_tensor({4, 4}, 29), t = random_tensor({4, 2}, 30);
  optimizer.set_rate(0.05);
  nn::parameter(step, "optimizer.rate").assign(Tensor<double>(0.05));
  Tape<double> tape;
  optimizer.update(mean_of_squares(network(tape.constant(x)), tape.constant(t)));
  tape.commit();
  take_saved_step<double>(step, [&](Tape<double>& other) {
    return std::vector<wengert::onnx::Value<double>>{other.constant(x), other.constant(t)};
  });
  CHECK(distance(nn::parameter(step, "rate").value(), network.rate.value()) < 1e-12);
  CHECK(distance(nn::parameter(step, "step.weight").value(), network.step.weight.value()) < 1e-12);
}

TEST_CASE("the metadata of a step list inputs and their next values; frozen parameters are no inputs") {
  const auto network = two_layers_to_train<float>(15);
  nn::freeze(network, "0");
  const TemporaryFolder folder;
  optim::Optimizer<float> optimizer(network, optim::SGD{.rate = 0.1, .momentum = 0.9});
  wengert::onnx::save_step(network, optimizer, mean_of_squares, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx",
                           {.metadata = {{"author", "someone"}}});
  const auto step = wengert::onnx::load<float>(folder / "step.onnx");
  CHECK(step.metadata().at("author") == "someone");
  CHECK(step.metadata().at("state") ==
        R"({"2.weight":"2.weight.next","2.bias":"2.bias.next","step":"step.next",)"
        R"("2.weight.momentum_buffer":"2.weight.momentum_buffer.next","2.weight.step":"2.weight.step.next",)"
        R"("2.bias.momentum_buffer":"2.bias.momentum_buffer.next","2.bias.step":"2.bias.step.next"})");
  std::vector<std::string> outputs;
  for (const auto& port : step.outputs()) outputs.push_back(port.name);
  CHECK(outputs == std::vector<std::string>{"loss", "2.weight.next", "2.bias.next", "step.next",
                                            "2.weight.momentum_buffer.next", "2.weight.step.next",
                                            "2.bias.momentum_buffer.next", "2.bias.step.next"});
}

TEST_CASE("a saved step without defaults takes all values as inputs, and a second file has the first ones") {
  const auto network = two_layers_to_train<double>(22);
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.1});
  wengert::onnx::save_step(network, optimizer, mean_of_squares, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx",
                           {.inputs = {"x"}, .targets = {"y"}, .defaults = false, .initial = folder / "initial.onnx"});
  const auto step = wengert::onnx::load<double>(folder / "step.onnx");
  const auto initial = wengert::onnx::load<double>(folder / "initial.onnx");
  CHECK(nn::named_parameters(step).empty());
  CHECK(initial.inputs().empty());
  Tape<double> tape;
  std::map<std::string, wengert::onnx::Value<double>> values;
  const auto first = initial.run(tape, {});
  for (std::size_t i = 0; i < first.size(); ++i) values.emplace(initial.outputs()[i].name, first[i]);
  CHECK(values.at("0.weight").numbers() == nn::parameter(network, "0.weight").value());
  CHECK(values.at("rate").numbers() == Tensor<double>(0.1));

  const Tensor<double> x = random_tensor({4, 4}, 23), y = random_tensor({4, 2}, 24);
  values.emplace("x", tape.constant(x));
  values.emplace("y", tape.constant(y));
  std::vector<wengert::onnx::Value<double>> given;
  for (const auto& port : step.inputs()) given.push_back(values.at(port.name));
  const auto results = step.run(tape, given);
  optimizer.update(mean_of_squares(network(tape.constant(x)), tape.constant(y)));
  tape.commit();
  for (std::size_t i = 0; i < results.size(); ++i)
    if (step.outputs()[i].name == "0.weight.next")
      CHECK(distance(results[i].numbers(), nn::parameter(network, "0.weight").value()) < 1e-12);
}

TEST_CASE("a step that cannot be saved is refused; network, optimiser and generators stay as they are") {
  const TemporaryFolder folder;
  const Generator generator(16);
  const auto network = nn::sequential(nn::Linear<float>::make(4, 2, Generator(17)), nn::Dropout::make(0.5, generator));
  nn::eval_mode(network);
  const Tensor<float> before = network.at<0>().weight.value();
  optim::Optimizer<float> optimizer(network, optim::SGD{.rate = 0.1});
  const auto save = [&](const StepOptions& options) {
    wengert::onnx::save_step(network, optimizer, mean_of_squares, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx",
                             options);
  };
  CHECK(contains(message_of<ValueError>([&] { save({}); }), "the op dropout draws random numbers"));
  CHECK(contains(message_of<ValueError>([&] { save({.settings = {"momentum"}}); }),
                 "no Parameter has the name of the setting 'momentum'"));
  CHECK(folder.files() == 0);
  CHECK(!network.at<1>().mode.training());
  CHECK(generator.counter() == 0);
  CHECK(network.at<0>().weight.value() == before);
  CHECK(optimizer.steps() == 0);

  const auto plain = two_layers_to_train<float>(18);
  optim::Optimizer<float> other(plain, optim::SGD{.rate = 0.1});
  const auto loss_of = [](auto y, auto t) { return sum(square(y - t)) * std::sqrt(static_cast<double>(y.shape()[0])); };
  const auto refused = message_of<ValueError>([&] {
    wengert::onnx::save_step(plain, other, loss_of, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx",
                             {.axes = {wengert::onnx::DynamicAxis{}}});
  });
  CHECK(contains(refused, "its parameter depends on the extent of the dynamic axis 'batch'"));
}

namespace {

// Has running statistics for small batches, or for large ones, alone.
struct BranchOnBatch {
  nn::Linear<double> first;
  nn::BatchNorm<double> norm;
  nn::Linear<double> last;
  bool small = true;

  Var<double> operator()(Var<double> x) const {
    const Var<double> y = first(x);
    return last((x.shape()[0] <= 4) == small ? norm(y) : y);
  }
};

}  // namespace

TEST_CASE("a step that updates other Parameters on larger batches is refused by its open axis") {
  const TemporaryFolder folder;
  for (const bool small : {true, false}) {
    CAPTURE(small);
    const BranchOnBatch network{nn::Linear<double>::make(3, 2, Generator(22)), nn::BatchNorm<double>::make(2),
                                nn::Linear<double>::make(2, 2, Generator(23)), small};
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto refused = message_of<ValueError>([&] {
      wengert::onnx::save_step(network, optimizer, mean_of_squares, Shape{4, 3}, Shape{4, 2}, folder / "step.onnx",
                               {.inputs = {"x"}, .targets = {"t"}, .axes = {{"n", {{0, 0}, {1, 0}}}}});
    });
    CAPTURE(refused);
    CHECK(contains(refused, "where the dynamic axis 'n' (axis 0 of 'x', axis 0 of 't') is longer by 1"));
    CHECK(folder.files() == 0);
  }
}

TEST_CASE("a saved step has an open batch if its numbers follow from it") {
  const auto network = two_layers_to_train<double>(19);
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1, .momentum = 0.9});
  wengert::onnx::save_step(network, optimizer, mean_of_squares, Shape{4, 4}, Shape{4, 2}, folder / "step.onnx",
                           {.axes = {wengert::onnx::DynamicAxis{}}});
  const auto step = wengert::onnx::load<double>(folder / "step.onnx");
  for (const std::size_t batch : {3u, 8u}) {
    const Tensor<double> x = random_tensor({batch, 4}, 20), t = random_tensor({batch, 2}, 21);
    Tape<double> tape;
    const auto loss = mean_of_squares(network(tape.constant(x)), tape.constant(t));
    const double expected = loss.item();
    optimizer.update(loss);
    tape.commit();
    const auto outputs = take_saved_step<double>(step, [&](Tape<double>& other) {
      return std::vector<wengert::onnx::Value<double>>{other.constant(x), other.constant(t)};
    });
    CHECK(outputs.at("loss")() == doctest::Approx(expected).epsilon(1e-12));
    CHECK(distance(nn::parameter(step, "0.weight").value(), nn::parameter(network, "0.weight").value()) < 1e-12);
  }
}
