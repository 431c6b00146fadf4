// Detector and overlay: boxes in the picture's pixels, and drawings that stay inside the picture.
#include "common/expressions/detector.hpp"

#include "common/expressions/overlay.hpp"
#include "pictures.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/base/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace expressions;
using wengert::testing::message_of;

namespace {

// A picture twice as wide and high, each pixel four times.
Grey doubled(const Grey& picture) {
  Grey result{2 * picture.width, 2 * picture.height, {}};
  for (std::size_t y = 0; y < result.height; ++y)
    for (std::size_t x = 0; x < result.width; ++x)
      result.pixels.push_back(picture.pixels[y / 2 * picture.width + x / 2]);
  return result;
}

void check_astronaut(const std::vector<Box>& faces, int scale) {
  REQUIRE(faces.size() == 1);
  const Box expected = testing::astronaut_face;
  CHECK(std::abs(faces[0].x + faces[0].width / 2 - scale * (expected.x + expected.width / 2)) < 15 * scale);
  CHECK(std::abs(faces[0].y + faces[0].height / 2 - scale * (expected.y + expected.height / 2)) < 20 * scale);
  CHECK(faces[0].width > 80 * scale);
  CHECK(faces[0].width < 150 * scale);
}

}  // namespace

TEST_CASE("the astronaut's face is found, in pixels of the picture, whatever height is searched") {
  const auto folder = testing::data_or_skip("astronaut");
  if (folder.empty()) return;
  const Grey picture = read_grey(folder / "astronaut.png");
  for (const int height : {0, 240, 320}) {
    CAPTURE(height);
    check_astronaut(Detector({.height = height}).faces(picture), 1);
    check_astronaut(Detector({.height = height}).faces(doubled(picture)), 2);
  }
  CHECK(Detector({.smallest = 0.5}).faces(picture).empty());
}

TEST_CASE("there is no face in a plain or an empty picture") {
  const Detector detector;
  CHECK(detector.faces({300, 200, std::vector<std::uint8_t>(300 * 200, 128)}).empty());
  CHECK(detector.faces({1, 1, {0}}).empty());
  CHECK(detector.faces({3, 500, std::vector<std::uint8_t>(1500, 9)}).empty());
  CHECK(detector.faces({}).empty());
}

TEST_CASE("a detector refuses files that are no cascades, options out of range and pictures without pixels") {
  const wengert::testing::TemporaryFolder folder;
  const auto refusal = [](const DetectorOptions& options) {
    return message_of<wengert::Error>([&] { Detector{options}; });
  };
  const auto none = folder / "none.xml", text = folder.write("text.xml", "no cascade"),
             other = folder.write("other.xml", "<?xml version=\"1.0\"?><opencv_storage><a>1</a></opencv_storage>");
  CHECK(refusal({.cascade = none}) == "[Detector] " + none.string() + ": there is no such file");
  for (const auto& path : {text, other})
    CHECK(refusal({.cascade = path}) ==
          "[Detector] " + path.string() + ": expected an XML file with a cascade of OpenCV");
  CHECK(refusal({.smallest = 0}) == "[Detector] smallest = 0: expected more than 0, at most 1");
  CHECK(refusal({.step = 1}) == "[Detector] step = 1: expected more than 1");
  CHECK(refusal({.height = -1}) == "[Detector] height = -1: expected 0 or more");
  CHECK(message_of<wengert::ValueError>([] {
          Detector().faces({2, 2, {0}});
        }) == "[Detector] a picture of 2×2 has 1 pixels: expected width·height");
}

TEST_CASE("an overlay is drawn for boxes anywhere, in pictures of any size") {
  const std::array<float, 7> probabilities = {0.1f, 0, 0, 0.9f, 0, 0, 0};
  for (const cv::Size size : {cv::Size(640, 480), cv::Size(40, 30), cv::Size(1, 1), cv::Size(2000, 100)})
    for (const Box& box :
         {Box{0, 0, size.width, size.height}, Box{-50, -50, 20, 20}, Box{size.width, size.height, 90, 90},
          Box{size.width / 3, size.height / 3, size.width / 4, size.height / 4}}) {
      cv::Mat picture(size, CV_8UC3, cv::Scalar(100, 100, 100));
      draw_face(picture, box, probabilities, "1");
      draw_status(picture, "25.0 fps");
      CHECK(picture.size() == size);
      CHECK(cv::norm(picture, cv::Mat(size, CV_8UC3, cv::Scalar(100, 100, 100)), cv::NORM_INF) > 0);
    }
}

TEST_CASE("a bar is as long as its probability") {
  // Columns in the colour of happiness, right of a small box at the left.
  const auto bar = [](float happy) {
    cv::Mat picture(480, 640, CV_8UC3, cv::Scalar(0, 0, 0)), mask;
    std::array<float, 7> probabilities{};
    probabilities[3] = happy;
    probabilities[4] = 1 - happy;
    draw_face(picture, {10, 100, 50, 50}, probabilities);
    cv::inRange(picture, cv::Scalar(60, 220, 255), cv::Scalar(60, 220, 255), mask);
    int longest = 0;
    for (int y = 0; y < mask.rows; ++y) {
      int run = 0;
      for (int x = 0; x < mask.cols; ++x) {
        run = mask.at<std::uint8_t>(y, x) != 0 ? run + 1 : 0;
        if (x > 70) longest = std::max(longest, run);
      }
    }
    return longest;
  };
  CHECK(std::abs(bar(0.4f) - 2 * bar(0.2f)) <= 2);
  CHECK(bar(0.4f) > 15);
}

TEST_CASE("an overlay refuses grey pictures, and other numbers of probabilities") {
  cv::Mat grey(10, 10, CV_8UC1), colour(10, 10, CV_8UC3);
  const std::array<float, 7> seven{};
  CHECK(message_of<wengert::ValueError>([&] { draw_face(grey, {}, seven); }) ==
        "[overlay] expected a picture of three colours of 8 bits each");
  CHECK(message_of<wengert::ValueError>([&] { draw_face(colour, {}, std::span(seven).first(3)); }) ==
        "[draw_face] 3 probabilities: expected 7");
}
