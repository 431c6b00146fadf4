// Where a network looks: two maps of the pixels that speak for a class, both from gradients on the tape.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/nn/mode.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/tape/tape.hpp>
#include <wengert/transform/transforms.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace expressions {

/// What speaks for a class in a face. The maps are 64×64, not negative, and at most 1.
struct Explanation {
  /// Gradient × input: the logit's change, to first order, if a pixel becomes mid-grey (0) instead (J. Shrikumar et al.
  /// 2016, "Not Just a Black Box").
  wengert::Tensor<float> gradient_input;
  /// Grad-CAM: the features weighted by the mean gradients of their channels (R. Selvaraju et al. 2017), enlarged to
  /// the size of the face.
  wengert::Tensor<float> grad_cam;
};

namespace detail {
/// The maps for a face 1×1×H×W and features 1×C×h×w, with the gradients of a logit.
Explanation explanation(const wengert::Tensor<float>& face, const wengert::Tensor<float>& face_gradient,
                        const wengert::Tensor<float>& features, const wengert::Tensor<float>& feature_gradient);
}  // namespace detail

/// Explains the logit of a class for one face, (1, 1, 64, 64). `network.features(x)` returns the features (1, C, h, w)
/// of a face and `network.classify(features)` the logits. Throws ValueError for a label that the network does not have.
template <class Network>
Explanation explain(const Network& network, const wengert::Tensor<float>& face, std::size_t label) {
  const wengert::nn::EvaluationMode evaluation(network);
  wengert::Tape<float> tape;
  const wengert::Var<float> x = tape.variable(face);
  const wengert::Var<float> features = network.features(x);
  const wengert::Var<float> logits = network.classify(features);
  const auto cotangent = one_hot(tape.indices(wengert::Indices{static_cast<std::int64_t>(label)}), logits.shape()[1]);
  const auto [of_face, of_features] = wengert::gradients(wengert::seed(logits, cotangent), x, features);
  return detail::explanation(face, of_face, features.value(), of_features);
}

/// The face with a tenth of its pixels made mid-grey (0): the squares of `square`×`square` pixels in which the map has
/// the largest sums, the first of equal ones. Throws ValueError unless `square` divides the height and width.
wengert::Tensor<float> without_largest_tenth(const wengert::Tensor<float>& face, const wengert::Tensor<float>& map,
                                             std::size_t square = 1);

/// Writes a PNG file of the face beside its two maps, each 256×256: gradient × input, and Grad-CAM over the face;
/// black, red, yellow and white stand for growing values. Throws FileError if the file cannot be written.
void write_explanation(const std::filesystem::path& path, const wengert::Tensor<float>& face,
                       const Explanation& explanation);

}  // namespace expressions
