// Image augmentation: statistics of shifts, mirroring, rotations and noise, reproducibility, and rejected arguments.
#include "testing.hpp"
#include <wengert/data/augment.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

// Images with distinct pixels: 1, 2, 3, …
Tensor<double> numbered(const Shape& shape) {
  auto images = Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<double>(i + 1);
  return images;
}

// Returns the shift of image `n` (N×H×W), if it was shifted by whole pixels and all other pixels are `fill`.
std::optional<std::pair<int, int>> shift_of(const Tensor<double>& after, const Tensor<double>& before, std::size_t n,
                                            int most, double fill) {
  const int height = static_cast<int>(before.shape()[1]), width = static_cast<int>(before.shape()[2]);
  for (int down = -most; down <= most; ++down)
    for (int right = -most; right <= most; ++right) {
      bool fits = true;
      for (int i = 0; i < height; ++i)
        for (int j = 0; j < width; ++j) {
          const int row = i - down, column = j - right;
          const bool inside = row >= 0 && row < height && column >= 0 && column < width;
          fits = fits && after(n, i, j) == (inside ? before(n, row, column) : fill);
        }
      if (fits) return std::pair(down, right);
    }
  return std::nullopt;
}

}  // namespace

TEST_CASE("images are shifted by whole pixels, every shift being as likely") {
  const Tensor<double> before = numbered({900, 5, 6});
  Tensor<double> after = before;
  Generator generator(1);
  augment(after, {.shift = 1, .fill = -7}, generator);
  std::map<std::pair<int, int>, int> counts;
  for (std::size_t n = 0; n < 900; ++n) {
    const auto shift = shift_of(after, before, n, 1, -7);
    REQUIRE(shift);
    ++counts[*shift];
  }
  CHECK(counts.size() == 9);
  for (const auto& [shift, count] : counts) CHECK(std::abs(count - 100) < 48);  // 5 standard deviations
}

TEST_CASE("half of the images are mirrored, with all their channels") {
  const Tensor<double> before = numbered({400, 3, 2, 4});
  Tensor<double> after = before;
  Generator generator(2);
  augment(after, {.flip = true}, generator);
  int mirrored = 0;
  for (std::size_t n = 0; n < 400; ++n) {
    const Tensor<double> was = xt::view(before, n), is = xt::view(after, n);
    const Tensor<double> mirror = xt::view(was, xt::all(), xt::all(), xt::range(3, xt::placeholders::_, -1));
    const bool flipped = is == mirror;
    CHECK((flipped || is == was));
    mirrored += flipped ? 1 : 0;
  }
  CHECK(std::abs(mirrored - 200) < 50);
}

// A linear image stays linear under bilinear interpolation: relative to the centre, pixel (y, x) of the image a·y + b·x
// rotated by t is a·(cos t·y + sin t·x) + b·(cos t·x − sin t·y).
TEST_CASE("images are turned about their centre, by at most the angle") {
  constexpr std::size_t height = 9, width = 11, count = 200;
  Tensor<double> images = Tensor<double>::from_shape({count, 2, height, width});
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t i = 0; i < height; ++i)
      for (std::size_t j = 0; j < width; ++j) {
        images(n, 0, i, j) = static_cast<double>(i) - 4;
        images(n, 1, i, j) = static_cast<double>(j) - 5;
      }
  Generator generator(3);
  augment(images, {.rotate = 30}, generator);
  double least = 1, most = -1;
  for (std::size_t n = 0; n < count; ++n) {
    const double sine = images(n, 0, 4, 6), cosine = images(n, 1, 4, 6);  // the pixel at y = 0, x = 1
    CHECK(std::abs(sine * sine + cosine * cosine - 1) < 1e-13);
    const double angle = std::atan2(sine, cosine);
    least = std::min(least, angle);
    most = std::max(most, angle);
    for (std::size_t i = 2; i < 7; ++i)
      for (std::size_t j = 3; j < 8; ++j) {
        const double y = static_cast<double>(i) - 4, x = static_cast<double>(j) - 5;
        CHECK(std::abs(images(n, 0, i, j) - (cosine * y + sine * x)) < 1e-13);
        CHECK(std::abs(images(n, 1, i, j) - (cosine * x - sine * y)) < 1e-13);
      }
  }
  const double limit = 30 * 3.14159265358979 / 180;
  CHECK((least > -limit && least < -0.9 * limit));
  CHECK((most < limit && most > 0.9 * limit));
}

