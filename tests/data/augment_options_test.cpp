// Image augmentation: moves against SciPy and exact ones; scale, crop, brightness, contrast and cutout.
#include "data/image_move.hpp"
#include "testing.hpp"
#include <wengert/data/augment.hpp>
#include <wengert/data/loader.hpp>
#include <wengert/io/npz.hpp>

#include <cmath>
#include <map>
#include <numbers>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

// Returns the window of an H×W image after moves.
Tensor<double> moved_window(const Tensor<double>& image, const Move& move, std::size_t height, std::size_t width,
                            double fill = 0) {
  const Plane<double> plane{image.data(), static_cast<std::ptrdiff_t>(image.shape()[0]),
                            static_cast<std::ptrdiff_t>(image.shape()[1]), fill};
  auto result = Tensor<double>::from_shape({height, width});
  const bool resampled = move.angle != 0 || move.scale != 1;
  move_plane(plane, move, resampled, static_cast<std::ptrdiff_t>(height), static_cast<std::ptrdiff_t>(width),
             result.data());
  return result;
}

Tensor<double> counted(const std::vector<std::size_t>& shape) {
  Tensor<double> images = Tensor<double>::from_shape(shape);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<double>(i + 1);
  return images;
}

}  // namespace

TEST_CASE("moved images are SciPy's") {
  std::map<std::string, Tensor<double>> arrays;
  for (auto& [name, value] : io::load_npz<double>(PROJECT_SOURCE_DIR "/tests/data/augment_reference.npz"))
    arrays.emplace(name, value);
  const Tensor<double>& moves = arrays.at("moves");
  REQUIRE(moves.shape()[0] == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    const auto integer = [&](std::size_t j) { return static_cast<std::ptrdiff_t>(moves(i, j)); };
    const Move move{.down = integer(3),
                    .right = integer(4),
                    .angle = moves(i, 2) * std::numbers::pi / 180,
                    .flip = moves(i, 0) == 1,
                    .scale = moves(i, 1),
                    .top = integer(5),
                    .left = integer(6)};
    CHECK(distance(moved_window(arrays.at("image"), move, 5, 6, 0.25), arrays.at("moved." + std::to_string(i))) <
          1e-13);
  }
}

TEST_CASE("quarter turns and integer zooms are exact but for rounding") {
  const Tensor<double> image = counted({4, 4});
  Tensor<double> turned = image;
  for (int quarters = 1; quarters <= 4; ++quarters) {
    const Tensor<double> before = turned;
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j) turned(i, j) = before(j, 3 - i);  // numpy.rot90
    CHECK(distance(moved_window(image, {.angle = quarters * std::numbers::pi / 2}, 4, 4), turned) < 1e-13);
  }
  const Tensor<double> odd = counted({3, 5});
  const Tensor<double> twice = moved_window(odd, {.scale = 2}, 3, 5);
  for (std::size_t j = 0; j < 5; ++j) CHECK(twice(1, j) == doctest::Approx(7 + 0.5 * static_cast<double>(j)));
  CHECK(moved_window(odd, {.down = 1, .right = -2}, 3, 5, -1) ==
        Tensor<double>{{-1, -1, -1, -1, -1}, {3, 4, 5, -1, -1}, {8, 9, 10, -1, -1}});
  CHECK(moved_window(odd, {.flip = true, .top = 1, .left = 2}, 2, 3) == Tensor<double>{{8, 7, 6}, {13, 12, 11}});
}

