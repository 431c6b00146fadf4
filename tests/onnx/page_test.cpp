// Compiles and runs the code of docs/onnx.md.
#include "../snippets.hpp"
#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include "builder.hpp"
#include <wengert/io/parameters.hpp>
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>
#include <wengert/optim.hpp>

#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

using namespace wengert::testing;
namespace wg = wengert;
namespace nn = wengert::nn;
namespace io = wengert::io;
namespace optim = wengert::optim;

namespace {

namespace onnx = wengert::onnx;

// clang-format off
// [part of a network]
struct Classifier {
  onnx::Model<float> body;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::Var<float> x) const { return head(relu(body(x))); }
};
// clang-format on

// A folder that is the current one until the end of the test.
struct CurrentFolder {
  TemporaryFolder folder;
  std::filesystem::path before = std::filesystem::current_path();

  CurrentFolder() { std::filesystem::current_path(folder / "."); }
  ~CurrentFolder() { std::filesystem::current_path(before); }
};

void write_network() {
  OnnxBuilder builder;
  builder.input("x", {"batch", "3"})
      .output("y", {"batch", "2"})
      .initialiser("hidden.weight", random_tensor<float>({3, 4}, 1))
      .initialiser("head.weight", random_tensor<float>({4, 2}, 2))
      .node("MatMul", {"x", "hidden.weight"}, {"hidden"})
      .node("Tanh", {"hidden"}, {"active"})
      .node("MatMul", {"active", "head.weight"}, {"y"})
      .save("network.onnx");
}

onnx::Model<float> reader_of_words() {
  OnnxBuilder builder;
  builder.input("words", {"batch"}, onnx::ElementType::int64)
      .output("scores", {"batch", "2"})
      .output("best", {"batch"}, onnx::ElementType::int64)
      .initialiser("embedding.weight", wg::Tensor<float>{{1, 2}, {4, 3}})
      .node("Gather", {"embedding.weight", "words"}, {"scores"})
      .node("ArgMax", {"scores"}, {"best"}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}})
      .save("reader.onnx");
  return onnx::load<float>("reader.onnx");
}

}  // namespace

TEST_CASE("the code of the page about ONNX runs") {
  const CurrentFolder current;
  write_network();
  const wg::Tensor<float> x = random_tensor<float>({8, 3}, 3), targets = random_tensor<float>({8, 2}, 4);

  // clang-format off
  // [load]
  const onnx::Model<float> network = onnx::load<float>("network.onnx");

  wg::Tape<float> tape;
  const wg::Var<float> y = network(tape.constant(x));
  // clang-format on
  CHECK(y.shape() == wg::Shape{8, 2});

  std::ostringstream out;
  std::streambuf* const screen = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  // [ports]
  for (const onnx::Port& port : network.inputs())
    std::cout << port.name << ": " << name_of(port.type) << ", " << port.shape->size() << " axes\n";
  // clang-format on
  std::cout.rdbuf(screen);
  CHECK(out.str() == "x: float, 2 axes\n");

  const auto reader = reader_of_words();
  const wg::Indices words{1, 0};
  // clang-format off
  // [several outputs]
  const std::vector<onnx::Value<float>> outputs = reader.run({tape.indices(words)});
  const wg::Var<float> scores = outputs[0].var(tape);
  const wg::Indices best = outputs[1].integers();
  // clang-format on
  CHECK(scores.value() == wg::Tensor<float>{{4, 3}, {1, 2}});
  CHECK(best == wg::Indices{0, 1});

  const auto loss_now = [&] {
    wg::Tape<float> other;
    return mean(square(network(other.constant(x)) - other.constant(targets))).item();
  };
  const float before = loss_now();
  const wg::Tensor<float> frozen = nn::parameter(network, "hidden.weight").value();
  // clang-format off
  // [train further]
  nn::freeze(network, "hidden");
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  auto step = wg::compiled<float>([&](auto&, auto input, auto target) {
    const auto loss = mean(square(network(input) - target));
    optimizer.update(loss);
    return loss;
  });
  for (int i = 0; i < 100; ++i) step(x, targets);
  io::save_parameters(network, "finetuned.safetensors");
  // clang-format on
  CHECK(loss_now() < before);
  CHECK(nn::parameter(network, "hidden.weight").value() == frozen);
  CHECK(std::filesystem::exists("finetuned.safetensors"));

  wg::Generator g(1);
  const Classifier classifier{network, nn::Linear<float>::make(2, 3, g)};
  wg::Tape<float> other;
  CHECK(classifier(other.constant(x)).shape() == wg::Shape{8, 3});
  CHECK(nn::parameter(classifier, "body.hidden.weight").value() == frozen);

  // clang-format off
  // [program]
  auto predict = wg::compiled<float>([&](auto&, auto input) { return network(input); },
                                     {.frozen = wg::frozen_constants()});
  const wg::Tensor<float> prediction = predict(x).value();
  // clang-format on
  CHECK(distance(prediction, network(other.constant(x)).value()) < 1e-6);

  // clang-format off
  // [write a network]
  onnx::save(classifier, wg::Shape{1, 3}, "classifier.onnx",
             {.inputs = {"x"}, .outputs = {"scores"}, .metadata = {{"classes", "cat,dog,owl"}}});
  // clang-format on
  const auto saved = onnx::load<float>("classifier.onnx");
  CHECK(saved.inputs().at(0).shape->at(0).name == "batch");
  CHECK(saved.metadata().at("classes") == "cat,dog,owl");
  CHECK(distance(saved(other.constant(x)).value(), classifier(other.constant(x)).value()) < 1e-6);

  optim::Optimizer<float> tuner(classifier, optim::SGD{.rate = 0.1F});
  // clang-format off
  // [write a step]
  onnx::save_step(classifier, tuner, [](auto logits, auto label) { return cross_entropy(logits, label); },
                  wg::Shape{8, 3}, wg::Indices::from_shape({8}), "step.onnx",
                  {.inputs = {"x"}, .targets = {"label"}, .defaults = false, .initial = "first.onnx"});
  // clang-format on
  const auto taken = onnx::load<float>("step.onnx");
  CHECK(taken.outputs().front().name == "loss");
  CHECK(onnx::load<float>("first.onnx").outputs().size() + 2 == taken.inputs().size());
  CHECK(check_snippets("docs/onnx.md", "tests/onnx/page_test.cpp") == 8);
}
