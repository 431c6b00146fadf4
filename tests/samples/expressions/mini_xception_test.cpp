// MiniXception with the fetched weights, against figures of TensorFlow.js (mini_xception.mjs).
#include "common/expressions/mini_xception.hpp"

#include "../../temporary_folder.hpp"
#include "../../testing.hpp"
#include "common/probabilities.hpp"
#include "pictures.hpp"
#include <wengert/gradcheck/gradcheck.hpp>
#include <wengert/io/npy.hpp>
#include <wengert/io/parameters.hpp>
#include <wengert/nn/module.hpp>
#include <wengert/train/predictor.hpp>
#include <wengert/transform/transforms.hpp>

#include <xtensor/xview.hpp>

using namespace expressions;
using namespace expressions::testing;
using wengert::Tensor;
using wengert::testing::contains;
using wengert::testing::distance;

namespace {

const char* const weights_name = "mini_xception.safetensors";

// The figures: for a hundred pictures and a photograph, seven logits and seven probabilities.
Tensor<double> figures() {
  return wengert::io::load_npy<double>(std::string(PROJECT_SOURCE_DIR) +
                                       "/tests/samples/expressions/mini_xception.npy");
}

// Logits on a tape, and their probabilities, in a row for each input.
template <class T>
Tensor<T> computed(const MiniXception<T>& network, const Tensor<T>& inputs) {
  wengert::Tape<T> tape;
  const auto logits = network(tape.constant(inputs));
  return wengert::concatenate<T>({logits, softmax(logits)}, 1).value();
}

}  // namespace

TEST_CASE("the square around a long and narrow picture is refused before it takes the memory") {
  const Grey line{20000, 1, std::vector<std::uint8_t>(20000)};
  const std::vector<Box> all{{0, 0, 20000, 1}};
  CHECK(contains(wengert::testing::message_of<wengert::ValueError>([&] { network_inputs(line, all, 0); }),
                 "a face of 20000×1 pixels has 20000 a side: expected at most 8192"));
}

TEST_CASE("MiniXception computes what TensorFlow.js computes, on a tape and in a Program") {
  const auto folder = data_or_skip("expression_weights");
  if (folder.empty()) return;
  const Tensor<double> all = figures();
  REQUIRE(all.shape()[0] == 101);
  const Tensor<double> expected = xt::view(all, xt::range(0, 100));
  const Tensor<float> inputs = hashed_inputs(100);

  const auto network = load_mini_xception(folder / weights_name);
  CHECK(wengert::nn::parameter_count(network) == 205'127);
  const Tensor<float> on_tape = computed(network, inputs);
  CHECK(distance(on_tape, expected) < 1e-4);

  const Tensor<double> expected_p = xt::view(expected, xt::all(), xt::range(7, 14));
  const wengert::train::Predictor<Tensor<float>(Tensor<float>)> predictor(
      sample::Probabilities<MiniXception<float>>{network});
  CHECK(distance(predictor(inputs), expected_p) < 1e-4);
  CHECK(distance(predictor(inputs), xt::view(on_tape, xt::all(), xt::range(7, 14))) < 2e-6);
  // One face at a time is another Program with the same results.
  const Tensor<float> first = xt::view(inputs, xt::range(0, 1));
  CHECK(distance(predictor(first), xt::view(on_tape, xt::range(0, 1), xt::range(7, 14))) < 2e-6);

  const auto in_double = load_mini_xception<double>(folder / weights_name);
  const Tensor<double> some = xt::cast<double>(xt::view(inputs, xt::range(0, 10)));
  CHECK(distance(computed(in_double, some), xt::view(expected, xt::range(0, 10))) < 1e-4);
}

TEST_CASE("MiniXception sees the astronaut happy, as TensorFlow.js does") {
  const auto weights = data_or_skip("expression_weights"), photograph = data_or_skip("astronaut");
  if (weights.empty() || photograph.empty()) return;
  const Tensor<double> all = figures();
  const Tensor<double> expected = xt::view(all, xt::range(100, 101));
  const Grey picture = read_grey(photograph / "astronaut.png");
  const Box boxes[] = {astronaut_face};
  const Tensor<float> outputs = computed(load_mini_xception(weights / weights_name), network_inputs(picture, boxes));
  CHECK(distance(outputs, expected) < 1e-4);
  const auto probabilities = xt::view(outputs, 0, xt::range(7, 14));
  const auto best = std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
  CHECK(class_names.at(static_cast<std::size_t>(best)) == "happy");
}

TEST_CASE("the gradients of MiniXception are right") {
  const auto folder = data_or_skip("expression_weights");
  if (folder.empty()) return;
  const auto network = load_mini_xception<double>(folder / weights_name);
  // Relu and maxima have kinks; small steps seldom meet one.
  const Tensor<double> inputs = xt::cast<double>(hashed_inputs(2));
  const auto report =
      wengert::gradcheck(network, wengert::named("faces", inputs),
                         wengert::GradcheckOptions{.orders = 1, .mode = wengert::GradcheckMode::fast, .step = 0x1p-17});
  CHECK(report);
  CHECK(report.checked() > 0);
}

TEST_CASE("weights that are missing or do not fit are named") {
  const auto complaint = [](const std::filesystem::path& path) {
    return wengert::testing::file_complaint([&] { load_mini_xception(path); });
  };
  CHECK(contains(complaint("no/such.safetensors"), "run bash samples/fetch_data.sh expression_weights"));
  const wengert::testing::TemporaryFolder folder;
  wengert::io::save_parameters(SeparableConv<float>::make(1, 2, wengert::Generator(0)), folder / "other.safetensors");
  CHECK(contains(complaint(folder / "other.safetensors"), "conv1.weight"));
}