TEST_CASE("images are zoomed about their centre, by a factor within the limit") {
  // The image x relative to the centre becomes x / factor.
  Tensor<double> images = Tensor<double>::from_shape({200, 7, 9});
  for (std::size_t n = 0; n < 200; ++n)
    for (std::size_t i = 0; i < 7; ++i)
      for (std::size_t j = 0; j < 9; ++j) images(n, i, j) = static_cast<double>(j) - 4;
  augment(images, {.scale = 0.25}, Generator(3));
  double least = 2, most = 0;
  for (std::size_t n = 0; n < 200; ++n) {
    const double factor = 1 / images(n, 3, 5);
    least = std::min(least, factor);
    most = std::max(most, factor);
    for (std::size_t j = 2; j < 7; ++j)
      CHECK(images(n, 2, j) == doctest::Approx((static_cast<double>(j) - 4) / factor).epsilon(1e-12));
  }
  CHECK((least > 0.75 && least < 0.77));
  CHECK((most < 1.25 && most > 1.23));
}

TEST_CASE("a crop keeps a window at a random place, every place being as likely") {
  const Tensor<double> before = counted({600, 2, 4, 5});
  Tensor<double> after = before, flat = before;
  augment(after, {.crop = {3, 4}}, Generator(4));
  REQUIRE(Shape(after.shape()) == Shape{600, 2, 3, 4});
  std::map<std::pair<std::size_t, std::size_t>, int> counts;
  for (std::size_t n = 0; n < 600; ++n) {
    const auto corner = static_cast<std::size_t>(after(n, 0, 0, 0) - before(n, 0, 0, 0));
    const std::size_t top = corner / 5, left = corner % 5;
    CHECK(Tensor<double>(xt::view(after, n)) ==
          Tensor<double>(xt::view(before, n, xt::all(), xt::range(top, top + 3), xt::range(left, left + 4))));
    ++counts[{top, left}];
  }
  CHECK(counts.size() == 4);
  for (const auto& [corner, count] : counts) CHECK(std::abs(count - 150) < 53);  // 5 standard deviations
  flat.reshape({600, 40});
  augment(flat, {.crop = {3, 4}, .image = {2, 4, 5}}, Generator(4));
  REQUIRE(Shape(flat.shape()) == Shape{600, 24});
  flat.reshape({600, 2, 3, 4});
  CHECK(flat == after);
  // The shape of an image beside a batch that is not flattened, which keeps its axes.
  Tensor<double> whole = before;
  augment(whole, {.crop = {3, 4}, .image = {2, 4, 5}}, Generator(4));
  CHECK(whole == after);
  Tensor<double> one_channel = counted({3, 1, 4, 5}), rows = one_channel;
  augment(one_channel, {.crop = {3, 4}, .image = {4, 5}}, Generator(4));
  REQUIRE(Shape(one_channel.shape()) == Shape{3, 1, 3, 4});
  rows.reshape({3, 20});
  augment(rows, {.crop = {3, 4}, .image = {4, 5}}, Generator(4));
  one_channel.reshape({3, 12});
  CHECK(one_channel == rows);
  Tensor<float> none = Tensor<float>::from_shape({0, 4, 5});
  augment(none, {.crop = {2, 2}}, Generator(1));
  CHECK(Shape(none.shape()) == Shape{0, 2, 2});
  Tensor<double> columns = counted({3, 2, 10});
  CHECK_ERROR(ShapeError,
              "a batch of shape (3, 2, 10): expected rows that are images of shape (4, 5), flattened, or images whose "
              "last axes are those of (4, 5)",
              augment(columns, {.crop = {3, 4}, .image = {4, 5}}, Generator(4)));
  CHECK(columns == counted({3, 2, 10}));
}

