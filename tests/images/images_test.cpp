// PNG and JPEG decoding, resizing against PyTorch, image folders, and rejection of damaged files.
#include "images/images_fixture.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/images.hpp>

#include <cmath>
#include <string_view>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <std::size_t size>
std::string_view bytes(const unsigned char (&file)[size]) {
  return {reinterpret_cast<const char*>(file), size};
}

// The image of images_fixture.py, with values 0 … 255.
Tensor<double> coloured() {
  auto image = Tensor<double>::from_shape({3, 10, 12});
  for (std::size_t y = 0; y < 10; ++y)
    for (std::size_t x = 0; x < 12; ++x) {
      image(0, y, x) = 20 * static_cast<double>(y);
      image(1, y, x) = 20 * static_cast<double>(x);
      image(2, y, x) = 250 - 10 * static_cast<double>(x + y);
    }
  return image;
}

Tensor<double> grey() {
  Tensor<double> image = coloured();
  for (std::size_t c = 1; c < 3; ++c) xt::view(image, c) = xt::view(image, 0);
  return image;
}

Tensor<double> in_bytes(const Tensor<double>& image) { return 255 * image; }

std::string complaint(const std::filesystem::path& path) {
  return file_complaint([&] { images::read<float>(path); });
}

// Returns a PNG file whose header claims `side`×`side` pixels and has a valid checksum.
std::string claiming(std::uint32_t side) {
  std::string png(bytes(colour_png));
  const auto put = [&](std::size_t at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) png[at + i] = static_cast<char>(number >> (24 - 8 * i) & 0xFF);
  };
  put(16, side);
  put(20, side);
  std::uint32_t sum = 0xFFFFFFFF;
  for (std::size_t i = 12; i < 29; ++i) {
    sum ^= static_cast<unsigned char>(png[i]);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320U : 0);
  }
  put(29, ~sum);
  return png;
}

}  // namespace

TEST_CASE("PNG images of every kind are read exactly") {
  const TemporaryFolder folder;
  const auto read = [&](std::string_view file) { return in_bytes(images::read<double>(folder.write("x", file))); };
  constexpr double rounding = 1e-12;
  CHECK(distance(read(bytes(colour_png)), coloured()) < rounding);
  CHECK(distance(read(bytes(palette_png)), coloured()) < rounding);
  CHECK(distance(read(bytes(grey_png)), grey()) < rounding);
  CHECK(distance(read(bytes(deep_png)), grey()) < rounding);
  const Tensor<double> bits = read(bytes(bits_png));
  for (std::size_t y = 0; y < 10; ++y) CHECK(xt::all(xt::equal(xt::view(bits, xt::all(), y), y % 2 == 0 ? 255 : 0)));
  Tensor<double> half = coloured();
  xt::view(half, xt::all(), xt::all(), xt::range(6, 12)) = 0;
  CHECK(distance(read(bytes(transparent_png)), half) < rounding);
}

TEST_CASE("JPEG images are read, as nearly as they were kept") {
  const TemporaryFolder folder;
  const auto read = [&](std::string_view file) { return in_bytes(images::read<double>(folder.write("x", file))); };
  CHECK(distance(read(bytes(colour_jpeg)), coloured()) < 6);
  CHECK(distance(read(bytes(progressive_jpeg)), read(bytes(colour_jpeg))) < 1e-12);
  CHECK(distance(read(bytes(grey_jpeg)), grey()) < 3);
  CHECK(contains(complaint(folder.write("x", bytes(cmyk_jpeg))), "x: 4 colour components: expected 1 or 3"));
}

TEST_CASE("colours become grey by their brightness") {
  const TemporaryFolder folder;
  const auto path = folder.write("x", bytes(colour_png));
  const Tensor<float> image = images::read<float>(path, {.channels = 1});
  CHECK(Shape(image.shape()) == Shape{1, 10, 12});
  const Tensor<double> c = coloured();
  const Tensor<double> expected = (0.299 * xt::view(c, xt::range(0, 1)) + 0.587 * xt::view(c, xt::range(1, 2)) +
                                   0.114 * xt::view(c, xt::range(2, 3))) /
                                  255;
  CHECK(distance(image, expected) < 1e-6);
  CHECK(distance(in_bytes(images::read<double>(folder.write("x", bytes(grey_png)), {.channels = 1})),
                 Tensor<double>(xt::view(grey(), xt::range(0, 1)))) < 1e-12);
}

