// Finds faces in pictures by OpenCV's cascade of Haar features.
#include "detector.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace expressions {

namespace {

constexpr const char* debian_cascade = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml";

void check_options(const DetectorOptions& o) {
  const auto refuse = [](const std::string& what) { throw wengert::ValueError("Detector", what); };
  if (!(o.smallest > 0 && o.smallest <= 1))
    refuse(fmt::format("smallest = {}: expected more than 0, at most 1", o.smallest));
  if (o.height < 0) refuse(fmt::format("height = {}: expected 0 or more", o.height));
  if (!(o.step > 1)) refuse(fmt::format("step = {}: expected more than 1", o.step));
  if (o.neighbours < 0) refuse(fmt::format("neighbours = {}: expected 0 or more", o.neighbours));
}

}  // namespace

struct Detector::State {
  DetectorOptions options;
  cv::CascadeClassifier cascade{};
};

Detector::Detector(DetectorOptions options) : state_(std::make_unique<State>(State{std::move(options)})) {
  check_options(state_->options);
  const bool chosen = !state_->options.cascade.empty();
  const std::filesystem::path file = chosen ? state_->options.cascade : debian_cascade;
  if (!std::filesystem::is_regular_file(file))
    throw wengert::FileError("Detector", file.string() + (chosen ? ": there is no such file"
                                                                 : ": there is no such file; install Debian's "
                                                                   "opencv-data, or name a cascade of OpenCV"));
  bool loaded = false;
  try {
    loaded = state_->cascade.load(file.string());
  } catch (const cv::Exception&) {
  }
  if (!loaded) throw wengert::FileError("Detector", file.string() + ": expected an XML file with a cascade of OpenCV");
}

Detector::~Detector() = default;
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;

std::vector<Box> Detector::faces(const Grey& picture) const {
  const DetectorOptions& o = state_->options;
  if (picture.pixels.size() != picture.width * picture.height)
    throw wengert::ValueError("Detector", fmt::format("a picture of {}×{} has {} pixels: expected width·height",
                                                      picture.width, picture.height, picture.pixels.size()));
  if (picture.pixels.empty()) return {};
  const int width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
  // OpenCV has no view of constant pixels; none are written.
  cv::Mat searched(height, width, CV_8UC1, const_cast<std::uint8_t*>(picture.pixels.data()));
  const double scale = o.height > 0 && height > o.height ? static_cast<double>(o.height) / height : 1;
  if (scale < 1) {
    cv::Mat reduced;
    cv::resize(searched, reduced, {std::max(1, static_cast<int>(std::lround(width * scale))), o.height}, 0, 0,
               cv::INTER_AREA);
    searched = reduced;
  }
  const int smallest = std::max(1, static_cast<int>(std::lround(o.smallest * searched.rows)));
  std::vector<cv::Rect> found;
  state_->cascade.detectMultiScale(searched, found, o.step, o.neighbours, 0, {smallest, smallest});

  std::vector<Box> boxes;
  const cv::Rect whole(0, 0, width, height);
  for (const cv::Rect& r : found) {
    const auto original = [&](int reduced) { return static_cast<int>(std::lround(reduced / scale)); };
    const cv::Rect box = cv::Rect(original(r.x), original(r.y), original(r.width), original(r.height)) & whole;
    boxes.push_back({box.x, box.y, box.width, box.height});
  }
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    return a.width * a.height != b.width * b.height ? a.width * a.height > b.width * b.height : a.x < b.x;
  });
  return boxes;
}

}  // namespace expressions
