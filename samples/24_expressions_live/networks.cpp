// The networks that judge faces.
#include "networks.hpp"

#include "../common/expressions/drawing_network.hpp"
#include "../common/expressions/mini_xception.hpp"
#include "../common/probabilities.hpp"
#include <wengert/base/error.hpp>
#include <wengert/io/parameters.hpp>
#include <wengert/train/predictor.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace expressions {

namespace {

using wengert::Tensor;

// A Predictor of the probabilities. Faces are added to a power of two, so that it compiles few Programs, however often
// the number of faces changes; a single face is compiled at once.
template <class Network>
Classify classifier(const Network& network, const std::string& weights) {
  const wengert::train::Predictor<Tensor<float>(Tensor<float>)> predict(sample::Probabilities<Network>{network});
  const Tensor<float> first = predict(xt::zeros<float>({std::size_t{1}, std::size_t{1}, face_side, face_side}));
  if (!std::all_of(first.begin(), first.end(), [](float p) { return std::isfinite(p); }))
    throw wengert::ValueError("load_network",
                              weights + ": these weights give probabilities that are not finite: they are damaged");
  return [predict](const Tensor<float>& faces) -> Tensor<float> {
    const std::size_t n = faces.shape()[0];
    std::size_t batch = 1;
    while (batch < n) batch *= 2;
    if (batch == n) return predict(faces);
    Tensor<float> filled = xt::zeros<float>({batch, std::size_t{1}, face_side, face_side});
    std::copy(faces.begin(), faces.end(), filled.begin());
    const Tensor<float> all = predict(filled);
    Tensor<float> result = xt::empty<float>({n, class_count});
    std::copy_n(all.begin(), result.size(), result.begin());
    return result;
  };
}

}  // namespace

Classify load_network(const std::string& name, const std::filesystem::path& weights) {
  if (name == "photographs") {
    const std::filesystem::path file = weights.empty() ? fetched_weights() : weights;
    return classifier(load_mini_xception(file), file.string());
  }
  if (name != "drawings") throw wengert::ValueError("load_network", "'" + name + "': expected photographs or drawings");
  const std::filesystem::path file = weights.empty() ? "build/expressions/drawings/weights.npz" : weights;
  if (!std::filesystem::exists(file))
    throw wengert::FileError("load_network",
                             file.string() + " does not exist: train with 23_expressions --train first");
  const auto network = DrawingNetwork<float>::make(wengert::Generator(0));
  wengert::io::load_parameters(network, file);
  return classifier(network, file.string());
}

}  // namespace expressions
