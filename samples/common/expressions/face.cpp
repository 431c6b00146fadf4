// Grey pictures, and faces cut out of them as inputs of a network.
#include "face.hpp"

#include <wengert/base/error.hpp>
#include <wengert/images/image.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace expressions {

namespace {

constexpr int largest_side = 8192;  // of a face, in pixels

void require_pixels(const Grey& picture, const char* subject) {
  if (picture.width == 0 || picture.height == 0 || picture.pixels.size() != picture.width * picture.height)
    throw wengert::ValueError(
        subject, fmt::format("a picture of {}×{} has {} pixels: expected at least one, and width·height", picture.width,
                             picture.height, picture.pixels.size()));
}

}  // namespace

Grey read_grey(const std::filesystem::path& path) {
  const auto values = wengert::images::read<float>(path, {.channels = 1});
  Grey picture{values.shape()[2], values.shape()[1]};
  picture.pixels.reserve(values.size());
  for (const float v : values) picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * v)));
  return picture;
}

Box square(const Box& box, double margin) {
  const int side = static_cast<int>(std::lround(std::max(box.width, box.height) * (1 + 2 * margin)));
  return {box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side};
}

Grey crop(const Grey& picture, const Box& box) {
  require_pixels(picture, "crop");
  if (box.width < 1 || box.height < 1)
    throw wengert::ValueError("crop", fmt::format("the box is {}×{}: expected at least 1×1", box.width, box.height));
  Grey part{static_cast<std::size_t>(box.width), static_cast<std::size_t>(box.height)};
  part.pixels.reserve(part.width * part.height);
  const auto inside = [](int at, std::size_t extent) {
    return static_cast<std::size_t>(std::clamp(at, 0, static_cast<int>(extent) - 1));
  };
  for (int y = box.y; y < box.y + box.height; ++y)
    for (int x = box.x; x < box.x + box.width; ++x)
      part.pixels.push_back(picture.pixels[inside(y, picture.height) * picture.width + inside(x, picture.width)]);
  return part;
}

wengert::Tensor<float> network_input(const Grey& face) {
  require_pixels(face, "network_input");
  wengert::Tensor<float> values = xt::empty<float>({std::size_t{1}, face.height, face.width});
  std::transform(face.pixels.begin(), face.pixels.end(), values.begin(), [](std::uint8_t v) { return v / 255.0f; });
  if (face.height != face_side || face.width != face_side)
    values = wengert::images::resize(values, face_side, face_side);
  for (float& v : values) v = (v - 0.5f) * 2;
  values.reshape({std::size_t{1}, std::size_t{1}, face_side, face_side});
  return values;
}

wengert::Tensor<float> network_inputs(const Grey& picture, std::span<const Box> boxes, double margin) {
  wengert::Tensor<float> inputs = xt::empty<float>({boxes.size(), std::size_t{1}, face_side, face_side});
  auto to = inputs.begin();
  for (const Box& box : boxes) {
    const Box whole = square(box, margin);
    if (whole.width > largest_side)  // the square of a long and narrow picture may take more memory than there is
      throw wengert::ValueError("network_inputs", fmt::format("the square around a face of {}×{} pixels has {} a side: "
                                                              "expected at most {}",
                                                              box.width, box.height, whole.width, largest_side));
    const wengert::Tensor<float> input = network_input(crop(picture, whole));
    to = std::copy(input.begin(), input.end(), to);
  }
  return inputs;
}

}  // namespace expressions
