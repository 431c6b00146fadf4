// Shapes in saved files: operands that do not broadcast, and extents that do not follow linearly from the dynamic axes.
#include "saved.hpp"
#include <wengert/optim.hpp>

#include <string>
#include <tuple>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A layer whose output has the gradient of a constant, which is broadcast.
struct Shifted {
  nn::Linear<double> linear;
  Parameter<double> shift;

  Var<double> operator()(Var<double> x) const { return tanh(linear(x)) + x.tape().variable(shift); }
};

// The first step of a loaded file, by the names of its outputs.
Tensor<double> output_of_step(const std::filesystem::path& path, const std::string& name,
                              const std::vector<Tensor<double>>& batch) {
  const auto step = wengert::onnx::load<double>(path);
  Tape<double> tape;
  std::vector<wengert::onnx::Value<double>> inputs;
  for (const Tensor<double>& part : batch) inputs.emplace_back(tape.constant(part));
  const auto values = step.run(tape, inputs);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (step.outputs()[i].name == name) return values[i].var(tape).value();
  FAIL("no output has the name ", name);
  return {};
}

// The error of saving a function of one input; or "no error".
template <class F>
std::string refused(const F& f, const Shape& sample, const wengert::onnx::SaveOptions& options) {
  const TemporaryFolder folder;
  const std::string message =
      message_of<ValueError>([&] { wengert::onnx::save(nn::sequential(f), sample, folder / "network.onnx", options); });
  CAPTURE(message);
  CHECK(std::filesystem::exists(folder / "network.onnx") == (message == "no error"));
  return message;
}

}  // namespace

TEST_CASE("a saved step broadcasts cotangents whose formulas do not read the value") {
  const TemporaryFolder folder;
  const Tensor<double> x = random_tensor({4, 3}, 1), t = random_tensor({4, 2}, 2);
  const auto check = [&](const auto& loss, bool with_targets) {
    const Shifted network{nn::Linear<double>::make(3, 2, Generator(1)),
                          Parameter<double>(Tensor<double>{0, 0}, "shift")};
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 1});
    std::vector<Tensor<double>> batch{x};
    Tape<double> tape;
    if constexpr (std::invocable<decltype(loss), Var<double>>) {
      wengert::onnx::save_step(network, optimizer, loss, Shape{4, 3}, std::tuple(), folder / "step.onnx");
      optimizer.update(mean(loss(network(tape.constant(x)))));
    } else {
      wengert::onnx::save_step(network, optimizer, loss, Shape{4, 3}, Shape{4, 2}, folder / "step.onnx");
      optimizer.update(mean(loss(network(tape.constant(x)), tape.constant(t))));
    }
    if (with_targets) batch.push_back(t);
    const Tensor<double> shift = output_of_step(folder / "step.onnx", "shift.next", batch);
    const Tensor<double> weight = output_of_step(folder / "step.onnx", "linear.weight.next", batch);
    tape.commit();
    CHECK(distance(shift, network.shift.value()) < 1e-12);
    CHECK(distance(weight, network.linear.weight.value()) < 1e-12);
  };
  check([](auto y) { return mean(2 * y); }, false);
  check([](auto y) { return mean(-y); }, false);
  check([](auto y, auto target) { return mean(mean(square(y - target), 1)); }, true);
  check([](auto y, auto target) { return mean(square(y - target), 1); }, true);
}

TEST_CASE("extents that are rounded quotients of dynamic axes are refused") {
  const wengert::onnx::SaveOptions length{.axes = {{"length", {{0, 2}}}}};
  const auto pooled = [](auto x) { return mean(max_pool1d(x, 4), 2); };
  CHECK(contains(refused(pooled, {1, 1, 8}, length), "dynamic ax"));
  const auto quarter = [](auto x) { return slice(x, 2, xt::range(0, x.shape()[2] / 4)); };
  CHECK(contains(refused(quarter, {1, 1, 8}, length), "dynamic ax"));
  const wengert::onnx::SaveOptions all{.axes = {{"batch", {{0, 0}}}, {"length", {{0, 2}}}}};
  CHECK(contains(refused(pooled, {1, 1, 8}, all), "dynamic ax"));
  const auto squared = [](auto x) { return x / static_cast<float>(x.shape()[2] * x.shape()[2]); };
  CHECK(contains(refused(squared, {1, 1, 8}, all), "dynamic ax"));
}

TEST_CASE("a branch on the extent of a dynamic axis is refused") {
  const auto branch = [](auto x) { return x.shape()[0] > 16 ? 2 * x : tanh(x); };
  CHECK(contains(refused(branch, {2, 3}, {}), "when a dynamic axis is longer"));
}

TEST_CASE("inputs along one dynamic axis have samples of equal extents") {
  const TemporaryFolder folder;
  const auto network = [](Var<float> x, Var<float> y) { return mean(x) + mean(y); };
  const auto save = [&](const Shape& x, const Shape& y) {
    wengert::onnx::save(network, std::tuple(x, y), folder / "network.onnx");
  };
  CHECK(contains(message_of<ValueError>([&] { save({4, 3}, {6, 3}); }), "4 and 6 elements along one dynamic axis"));
  CHECK(message_of<ValueError>([&] { save({4, 3}, {4, 3}); }) == "no error");
}

TEST_CASE("dynamic axes that no input has, or of one name, are refused") {
  const auto same = [](auto x) { return x; };
  CHECK(contains(refused(same, {2, 3}, {.axes = {{"batch", {{3, 0}}}}}), "input 3"));
  CHECK(contains(refused(same, {2, 3}, {.axes = {{"n", {{0, 0}}}, {"n", {{0, 1}}}}}), "'n'"));
}
