// The pictures of docs/data.md: draws an image, augments it, and compares the results with
// docs/images/augmentations.png.
//
// With WENGERT_PICTURES=FILE.npy, writes them for augmentations.py, which makes that picture.
#include "testing.hpp"
#include <wengert/data.hpp>
#include <wengert/images.hpp>
#include <wengert/io/npy.hpp>

#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

constexpr std::size_t tile_side = 64;

// A house under a sun, 3×64×64.
Tensor<float> house() {
  auto image = Tensor<float>::from_shape({3, tile_side, tile_side});
  for (std::size_t i = 0; i < tile_side; ++i)
    for (std::size_t j = 0; j < tile_side; ++j) {
      const auto y = static_cast<float>(i), x = static_cast<float>(j);
      std::array<float, 3> colour{0.55F, 0.75F, 0.95F};                                                 // sky
      if (y >= 52) colour = {0.35F, 0.65F, 0.3F};                                                       // grass
      if ((x - 52) * (x - 52) + (y - 11) * (y - 11) < 49) colour = {1, 0.85F, 0.2F};                    // sun
      if (x >= 14 && x < 44 && y >= 30 && y < 56) colour = {0.95F, 0.9F, 0.8F};                         // wall
      if (y >= 14 && y < 30 && std::abs(x - 28.5F) <= 1.25F * (y - 13)) colour = {0.75F, 0.25F, 0.2F};  // roof
      if (x >= 19 && x < 27 && y >= 40 && y < 56) colour = {0.45F, 0.3F, 0.2F};                         // door
      if (x >= 32 && x < 40 && y >= 37 && y < 45) colour = {0.3F, 0.45F, 0.6F};                         // window
      for (std::size_t c = 0; c < 3; ++c) image(c, i, j) = colour[c];
    }
  return image;
}

Tensor<float> augmented(const Tensor<float>& image, const data::Augmentation& changes, std::uint64_t seed) {
  Tensor<float> batch = image;
  batch.reshape({1, 3, tile_side, tile_side});
  data::augment(batch, changes, Generator(seed));
  return xt::view(batch, 0);
}

// The tiles of the picture, each 3×64×64, in reading order; smaller ones are surrounded by white.
std::vector<Tensor<float>> tiles() {
  const Tensor<float> image = house();
  const auto one = [&](const data::Augmentation& changes) { return augmented(image, changes, 3); };
  std::uint64_t mirroring = 0;  // the first seed that mirrors the image
  while (augmented(image, {.flip = true}, mirroring) == image) ++mirroring;
  const auto framed = [](const Tensor<float>& smaller) {
    Tensor<float> tile = xt::ones<float>({std::size_t{3}, tile_side, tile_side});
    const std::size_t height = smaller.shape()[1], width = smaller.shape()[2], top = (tile_side - height) / 2,
                      left = (tile_side - width) / 2;
    xt::view(tile, xt::all(), xt::range(top, top + height), xt::range(left, left + width)) = smaller;
    return tile;
  };
  const data::Augmentation all{.shift = 6,
                               .rotate = 15,
                               .scale = 0.2,
                               .flip = true,
                               .brightness = 0.2,
                               .contrast = 0.3,
                               .noise = 0.05,
                               .cutout = 20};
  return {image,
          one({.shift = 12}),
          one({.rotate = 30}),
          one({.scale = 0.4}),
          augmented(image, {.flip = true}, mirroring),
          framed(one({.crop = {40, 40}})),
          framed(data::center_crop(image, 40, 40)),
          one({.brightness = 0.5}),
          one({.contrast = 0.8}),
          one({.noise = 0.1}),
          one({.cutout = 24}),
          augmented(image, all, mirroring)};
}

}  // namespace

TEST_CASE("the picture in the docs shows what each augmentation does") {
  const std::vector<Tensor<float>> all = tiles();
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(distance(all[i], all[0]) > 0.1);
  auto stacked = Tensor<float>::from_shape({all.size(), 3, tile_side, tile_side});
  for (std::size_t i = 0; i < all.size(); ++i) xt::view(stacked, i) = xt::clip(all[i], 0.0F, 1.0F);
  if (const char* const path = std::getenv("WENGERT_PICTURES"); path != nullptr) io::save_npy(path, stacked);

  // Six tiles a row, at every 76th pixel, below 16 pixels of text; augmentations.py places them.
  const Tensor<float> sheet = images::read<float>(PROJECT_SOURCE_DIR "/docs/images/augmentations.png");
  REQUIRE(Shape(sheet.shape()) == Shape{3, 12 + 2 * 92, 12 + 6 * 76});
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    const std::size_t top = 28 + i / 6 * 92, left = 12 + i % 6 * 76;
    const Tensor<float> drawn =
        xt::view(sheet, xt::all(), xt::range(top, top + tile_side), xt::range(left, left + tile_side));
    CHECK(distance(drawn, Tensor<float>(xt::view(stacked, i))) <= 0.51 / 255);
  }
}