TEST_CASE("brightness multiplies, contrast spreads about the mean grey") {
  const Tensor<double> before = random_tensor({100, 3, 4, 5}, 1, 0, 1);
  Tensor<double> bright = before, steep = before, both = before;
  augment(bright, {.brightness = 0.4}, Generator(5));
  augment(steep, {.contrast = 0.5}, Generator(5));
  augment(both, {.brightness = 0.4, .contrast = 0.5}, Generator(5));
  double least = 2, most = 0, flattest = 2, steepest = 0;
  for (std::size_t n = 0; n < 100; ++n) {
    const Tensor<double> was = xt::view(before, n);
    const double factor = bright(n, 0, 0, 0) / before(n, 0, 0, 0);
    least = std::min(least, factor);
    most = std::max(most, factor);
    CHECK(distance(Tensor<double>(xt::view(bright, n)), Tensor<double>(factor * was)) < 1e-13);
    const auto mean = [&](std::size_t c) { return xt::mean(xt::view(before, n, c))(); };
    const double grey = 0.299 * mean(0) + 0.587 * mean(1) + 0.114 * mean(2);
    const double slope = (steep(n, 0, 0, 0) - steep(n, 2, 3, 4)) / (before(n, 0, 0, 0) - before(n, 2, 3, 4));
    flattest = std::min(flattest, slope);
    steepest = std::max(steepest, slope);
    CHECK(distance(Tensor<double>(xt::view(steep, n)), Tensor<double>(grey + slope * (was - grey))) < 1e-12);
    CHECK(distance(Tensor<double>(xt::view(both, n)), Tensor<double>(factor * (grey + slope * (was - grey)))) < 1e-12);
  }
  CHECK((least > 0.6 && least < 0.65 && most < 1.4 && most > 1.35));
  CHECK((flattest > 0.5 && flattest < 0.55 && steepest < 1.5 && steepest > 1.45));
  Tensor<double> grey = random_tensor({50, 4, 5}, 2, 0, 1);
  const Tensor<double> was = grey;
  augment(grey, {.contrast = 1}, Generator(6));
  for (std::size_t n = 0; n < 50; ++n)
    CHECK(xt::mean(xt::view(grey, n))() == doctest::Approx(xt::mean(xt::view(was, n))()).epsilon(1e-12));
  CHECK(distance(grey, was) > 0.1);
}

TEST_CASE("cutout covers a square around a random pixel, also over noise") {
  constexpr std::size_t height = 6, width = 8, count = 2400;
  for (const std::size_t side : {std::size_t{3}, std::size_t{4}}) {
    const Tensor<double> before = random_tensor({count, 2, height, width}, 1);
    Tensor<double> after = before;
    augment(after, {.cutout = side, .fill = 9}, Generator(7));
    std::map<std::pair<std::size_t, std::size_t>, int> centres;
    for (std::size_t n = 0; n < count; ++n) {
      bool found = false;
      for (std::size_t y = 0; y < height && !found; ++y)
        for (std::size_t x = 0; x < width && !found; ++x) {
          Tensor<double> expected = xt::view(before, n);
          const auto first = [&](std::size_t at) { return at < side / 2 ? 0 : at - side / 2; };
          xt::view(expected, xt::all(), xt::range(first(y), std::min(height, y - side / 2 + side)),
                   xt::range(first(x), std::min(width, x - side / 2 + side))) = 9;
          found = expected == Tensor<double>(xt::view(after, n));
          if (found) ++centres[{y, x}];
        }
      CHECK(found);
    }
    CHECK(centres.size() == height * width);
    for (const auto& [centre, times] : centres) CHECK(std::abs(times - 50) < 35);  // 5 standard deviations
  }
  Tensor<float> noisy = xt::zeros<float>({10, 6, 6});
  augment(noisy, {.noise = 1, .cutout = 12, .fill = 9}, Generator(8));
  CHECK(noisy == 9 * xt::ones<float>({10, 6, 6}));
}

