// Shapes in saved files: operands that do not broadcast, and extents that do not follow linearly from the dynamic axes.
#include "saved.hpp"
#include <wengert/optim.hpp>

#include <cmath>
#include <stdexcept>
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

// A layer whose factor is no function that a file can express.
struct Scaled {
  Var<double> operator()(const Var<double>& x) const {
    const nn::Scope scope(*this, x);
    return x * std::sqrt(static_cast<double>(x.shape()[0]));
  }
};
// A layer that is recorded step by step.
struct SumOfSteps {
  Var<double> operator()(const Var<double>& x) const {
    const nn::Scope scope(*this, x);
    Var<double> y = slice(x, 1, Slice(0));
    for (std::size_t i = 1; i < x.shape()[1]; ++i) y = y + slice(x, 1, Slice(i));
    return y;
  }
};
struct ScaledLinear {
  nn::Linear<double> linear;
  Scaled scaled;

  Var<double> operator()(const Var<double>& x) const { return scaled(linear(x)); }
};

constexpr auto tanh_over = elementwise<"tanh_over_of_test", params<1>>([](auto x, auto n) { return tanh(x) / n; });

// Adds the first rows of a table.
template <class T>
struct Positions {
  Parameter<T> table;

  Var<T> operator()(const Var<T>& x) const {
    const Var<T> rows = x.tape().variable(table);
    return x + slice(rows, 0, xt::range(0, x.shape()[1]));
  }
};

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

TEST_CASE("a network with a table of positions is saved, also if a recording fills the table or ends at it") {
  // Formulas whose numbers follow from the length: their extents are confirmed where the network has rows left.
  const auto scaled = [](auto x) { return tanh_over(x, static_cast<double>(x.shape()[1])); };
  for (const std::size_t rows : {9u, 16u, 17u, 64u, 65u}) {  // 3 + 13 and 3 + 61 rows fill the table
    CAPTURE(rows);
    const Positions<double> network{Parameter<double>(random_tensor<double>({rows, 2}, 3), "positions")};
    check_saved<double>(nn::sequential(network, scaled), {1, 3, 2}, {{2, 3, 2}, {1, 8, 2}},
                        {.axes = {{"batch", {{0, 0}}}, {"length", {{0, 1}}}}});
  }
}

TEST_CASE("the mask of attention within a window is refused, unless the network is never longer than the window") {
  const wengert::onnx::SaveOptions length{.axes = {{"length", {{0, 1}}}}};
  const auto masked = [](std::size_t window) {
    return [window](auto x) {
      const std::size_t steps = x.shape()[1];
      Tensor<float> mask = xt::zeros<float>({steps, steps});
      for (std::size_t i = 0; i < steps; ++i)
        for (std::size_t j = 0; j < steps; ++j)
          if (j > i || i - j >= window) mask(i, j) = -1e9F;
      return x + x.tape().constant(mask);
    };
  };
  for (const std::size_t window : {3u, 30u, 300u, 1000u}) {  // the sample and the recordings have 4 to 1,028 steps
    CAPTURE(window);
    CHECK(contains(refused(masked(window), {1, 4, 1}, length),
                   "a constant depends on the extent of the dynamic axis 'length'"));
  }
  CHECK(refused(masked(5000), {1, 4, 1}, length) == "no error");
  const auto limited = [&](auto x) {
    if (x.shape()[1] > 512) throw std::invalid_argument("at most 512 steps");
    return masked(5000)(x);
  };
  CHECK(refused(limited, {1, 4, 1}, length) == "no error");
  for (const std::size_t rows : {299u, 300u, 302u, 303u}) {
    CAPTURE(rows);
    const Positions<float> positions{Parameter<float>(random_tensor<float>({rows, 1}, 4), "positions")};
    const auto network = [&](auto x) { return masked(300)(positions(x)); };
    CHECK((refused(network, {1, 4, 1}, length) == "no error") == (rows <= 300));
  }
}

TEST_CASE("a branch on the extent of a dynamic axis is refused") {
  const auto branch = [](auto x) { return x.shape()[0] > 16 ? 2 * x : tanh(x); };
  CHECK(contains(refused(branch, {2, 3}, {}), "is longer by 61"));
}

TEST_CASE("an extent that cannot be open is refused with axis, input and layer") {
  const TemporaryFolder folder;
  const ScaledLinear network{nn::Linear<double>::make(3, 2, Generator(2)), {}};
  const auto text = message_of<ValueError>([&] {
    wengert::onnx::save(network, Shape{4, 3}, folder / "network.onnx", {.inputs = {"x"}});
  });
  CHECK(contains(text,
                 "[onnx::save] layer 'scaled' (Scaled): the op multiply_scalar cannot be exported: its parameter "
                 "depends on the extent of the dynamic axis 'batch' (axis 0 of 'x'): leave this axis fixed "
                 "(SaveOptions::axes)"));
  CHECK(contains(text, "save_extents_test.cpp:"));

  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 1});
  const auto loss = [](auto y, auto t) { return mean(square(y - t)); };
  const auto step = message_of<ValueError>([&] {
    wengert::onnx::save_step(network, optimizer, loss, Shape{4, 3}, Shape{4, 2}, folder / "step.onnx",
                             {.inputs = {"x"}, .targets = {"t"}, .axes = {{"n", {{0, 0}, {1, 0}}}}});
  });
  CHECK(contains(step,
                 "[onnx::save_step] layer 'scaled' (Scaled): the op multiply_scalar cannot be exported: its "
                 "parameter depends on the extent of the dynamic axis 'n' (axis 0 of 'x', axis 0 of 't'): leave "
                 "this axis fixed (StepOptions::axes)"));

  const auto recurrent = nn::sequential(nn::Linear<double>::make(3, 3, Generator(3)), SumOfSteps{});
  const auto steps = message_of<ValueError>([&] {
    wengert::onnx::save(recurrent, Shape{2, 5, 3}, folder / "network.onnx", {.axes = {{"length", {{0, 1}}}}});
  });
  CHECK(contains(steps, "layer '1' (SumOfSteps): the network records "));
  CHECK(contains(steps, "where the dynamic axis 'length' (axis 1 of 'input') is longer by 1: leave this axis fixed"));
  CHECK(folder.files() == 0);
}

TEST_CASE("inputs along one dynamic axis have samples of equal extents") {
  const TemporaryFolder folder;
  const auto network = [](Var<float> x, Var<float> y) { return mean(x) + mean(y); };
  const auto save = [&](const Shape& x, const Shape& y) {
    wengert::onnx::save(network, std::tuple(x, y), folder / "network.onnx");
  };
  CHECK(contains(message_of<ValueError>([&] {
                   save({4, 3}, {6, 3});
                 }),
                 "4 and 6 elements along the dynamic axis 'batch' (axis 0 of 'input_0', axis 0 of 'input_1')"));
  CHECK(message_of<ValueError>([&] { save({4, 3}, {4, 3}); }) == "no error");
}

TEST_CASE("dynamic axes that no input has, or of one name, are refused") {
  const auto same = [](auto x) { return x; };
  CHECK(contains(refused(same, {2, 3}, {.axes = {{"batch", {{3, 0}}}}}), "input 3"));
  CHECK(contains(refused(same, {2, 3}, {.axes = {{"n", {{0, 0}}}, {"n", {{0, 1}}}}}), "'n'"));
}
