// Where a network looks: the maps, and pictures of them.
#include "explain.hpp"

#include <wengert/base/error.hpp>
#include <wengert/images/image.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xview.hpp>

namespace expressions {

namespace {

using wengert::Tensor;

constexpr std::size_t shown_side = 256;

// Divides a map by its largest value, unless it is 0.
void scale_to_one(Tensor<float>& map) {
  const float largest = *std::max_element(map.begin(), map.end());
  if (largest > 0) map /= largest;
}

// The shade of a value from 0 to 1: black, red, yellow, white.
std::array<float, 3> heat(float v) {
  return {std::clamp(3 * v, 0.0f, 1.0f), std::clamp(3 * v - 1, 0.0f, 1.0f), std::clamp(3 * v - 2, 0.0f, 1.0f)};
}

// A plane H×W in the size of the picture.
Tensor<float> enlarged(Tensor<float> plane) {
  plane.reshape({std::size_t{1}, plane.shape()[0], plane.shape()[1]});
  return wengert::images::resize(plane, shown_side, shown_side);
}

}  // namespace

Explanation detail::explanation(const Tensor<float>& face, const Tensor<float>& face_gradient,
                                const Tensor<float>& features, const Tensor<float>& feature_gradient) {
  const std::size_t height = face.shape()[2], width = face.shape()[3];
  Explanation result;
  result.gradient_input = xt::maximum(xt::view(face * face_gradient, 0, 0), 0.0f);
  scale_to_one(result.gradient_input);

  const Tensor<float> weights = xt::mean(feature_gradient, {0, 2, 3}, xt::keep_dims);
  Tensor<float> map = xt::maximum(xt::sum(weights * features, {0, 1}), 0.0f);
  map.reshape({std::size_t{1}, map.shape()[0], map.shape()[1]});
  result.grad_cam = xt::view(wengert::images::resize(map, height, width), 0);
  scale_to_one(result.grad_cam);
  return result;
}

Tensor<float> without_largest_tenth(const Tensor<float>& face, const Tensor<float>& map, std::size_t square) {
  const std::size_t height = map.shape()[0], width = map.shape()[1];
  if (square == 0 || height % square != 0 || width % square != 0)
    throw wengert::ValueError("explain", fmt::format("squares of {}×{} in a map of {}×{}: expected them to cover it",
                                                     square, square, height, width));
  const std::size_t columns = width / square;
  const auto square_of = [&](std::size_t pixel) { return pixel / width / square * columns + pixel % width / square; };
  std::vector<float> sums(height / square * columns);
  for (std::size_t i = 0; i < map.size(); ++i) sums[square_of(i)] += map.data()[i];
  std::vector<std::size_t> order(sums.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });
  std::vector<bool> blank(sums.size());
  for (std::size_t i = 0; i < order.size() / 10; ++i) blank[order[i]] = true;
  Tensor<float> blanked = face;
  for (std::size_t i = 0; i < map.size(); ++i)
    if (blank[square_of(i)]) blanked.data()[i] = 0;
  return blanked;
}

void write_explanation(const std::filesystem::path& path, const Tensor<float>& face, const Explanation& explanation) {
  const Tensor<float> grey = enlarged(Tensor<float>(xt::view(face, 0, 0) / 2 + 0.5f));
  const Tensor<float> gradient_input = enlarged(explanation.gradient_input), grad_cam = enlarged(explanation.grad_cam);
  Tensor<float> picture = xt::empty<float>({std::size_t{3}, shown_side, 3 * shown_side});
  for (std::size_t y = 0; y < shown_side; ++y)
    for (std::size_t x = 0; x < shown_side; ++x) {
      const float pixel = grey(0, y, x);
      const auto left = heat(gradient_input(0, y, x)), right = heat(grad_cam(0, y, x));
      for (std::size_t c = 0; c < 3; ++c) {
        picture(c, y, x) = pixel;
        picture(c, y, shown_side + x) = left[c];
        picture(c, y, 2 * shown_side + x) = (pixel + right[c]) / 2;
      }
    }
  wengert::images::write(path, picture);
}

}  // namespace expressions
