// Finds, follows and judges the faces of a sequence of pictures.
#include "live.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace expressions {

namespace {

Grey grey(const cv::Mat& picture) {
  Grey result{static_cast<std::size_t>(picture.cols), static_cast<std::size_t>(picture.rows)};
  result.pixels.resize(result.width * result.height);
  cv::Mat pixels(picture.rows, picture.cols, CV_8UC1, result.pixels.data());
  cv::cvtColor(picture, pixels, cv::COLOR_BGR2GRAY);
  return result;
}

AnalyserOptions adjusted(AnalyserOptions options, bool whole_picture) {
  if (!(options.interval >= 0))
    throw wengert::ValueError("Analyser", fmt::format("interval = {} s: expected 0 or more", options.interval));
  if (!(options.margin > -0.5 && options.margin <= 2))
    throw wengert::ValueError("Analyser", fmt::format("margin = {}: expected between −0.5 and 2", options.margin));
  if (whole_picture) {  // which is found in every picture, and is no false find
    options.interval = 0;
    options.tracker.confirmations = 1;
  }
  return options;
}

}  // namespace

Analyser::Analyser(Detect detect, Classify classify, AnalyserOptions options)
    : detect_(std::move(detect)),
      classify_(std::move(classify)),
      options_(adjusted(options, !detect_)),
      tracker_(options_.tracker) {}

std::vector<TrackedFace> Analyser::operator()(const cv::Mat& picture, double time) {
  const Grey pixels = grey(picture);
  if (!searched_ || time - *searched_ >= options_.interval) {
    searched_ = time;
    tracker_.update(detect_ ? detect_(pixels) : std::vector<Box>{{0, 0, picture.cols, picture.rows}}, time);
  } else {
    tracker_.advance(time);
  }

  std::vector<TrackedFace> faces = tracker_.visible();
  std::vector<Box> boxes;
  for (const TrackedFace& face : faces)
    if (face.found) boxes.push_back(face.box);
  if (boxes.empty()) return faces;
  const wengert::Tensor<float> probabilities = classify_(network_inputs(pixels, boxes, options_.margin));
  if (probabilities.dimension() != 2 || probabilities.shape()[0] != boxes.size() ||
      probabilities.shape()[1] != class_count)
    throw wengert::ValueError(
        "Analyser", fmt::format("the network returned shape ({}) for {} faces: expected ({}, {})",
                                fmt::join(probabilities.shape(), ", "), boxes.size(), boxes.size(), class_count));
  if (!std::all_of(probabilities.begin(), probabilities.end(), [](float p) { return std::isfinite(p); }))
    throw wengert::ValueError("Analyser",
                              "the network returned probabilities that are not finite: are its weights damaged?");
  auto from = probabilities.begin();
  for (TrackedFace& face : faces) {
    if (!face.found) continue;
    Probabilities predicted;
    std::copy_n(from, class_count, predicted.begin());
    from += class_count;
    face.probabilities = tracker_.observe(face.id, predicted);
  }
  return faces;
}

}  // namespace expressions