TEST_CASE("noise is normal, of the deviation asked for") {
  Tensor<double> images = xt::ones<double>({100, 10, 10});
  Generator generator(4);
  augment(images, {.noise = 0.25}, generator);
  CHECK(std::abs(xt::mean(images)() - 1) < 0.0125);  // 5 standard deviations of the mean
  CHECK(std::abs(xt::stddev(images)() - 0.25) < 0.01);
}

TEST_CASE("the same generator gives the same images, laid flat or not, in float or double") {
  const Augmentation all{.shift = 2, .rotate = 15, .flip = true, .noise = 0.1, .fill = 0.5};
  const Tensor<double> before = random_tensor({20, 6, 6}, 1);
  Tensor<double> images = before, again = before, other = before;
  Tensor<double> flat = before;
  flat.reshape({20, 36});
  Generator generator(5, 17), same(5, 17), third(5, 17), fourth(6, 17);
  augment(images, all, generator);
  CHECK(generator.counter() > 17);
  augment(again, all, same);
  CHECK(again == images);
  augment(other, all, fourth);
  CHECK(other != images);
  Augmentation of_rows = all;
  of_rows.image = {6, 6};
  augment(flat, of_rows, third);
  flat.reshape({20, 6, 6});
  CHECK(flat == images);

  Augmentation moving = all;
  moving.noise = 0;
  Tensor<double> wide = before;
  Tensor<float> narrow = xt::cast<float>(before);
  Generator a(7), b(7);
  augment(wide, moving, a);
  augment(narrow, moving, b);
  CHECK(distance(wide, narrow) < 1e-6);
}

TEST_CASE("nothing to do changes nothing, and draws nothing") {
  Tensor<float> images = random_tensor<float>({3, 4, 5}, 1);
  const Tensor<float> before = images;
  Generator generator(1, 5);
  augment(images, {}, generator);
  CHECK(images == before);
  CHECK(generator.counter() == 5);
  Tensor<float> none = Tensor<float>::from_shape({0, 4, 5});
  augment(none, {.shift = 1}, generator);
  CHECK(none.size() == 0);
}

TEST_CASE("what are no images, or no amounts, is refused") {
  Generator generator(1);
  Tensor<float> images = random_tensor<float>({3, 4, 5}, 1), flat = random_tensor<float>({3, 20}, 1);
  const Tensor<float> before = images;
  CHECK_ERROR(ShapeError,
              "[augment] a batch of shape (3, 20): expected images N×H×W or N×C×H×W; if each row is a flattened image",
              augment(flat, {.shift = 1}, generator));
  CHECK_ERROR(ShapeError, "expected rows that are images of shape (4, 6)",
              augment(flat, {.shift = 1, .image = {4, 6}}, generator));
  CHECK_ERROR(ShapeError, "expected images H×W or C×H×W", augment(flat, {.image = {20}}, generator));
  CHECK_ERROR(ValueError, "[augment] shift 4: expected less than the size of the image, 4 by 5 pixels",
              augment(images, {.shift = 4}, generator));
  CHECK_ERROR(ValueError, "rotate -1: expected a finite number of at least 0",
              augment(images, {.rotate = -1}, generator));
  CHECK_ERROR(ValueError, "noise nan: expected", augment(images, {.noise = std::nan("")}, generator));
  CHECK_ERROR(ValueError, "fill inf: expected", augment(images, {.fill = INFINITY}, generator));
  CHECK(images == before);
  CHECK(generator.counter() == 0);
}
