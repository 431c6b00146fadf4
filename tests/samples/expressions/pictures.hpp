// Pictures and data for the tests of the samples on facial expressions.
#pragma once

#include "common/expressions/face.hpp"
#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

namespace expressions::testing {

/// The fetched data set, or an empty path, with a message, if it is not fetched.
inline std::filesystem::path data_or_skip(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(PROJECT_SOURCE_DIR) / "build/data" / name;
  if (std::filesystem::is_directory(folder)) return folder;
  MESSAGE("skipped: run bash samples/fetch_data.sh ", name);
  return {};
}

/// Picture k of those that mini_xception.mjs makes by the same rule: squares of 1, 2, 4, 8 or 16 pixels, each with a
/// value that is a hash of its place.
inline Grey hashed_picture(std::size_t k) {
  Grey picture{face_side, face_side};
  const std::size_t square = std::size_t{1} << (k % 5);
  for (std::size_t i = 0; i < face_side * face_side; ++i) {
    const auto factor = [](std::size_t n, std::uint32_t by) { return (static_cast<std::uint32_t>(n) + 1) * by; };
    std::uint32_t h =
        factor(k, 73856093) ^ factor(i / face_side / square, 19349663) ^ factor(i % face_side / square, 83492791);
    h = (h ^ (h >> 16)) * 0x7feb352d;
    h = (h ^ (h >> 15)) * 0x846ca68b;
    picture.pixels.push_back(static_cast<std::uint8_t>((h ^ (h >> 16)) & 255));
  }
  return picture;
}

/// The inputs for hashed pictures 0 … n−1, n×1×64×64.
inline wengert::Tensor<float> hashed_inputs(std::size_t n) {
  wengert::Tensor<float> inputs = xt::empty<float>({n, std::size_t{1}, face_side, face_side});
  for (std::size_t k = 0; k < n; ++k) {
    const auto input = network_input(hashed_picture(k));
    std::copy(input.begin(), input.end(), inputs.begin() + static_cast<std::ptrdiff_t>(k * face_side * face_side));
  }
  return inputs;
}

/// The box of the face in the photograph `astronaut`.
inline constexpr Box astronaut_face{160, 64, 128, 128};

}  // namespace expressions::testing