TEST_CASE("all changes together follow from the generator, in float and double, alone or in a Loader") {
  const Augmentation all{.shift = 1,
                         .rotate = 15,
                         .scale = 0.2,
                         .flip = true,
                         .crop = {5, 4},
                         .brightness = 0.2,
                         .contrast = 0.3,
                         .cutout = 2,
                         .fill = 0.5};
  const Tensor<double> before = random_tensor({20, 3, 6, 6}, 1);
  Tensor<double> images = before, again = before, other = before;
  Tensor<float> narrow = xt::cast<float>(before);
  augment(images, all, Generator(5, 17));
  augment(again, all, Generator(5, 17));
  augment(other, all, Generator(6, 17));
  augment(narrow, all, Generator(5, 17));
  CHECK(again == images);
  CHECK(other != images);
  CHECK(distance(images, narrow) < 1e-5);
  const Dataset<double> data{before, Indices(xt::zeros<std::int64_t>({20})), 1};
  const auto epoch = [&](std::size_t prefetch) {
    const Loader loader(
        data, {.batch_size = 8, .seed = 3, .prefetch = prefetch, .transform = [&](auto& batch, auto& generator) {
                 augment(batch.inputs, all, generator);
               }});
    std::vector<Tensor<double>> batches;
    for (const auto& batch : loader.epoch(1)) batches.push_back(batch.inputs);
    return batches;
  };
  const auto batches = epoch(2);
  REQUIRE(batches.size() == 3);
  CHECK(Shape(batches[2].shape()) == Shape{4, 3, 5, 4});
  CHECK(batches == epoch(0));
}

TEST_CASE("limits beyond what makes sense are refused, and nothing is changed") {
  Generator generator(1);
  Tensor<float> images = random_tensor<float>({3, 4, 5}, 1);
  const Tensor<float> before = images;
  CHECK_ERROR(ValueError, "[augment] scale 1: expected at least 0 and below 1",
              augment(images, {.scale = 1}, generator));
  CHECK_ERROR(ValueError, "scale nan: expected", augment(images, {.scale = std::nan("")}, generator));
  CHECK_ERROR(ValueError, "brightness -0.1: expected at least 0 and at most 1",
              augment(images, {.brightness = -0.1}, generator));
  CHECK_ERROR(ValueError, "contrast 2: expected at least 0 and at most 1", augment(images, {.contrast = 2}, generator));
  for (const Shape& crop : {Shape{5, 5}, Shape{4, 6}, Shape{4}, Shape{0, 3}})
    CHECK_ERROR(ValueError, "expected a height and a width of at least 1 and at most those of the image, 4 by 5 pixels",
                augment(images, {.crop = crop}, generator));
  CHECK(images == before);
  CHECK(generator.counter() == 0);
}

TEST_CASE("the centre of images is cropped") {
  const Tensor<double> image = counted({4, 5});
  CHECK(center_crop(image, 2, 3) == Tensor<double>{{7, 8, 9}, {12, 13, 14}});
  CHECK(center_crop(image, 1, 2) == Tensor<double>{{13, 14}});  // margins of 3: 2 above and left, 1 below and right
  // int(round(m / 2.0)) in Python for the margins 0 … 11.
  const std::vector<std::size_t> above{0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6};
  const Tensor<double> line = counted({1, 12}), column = counted({12, 1});
  for (std::size_t margin = 0; margin < above.size(); ++margin) {
    CAPTURE(margin);
    CHECK(center_crop(line, 1, 12 - margin)(0, 0) == static_cast<double>(above[margin] + 1));
    CHECK(center_crop(column, 12 - margin, 1)(0, 0) == static_cast<double>(above[margin] + 1));
  }
  CHECK(center_crop(image, 4, 5) == image);
  const Tensor<float> batch = random_tensor<float>({2, 3, 6, 5}, 1);
  CHECK(center_crop(batch, 2, 3) ==
        Tensor<float>(xt::view(batch, xt::all(), xt::all(), xt::range(2, 4), xt::range(1, 4))));
  CHECK_ERROR(ShapeError, "[center_crop] shape (2,): expected images …×H×W", center_crop(Tensor<double>{1, 2}, 1, 1));
  CHECK_ERROR(ValueError, "a window of 5 by 2 pixels: expected at least 1 by 1 and at most the images' 4 by 5",
              center_crop(image, 5, 2));
  CHECK_ERROR(ValueError, "a window of 0 by 2 pixels", center_crop(image, 0, 2));
}