TEST_CASE("images are resized as PyTorch does with antialias") {
  auto image = Tensor<double>::from_shape({1, 5, 7});
  for (std::size_t i = 0; i < 35; ++i) image.data()[i] = static_cast<double>(13 * i % 17) / 16;
  const auto expected = [](const double* from, std::size_t height, std::size_t width) {
    auto tensor = Tensor<double>::from_shape({1, height, width});
    std::copy_n(from, height * width, tensor.data());
    return tensor;
  };
  CHECK(distance(images::resize(image, 2, 3), expected(resized_2x3, 2, 3)) < 1e-14);
  CHECK(distance(images::resize(image, 9, 11), expected(resized_9x11, 9, 11)) < 1e-14);
  CHECK(distance(images::resize(image, 3, 14), expected(resized_3x14, 3, 14)) < 1e-14);
  CHECK(distance(images::resize(image, 5, 4), expected(resized_5x4, 5, 4)) < 1e-14);
  CHECK(images::resize(image, 5, 7) == image);
  const TemporaryFolder folder;
  const auto path = folder.write("x", bytes(colour_png));
  CHECK(images::read<double>(path, {.height = 4, .width = 6}) == images::resize(images::read<double>(path), 4, 6));
  CHECK_ERROR(ValueError, "[images::resize] 0 by 3 pixels", images::resize(image, 0, 3));
  CHECK_ERROR(ShapeError, "[images::resize] shape (2,)", images::resize(Tensor<double>{1, 2}, 3, 3));
}

TEST_CASE("the shorter side is resized by PyTorch's figures, and the centre is cropped") {
  auto image = Tensor<double>::from_shape({1, 5, 7});
  for (std::size_t i = 0; i < 35; ++i) image.data()[i] = static_cast<double>(13 * i % 17) / 16;
  const auto check = [&](const double* from, std::size_t size, std::size_t height, std::size_t width) {
    const Tensor<double> result = images::resize_shorter_side(image, size);
    REQUIRE(Shape(result.shape()) == Shape{1, height, width});
    auto expected = Tensor<double>::from_shape({1, height, width});
    std::copy_n(from, height * width, expected.data());
    CHECK(distance(result, expected) < 1e-14);
    const Tensor<double> upright = xt::transpose(image, {0, 2, 1});
    CHECK(distance(images::resize_shorter_side(upright, size), Tensor<double>(xt::transpose(expected, {0, 2, 1}))) <
          1e-14);
  };
  check(resized_3x4, 3, 3, 4);  // ⌊3 · 7/5⌋ = 4
  check(resized_10x14, 10, 10, 14);
  CHECK(images::resize_shorter_side(image, 5) == image);
  CHECK_ERROR(ValueError, "[images::resize_shorter_side] 0 pixels: expected 1 to",
              images::resize_shorter_side(image, 0));
  CHECK_ERROR(ShapeError, "[images::resize_shorter_side] shape (2,)",
              images::resize_shorter_side(Tensor<double>{1, 2}, 3));

  const TemporaryFolder folder;
  const auto path = folder.write("x", bytes(colour_png));  // 10×12
  const auto read = [&](const images::ReadOptions& options) { return images::read<double>(path, options); };
  const Tensor<double> smaller = images::resize(read({}), 5, 6);
  CHECK(read({.shorter_side = 5}) == smaller);
  CHECK(read({.height = 3, .width = 2, .shorter_side = 5}) ==
        Tensor<double>(xt::view(smaller, xt::all(), xt::range(1, 4), xt::range(2, 4))));
  CHECK(contains(file_complaint([&] { read({.height = 6, .width = 6, .shorter_side = 5}); }),
                 "x: 5 by 6 pixels after resizing: expected at least the crop, 6 by 6"));

  // Resized before it is cropped, an image of 1×65500 pixels would take 51 GB.
  const auto narrow = folder.write("narrow", bytes(narrow_png));
  CHECK(contains(file_complaint([&] { images::read<float>(narrow, {.height = 24, .width = 24, .shorter_side = 32}); }),
                 "narrow: 1 by 200 pixels: expected one side to be less than 100 times as long as the other with "
                 "shorter_side; crop the image, or set height and width alone"));
  CHECK(Shape(images::read<float>(narrow, {.height = 2, .width = 2}).shape()) == Shape{3, 2, 2});
}

