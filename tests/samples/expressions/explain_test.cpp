// Explanations: maps in closed form, and that the pixels they mark matter more than others.
#include "23_expressions/explain.hpp"

#include "../../temporary_folder.hpp"
#include "../../testing.hpp"
#include "23_expressions/drawings.hpp"
#include "common/expressions/drawing_network.hpp"
#include "common/expressions/mini_xception.hpp"
#include "common/probabilities.hpp"
#include "pictures.hpp"
#include <wengert/images/image.hpp>
#include <wengert/io/parameters.hpp>
#include <wengert/train/predictor.hpp>

#include <algorithm>
#include <cstdlib>
#include <vector>

using namespace expressions;
using namespace expressions::testing;
using wengert::Tensor;
using wengert::testing::distance;
using wengert::testing::random_tensor;

namespace {

// The features x and x²; the logits 2·mean(x) − mean(x²) and mean(x²).
struct Squares {
  wengert::Var<float> features(wengert::Var<float> x) const { return wengert::concatenate<float>({x, x * x}, 1); }
  wengert::Var<float> classify(wengert::Var<float> features) const {
    const auto means = mean(features, {2, 3});
    return matmul(means, means.tape().constant(Tensor<float>{{2, 0}, {-1, 1}}));
  }
};

Tensor<float> positive_part_to_one(const Tensor<float>& map) {
  const Tensor<float> positive = xt::maximum(map, 0.0f);
  return positive / *std::max_element(positive.begin(), positive.end());
}

// The mean decrease of a class's probability if a tenth of the pixels is blanked: where a map is largest, and at
// random.
struct Drops {
  double pixels = 0, random_pixels = 0;    // by gradient × input, pixel by pixel
  double squares = 0, random_squares = 0;  // by Grad-CAM, in squares of 8×8, of which a feature is made
};

template <class Network>
Drops measured_drops(const Network& network, const std::vector<Tensor<float>>& faces) {
  const wengert::train::Predictor<Tensor<float>(Tensor<float>)> predictor(sample::Probabilities<Network>{network});
  constexpr unsigned draws = 10;
  Drops drops;
  unsigned seed = 0;
  for (const Tensor<float>& face : faces) {
    const Tensor<float> before = predictor(face);
    const auto label = static_cast<std::size_t>(std::max_element(before.begin(), before.end()) - before.begin());
    const auto drop = [&](const Tensor<float>& map, std::size_t square) {
      return static_cast<double>(before(0, label) - predictor(without_largest_tenth(face, map, square))(0, label)) /
             static_cast<double>(faces.size());
    };
    const Explanation why = explain(network, face, label);
    drops.pixels += drop(why.gradient_input, 1);
    drops.squares += drop(why.grad_cam, 8);
    for (unsigned i = 0; i < draws; ++i) {
      const auto random = random_tensor<float>({face_side, face_side}, seed++, 0, 1);
      drops.random_pixels += drop(random, 1) / draws;
      drops.random_squares += drop(random, 8) / draws;
    }
  }
  MESSAGE("a tenth of the pixels blanked lowers the probability by ", drops.pixels, ", at random by ",
          drops.random_pixels, "; in squares by ", drops.squares, ", at random by ", drops.random_squares, "; over ",
          faces.size(), " faces");
  return drops;
}

}  // namespace

TEST_CASE("gradient × input and Grad-CAM are those of the derivatives by hand") {
  const auto face = random_tensor<float>({1, 1, 8, 8}, 3);
  const Tensor<float> x = xt::view(face, 0, 0);
  const Explanation first = explain(Squares{}, face, 0);
  CHECK(distance(first.gradient_input, positive_part_to_one(2 * x - 2 * x * x)) < 1e-6);
  CHECK(distance(first.grad_cam, positive_part_to_one(2 * x - x * x)) < 1e-6);
  const Explanation second = explain(Squares{}, face, 1);
  CHECK(distance(second.gradient_input, positive_part_to_one(x * x)) < 1e-6);
  CHECK(distance(second.grad_cam, positive_part_to_one(x * x)) < 1e-6);
  // Without anything that speaks for a class, the maps are 0.
  const Tensor<float> dark = xt::zeros<float>({1, 1, 8, 8});
  CHECK(xt::amax(explain(Squares{}, dark, 0).grad_cam)() == 0);
  CHECK_THROWS_AS(explain(Squares{}, face, 2), wengert::ValueError);
}

