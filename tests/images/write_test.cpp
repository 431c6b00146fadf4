// PNG files that images::write writes, and what it refuses.
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/images.hpp>

#include <fstream>
#include <iterator>
#include <limits>
#include <string>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("an image written as PNG is read again, rounded to bytes") {
  const TemporaryFolder folder;
  for (const std::size_t channels : {std::size_t{1}, std::size_t{3}}) {
    const auto path = folder / "image.png";
    const Tensor<double> image = random_tensor({channels, 5, 7}, 1, 0, 1);
    images::write(path, image);
    const Tensor<double> read = images::read<double>(path, {.channels = channels});
    CHECK(distance(255 * read, xt::round(255 * image)) < 1e-12);
    images::write(path, Tensor<float>(xt::cast<float>(read)));  // replaces the file
    CHECK(distance(images::read<double>(path, {.channels = channels}), read) == 0);
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("values of an image beyond 0 and 1 are written as 0 and 1") {
  const TemporaryFolder folder;
  const Tensor<float> image{{{-0.5f, 0.25f, 1.5f}}};
  images::write(folder / "image.png", image);
  const Tensor<float> expected{{{0, 64 / 255.0f, 1}}};
  CHECK(distance(images::read<float>(folder / "image.png", {.channels = 1}), expected) < 1e-6);
}

TEST_CASE("what is no image is not written, and a file that exists is kept") {
  const TemporaryFolder folder;
  const auto path = folder.write("image.png", "kept");
  const Tensor<float> flat = xt::zeros<float>({4, 4}), two = xt::zeros<float>({2, 4, 4}),
                      none = xt::zeros<float>({1, 0, 4});
  for (const Tensor<float>& image : {flat, two, none})
    CHECK_ERROR(ShapeError, "expected an image C×H×W with 1 or 3 channels", images::write(path, image));
  Tensor<float> broken = xt::zeros<float>({1, 2, 2});
  broken(0, 1, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK_ERROR(ValueError, "element (0, 1, 0) is NaN", images::write(path, broken));
  std::ifstream in(path);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "kept");
  CHECK(folder.files() == 1);
  const Tensor<float> image = xt::zeros<float>({1, 2, 2});
  CHECK_ERROR(FileError, "images::write", images::write(folder / "no/folder.png", image));
}