TEST_CASE("transparent parts show the background") {
  const TemporaryFolder folder;
  const auto path = folder.write("transparent", bytes(transparent_png));
  for (const double background : {0.0, 0.2, 1.0}) {
    Tensor<double> expected = coloured();
    xt::view(expected, xt::all(), xt::all(), xt::range(6, 12)) = 255 * background;
    CHECK(distance(in_bytes(images::read<double>(path, {.background = background})), expected) < 1e-12);
  }
  // Opacities from 20 x + 2 y, and a palette's. Pillow rounds to bytes.
  const auto over = [&](std::string_view file, double background, std::size_t channels = 3) {
    return in_bytes(images::read<double>(folder.write("x", file), {.channels = channels, .background = background}));
  };
  const auto pillow = [](const unsigned char(&pixels)[360]) {
    auto image = Tensor<double>::from_shape({3, 10, 12});
    for (std::size_t i = 0; i < 360; ++i) image.data()[i % 3 * 120 + i / 3] = pixels[i];
    return image;
  };
  CHECK(distance(over(bytes(half_transparent_png), 0.2), pillow(half_transparent_over_51)) <= 0.5);
  CHECK(distance(over(bytes(palette_transparent_png), 0.2), pillow(palette_transparent_over_51)) <= 0.5);
  const auto blended = [](const Tensor<double>& image, double background) {
    Tensor<double> result = image;
    for (std::size_t i = 0; i < image.size(); ++i) {
      const double opacity = static_cast<double>(20 * (i % 12) + 2 * (i / 12 % 10)) / 255;
      result.data()[i] = opacity * image.data()[i] + (1 - opacity) * 255 * background;
    }
    return result;
  };
  const Tensor<double> all = coloured();
  const auto plane = [&](std::size_t c) { return xt::view(all, c); };
  const Tensor<double> luma = 0.299 * plane(0) + 0.587 * plane(1) + 0.114 * plane(2);
  for (const double background : {0.0, 0.3, 1.0}) {
    CHECK(distance(over(bytes(half_transparent_png), background), blended(coloured(), background)) < 1e-12);
    CHECK(distance(over(bytes(grey_transparent_png), background), blended(grey(), background)) < 1e-12);
    const Tensor<double> one = over(bytes(half_transparent_png), background, 1);
    CHECK(distance(Tensor<double>(xt::view(one, 0)), blended(luma, background)) < 1e-12);
  }
  for (const double background : {-0.1, 1.1, std::nan("")})
    CHECK_ERROR(ValueError, "expected a grey from 0 to 1", images::read<float>(path, {.background = background}));
}

