// Sources, networks and screens that stand for real ones in the tests of 24_expressions_live.
#pragma once

#include "24_expressions_live/live.hpp"
#include <wengert/base/error.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace expressions::testing {

/// Pictures of one grey each, at 25 a second; each takes a time to read. `fails_after`: throws after so many.
struct Grounds final : Capture {
  std::vector<cv::Scalar> greys;
  cv::Size size{64, 64};
  std::chrono::milliseconds delay{0};
  std::size_t fails_after = static_cast<std::size_t>(-1);
  std::size_t next = 0;
  bool is_recorded = false;

  explicit Grounds(std::vector<cv::Scalar> all) : greys(std::move(all)) {}
  bool read(cv::Mat& picture, double& time) override {
    std::this_thread::sleep_for(delay);
    if (next == fails_after) throw wengert::FileError("camera", "camera 0 delivers no more pictures: pulled out?");
    if (next == greys.size()) return false;
    picture = cv::Mat(size, CV_8UC3, greys[next]);
    time = static_cast<double>(next++) / 25;
    return true;
  }
  double rate() const override { return 25; }
  bool recorded() const override { return is_recorded; }
};

/// `count` pictures, dark until `change`, then bright.
inline std::vector<cv::Scalar> dark_then_bright(std::size_t count, std::size_t change) {
  std::vector<cv::Scalar> greys;
  for (std::size_t i = 0; i < count; ++i)
    greys.push_back(i < change ? cv::Scalar(40, 40, 40) : cv::Scalar(220, 220, 220));
  return greys;
}

/// A function that opens Grounds, changed by `adjust`.
inline Feed::Open grounds(std::vector<cv::Scalar> greys, const std::function<void(Grounds&)>& adjust = {}) {
  return [greys = std::move(greys), adjust](const Stopped&) {
    auto source = std::make_unique<Grounds>(greys);
    if (adjust) adjust(*source);
    return source;
  };
}

/// Judges bright faces as happy, dark ones as sad.
inline wengert::Tensor<float> by_brightness(const wengert::Tensor<float>& faces) {
  wengert::Tensor<float> result = xt::zeros<float>({faces.shape()[0], class_count});
  for (std::size_t i = 0; i < faces.shape()[0]; ++i) result(i, faces(i, 0, 32, 32) > 0 ? 3 : 4) = 1;
  return result;
}

/// A screen on which keys are pressed at given pictures: key k at the end of picture `first`.
struct PressedKeys final : Screen {
  std::vector<std::pair<std::size_t, Key>> keys;
  std::vector<cv::Mat> shown{};

  explicit PressedKeys(std::vector<std::pair<std::size_t, Key>> all) : keys(std::move(all)) {}
  void show(const cv::Mat& picture) override { shown.push_back(picture.clone()); }
  Key key(int milliseconds) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    if (keys.empty() || shown.size() < keys.front().first) return Key::none;
    const Key pressed = keys.front().second;
    keys.erase(keys.begin());
    return pressed;
  }
};

/// The lines of a text file.
inline std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace expressions::testing
