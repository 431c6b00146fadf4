// Compiles and runs the code of README.md about ONNX.
#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>
#include <wengert/optim.hpp>

#include <filesystem>

using namespace wengert::testing;
namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;

TEST_CASE("README: networks go out to ONNX, and come in") {
  namespace onnx = wengert::onnx;
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder / ".");
  const wg::Tensor<float> pictures = random_tensor<float>({3, 64}, 1);
  wg::Tensor<float> expected;
  {
    const auto network = nn::Linear<float>::make(64, 10, wg::Generator(1));
    optim::Optimizer<float> optimizer(network, optim::SGD{.rate = 0.1F});
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
    // clang-format off
onnx::save(network, wg::Shape{1, 64}, "digits.onnx");
onnx::save_step(network, optimizer, loss, wg::Shape{8, 64}, wg::Indices::from_shape({8}), "step.onnx");
    // clang-format on
    wg::Tape<float> tape;
    expected = network(tape.constant(pictures)).value();
  }
  std::filesystem::copy("digits.onnx", "network.onnx");
  wg::Tape<float> tape;
  // clang-format off
auto network = onnx::load<float>("network.onnx");      // its weights are Parameters, under their names
auto y = network(tape.constant(pictures));
auto gradients = nn::grad(mean(y * y), network);
  // clang-format on
  CHECK(xt::allclose(y.value(), expected, 1e-5, 1e-5));
  REQUIRE(gradients.size() == 2);
  CHECK(gradients[0].path == "weight");
  CHECK(onnx::load<float>("step.onnx").outputs().front().name == "loss");
  std::filesystem::current_path(before);
}