TEST_CASE("truncated and damaged images, and headers that claim too much, are refused") {
  const TemporaryFolder folder;
  for (const std::string_view whole : {bytes(colour_png), bytes(colour_jpeg), bytes(progressive_jpeg)})
    for (std::size_t length = 0; length + 12 < whole.size(); length += 3)  // 12 more bytes follow the pixels of a PNG
      CHECK(contains(complaint(folder.write("x", whole.substr(0, length))), "[images::read] "));
  std::string damaged(bytes(colour_png));
  damaged[damaged.find("IDAT") + 10] ^= 1;
  CHECK(contains(complaint(folder.write("x", damaged)), "x: is not a valid PNG image: "));

  // 1,000,000 × 1,000,000 pixels, and 32,768 × 32,768 pixels in 200,000 bytes, which is possible at one bit each.
  CHECK(contains(complaint(folder.write("x", claiming(1'000'000))),
                 fmt::format("its header claims 1000000 by 1000000 pixels: more than its {} bytes can hold",
                             bytes(colour_png).size())));
  std::string lying = claiming(32'768);
  lying.resize(200'000);
  CHECK(contains(complaint(folder.write("x", lying)),
                 "its header claims 32768 by 32768 pixels: more than its 200000 bytes can hold"));
  lying = bytes(colour_jpeg);
  const std::size_t frame = lying.find("\xff\xc0");
  lying.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  CHECK(contains(complaint(folder.write("x", lying)), "its header claims 65500 by 65500 pixels: more than its "));

  CHECK(complaint(folder / "none") == "[images::read] " + (folder / "none").string() + ": no such file");
  CHECK(contains(complaint(folder.write("x", "GIF89a")), "x: is neither a PNG nor a JPEG image"));
  CHECK_ERROR(ValueError, "[images::read] 4 channels: expected 3 or 1", images::read<float>("x", {.channels = 4}));
  CHECK_ERROR(ValueError, "height 0 and width 5: expected both or neither", images::read<float>("x", {.width = 5}));
}

TEST_CASE("a folder's folders are the classes of their images") {
  const TemporaryFolder folder;
  for (const char* name : {"rose", "daisy", ".hidden"}) std::filesystem::create_directory(folder / name);
  folder.write("rose/2.JPG", bytes(colour_jpeg));
  folder.write("rose/1.png", bytes(colour_png));
  folder.write("rose/notes.txt", "not an image");
  folder.write("daisy/a.jpeg", bytes(grey_jpeg));
  folder.write("daisy/.b.png", "hidden");
  folder.write("readme", "not a folder");
  const images::Folder images = images::list_folder(folder / ".");
  CHECK(images.classes == std::vector<std::string>{"daisy", "rose"});
  CHECK(images.labels == Indices{0, 1, 1});
  REQUIRE(images.size() == 3);
  CHECK(images.files[0].filename() == "a.jpeg");
  CHECK(images.files[1].filename() == "1.png");
  CHECK(images.files[2].filename() == "2.JPG");

  const data::Dataset<float> data = images::read_folder<float>(images);
  CHECK(Shape(data.inputs.shape()) == Shape{3, 3, 10, 12});
  CHECK(data.labels == images.labels);
  CHECK(data.classes == 2);
  CHECK(distance(in_bytes(Tensor<double>(xt::view(data.inputs, 1))), coloured()) < 1e-4);
  const data::Loader loader(images::folder_source<float>(images), {.batch_size = 2, .shuffle = false});
  std::size_t seen = 0;
  for (const auto& batch : loader.epoch(0))
    for (std::size_t i = 0; i < batch.samples.size(); ++i, ++seen) {
      CHECK(Tensor<float>(xt::view(batch.inputs, i)) == Tensor<float>(xt::view(data.inputs, seen)));
      CHECK(batch.targets(i) == data.labels(seen));
    }
  CHECK(seen == 3);
}

TEST_CASE("a folder without images by class is refused") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::filesystem::path& path) {
    return file_complaint([&] { images::list_folder(path); });
  };
  CHECK(refusal(folder / "none") == "[images::list_folder] " + (folder / "none").string() + ": no such folder");
  CHECK(contains(refusal(folder.write("file", "")), "file: is a file: expected a folder"));
  CHECK(contains(refusal(folder / "."), "has no folders: expected one for each class"));
  std::filesystem::create_directory(folder / "empty");
  CHECK(contains(refusal(folder / "."), "empty: contains no .png, .jpg or .jpeg files"));

  folder.write("empty/a.png", bytes(colour_png));
  folder.write("empty/b.png", bytes(colour_png));
  folder.write("empty/c.png", bytes(small_png));
  const auto complaint_of_reading = [&](const images::ReadOptions& options) {
    return file_complaint([&] { images::read_folder<float>(images::list_folder(folder / "."), options); });
  };
  CHECK(contains(complaint_of_reading({}), "[images::read_folder] "));
  CHECK(contains(complaint_of_reading({}), "c.png: 4 by 5 pixels, where "));
  CHECK(contains(complaint_of_reading({}), "a.png has 10 by 12: set a height and a width for all"));
  CHECK(
      Shape(images::read_folder<float>(images::list_folder(folder / "."), {.height = 6, .width = 7}).inputs.shape()) ==
      Shape{3, 3, 6, 7});
  folder.write("empty/c.png", "text");
  CHECK(contains(complaint_of_reading({}), "c.png: is neither a PNG nor a JPEG image"));
}

TEST_CASE("guide: images by class") {
  const TemporaryFolder flowers_folder;
  std::filesystem::create_directories(flowers_folder / "flowers/daisy");
  flowers_folder.write("flowers/daisy/001.jpg", bytes(colour_jpeg));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(flowers_folder / ".");
  // clang-format off
  const images::Folder folder = images::list_folder("flowers");                                    // flowers/daisy/001.jpg …
  data::Dataset<float> flowers = images::read_folder<float>(folder, {.height = 64, .width = 64});  // N×3×64×64, 0 … 1
  data::Dataset<float> squares = images::read_folder<float>(folder, {.height = 64, .width = 64, .shorter_side = 72});
  // clang-format on
  std::filesystem::current_path(before);
  CHECK(Shape(squares.inputs.shape()) == Shape{1, 3, 64, 64});
  CHECK(Shape(flowers.inputs.shape()) == Shape{1, 3, 64, 64});
}
