// Networks that PyTorch exported: outputs and gradients are those that PyTorch computes.
#include "../testing.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns the distance of two arrays relative to the largest element of the expected one, or to 1 if that is larger.
template <class A>
double relative_distance(const A& got, const Tensor<double>& expected) {
  return distance(got, expected) / std::max(1.0, xt::amax(xt::abs(expected))());
}

// Checks an exported network, whose files make_models.py describes.
template <class T>
void check_exported(const std::string& name, double output_tolerance, double gradient_tolerance) {
  CAPTURE(name);
  const std::string path = PROJECT_SOURCE_DIR "/tests/onnx/pytorch/" + name;
  std::map<std::string, Tensor<double>> arrays;
  for (auto& [key, value] : io::load_npz<double>(path + ".npz")) arrays.emplace(key, std::move(value));
  const auto array = [&](const std::string& key) -> const Tensor<double>& {
    CAPTURE(key);
    REQUIRE(arrays.contains(key));
    return arrays.at(key);
  };
  const auto model = wengert::onnx::load<T>(path + ".onnx");

  Tape<T> tape;
  std::vector<wengert::onnx::Value<T>> inputs;
  std::map<std::string, Var<T>> variables;
  for (const auto& port : model.inputs()) {
    const Tensor<double>& x = array("x." + port.name);
    if (is_floating(port.type)) {
      variables[port.name] = tape.variable(Tensor<T>(xt::cast<T>(x)));
      inputs.emplace_back(variables[port.name]);
    } else {
      inputs.emplace_back(tape.indices(xt::cast<std::int64_t>(x)));
    }
  }
  const auto outputs = model.run(inputs);
  REQUIRE(outputs.size() == 1);
  const Var<T> y = outputs[0].var(tape);
  CHECK(relative_distance(y.value(), array("y")) < output_tolerance);

  const Var<T> loss = sum(tape.constant(Tensor<T>(xt::cast<T>(array("c")))) * y);
  std::set<std::string> found, expected;
  for (const auto& [path_of, parameter, gradient] : nn::grad(loss, model)) {
    CAPTURE(path_of);
    found.insert("d." + path_of);
    CHECK(relative_distance(gradient.value(), array("d." + path_of)) < gradient_tolerance);
  }
  for (const auto& [port, x] : variables) {
    CAPTURE(port);
    found.insert("dx." + port);
    CHECK(relative_distance(wengert::grad(loss, x)[0].value(), array("dx." + port)) < gradient_tolerance);
  }
  for (const auto& [key, value] : arrays)
    if (key.starts_with("d")) expected.insert(key);
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("networks exported by PyTorch give its outputs and gradients in double") {
  check_exported<double>("convolutional", 1e-11, 1e-11);
  check_exported<double>("recurrent", 1e-11, 1e-11);
  check_exported<double>("attention", 1e-11, 1e-11);
}

TEST_CASE("networks exported by PyTorch in double give its outputs and gradients in float") {
  check_exported<float>("convolutional", 1e-5, 1e-4);
  check_exported<float>("recurrent", 1e-5, 1e-4);
  check_exported<float>("attention", 1e-5, 1e-4);
}