TEST_CASE("a tenth of a face is blanked, where the map is largest") {
  Tensor<float> map = xt::zeros<float>({20, 20});
  const Tensor<float> face = xt::ones<float>({1, 1, 20, 20});
  xt::view(map, xt::range(4, 8), xt::range(10, 20)) = 1;
  const Tensor<float> pixels = without_largest_tenth(face, map);
  CHECK(distance(xt::view(pixels, 0, 0), 1 - map) == 0);
  // Two of 25 squares of 4×4 are the tenth.
  const Tensor<float> squares = without_largest_tenth(face, map, 4);
  Tensor<float> expected = xt::ones<float>({20, 20});
  xt::view(expected, xt::range(4, 8), xt::range(12, 20)) = 0;
  CHECK(distance(xt::view(squares, 0, 0), expected) == 0);
  CHECK_THROWS_AS(without_largest_tenth(face, map, 3), wengert::ValueError);
}

TEST_CASE("an explanation is written as a picture of three parts") {
  const wengert::testing::TemporaryFolder folder;
  Tensor<float> face = xt::zeros<float>({1, 1, 64, 64});
  for (std::size_t i = 0; i < face.size(); ++i) face.data()[i] = float(i / 64) / 32 - 1;  // brighter from row to row
  write_explanation(folder / "explained.png", face, explain(Squares{}, face, 0));
  const auto picture = wengert::images::read<float>(folder / "explained.png");
  CHECK(wengert::Shape(picture.shape()) == wengert::Shape{3, 256, 768});
  // The left part is the face.
  const Tensor<float> small =
      wengert::images::resize(Tensor<float>(xt::view(picture, xt::all(), xt::all(), xt::range(0, 256))), 64, 64);
  CHECK(distance(xt::view(small, 0), xt::view(small, 2)) == 0);
  const Tensor<float> grey = xt::view(face, 0, 0) / 2 + 0.5f;
  CHECK(xt::amax(xt::abs(xt::view(small, 0) - grey))() < 0.01);
}

// Runs after a training, in expressions_drawings_test.sh.
TEST_CASE("what the network of drawings looks at in drawings matters more than other pixels" * doctest::skip()) {
  const char* run = std::getenv("WENGERT_DRAWINGS_RUN");
  REQUIRE(run != nullptr);
  const auto network = DrawingNetwork<float>::make(wengert::Generator(0));
  wengert::io::load_parameters(network, std::filesystem::path(run) / "weights.npz");
  const std::filesystem::path root = PROJECT_SOURCE_DIR;
  const Drawings drawings = read_drawings(root / "build/data/drawn_faces", root / "samples/23_expressions/faces.csv");
  std::vector<std::size_t> pairs = split_pairs(drawings, 1).new_heads;
  pairs.resize(60);
  const auto pictures = make_pictures(drawings, pairs, 1, 2);
  std::vector<Tensor<float>> faces;
  for (std::size_t i = 0; i < pairs.size(); ++i) faces.push_back(xt::view(pictures.inputs, xt::range(i, i + 1)));
  const Drops drops = measured_drops(network, faces);
  CHECK(drops.pixels > drops.random_pixels + 0.1);
  CHECK(drops.squares > drops.random_squares + 0.1);

  // For the script: a drawing whose class is recognised, under the name of the class.
  const wengert::Indices classes = wengert::train::predict_classes(network, pictures.inputs);
  std::size_t i = 0;
  while (i + 1 < faces.size() && classes(i) != pictures.labels(i)) ++i;
  REQUIRE(classes(i) == pictures.labels(i));
  const std::string name(class_names.at(static_cast<std::size_t>(classes(i))));
  wengert::images::write(std::filesystem::path(run) / (name + ".png"), Tensor<float>(xt::view(faces[i], 0) / 2 + 0.5f));
}

TEST_CASE("what MiniXception looks at in the astronaut's face matters more than other pixels") {
  const auto weights = data_or_skip("expression_weights"), photograph = data_or_skip("astronaut");
  if (weights.empty() || photograph.empty()) return;
  const Grey picture = read_grey(photograph / "astronaut.png");
  std::vector<Tensor<float>> faces;
  for (int shift = -8; shift <= 8; shift += 4)
    for (int grow = -8; grow <= 24; grow += 8) {
      const Box box{160 + shift - grow / 2, 64 + shift / 2 - grow / 2, 128 + grow, 128 + grow};
      faces.push_back(network_input(crop(picture, box)));
    }
  const Drops drops = measured_drops(load_mini_xception(weights / "mini_xception.safetensors"), faces);
  CHECK(drops.pixels > drops.random_pixels + 0.1);
  CHECK(drops.squares > drops.random_squares + 0.1);
}
