// Draws faces with their expressions on a picture: a box, a label and a bar for each class.
#include "overlay.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

#include <fmt/format.h>

namespace expressions {

namespace {

// A colour for each class, blue, green, red, that is bright on the dark ground.
const std::array<cv::Scalar, class_count> colours = {
    cv::Scalar(80, 80, 255),  cv::Scalar(80, 200, 120), cv::Scalar(255, 130, 200), cv::Scalar(60, 220, 255),
    cv::Scalar(255, 160, 80), cv::Scalar(60, 160, 255), cv::Scalar(210, 210, 210)};
constexpr int font = cv::FONT_HERSHEY_SIMPLEX;

void require_colour(const cv::Mat& picture) {
  if (picture.empty() || picture.type() != CV_8UC3)
    throw wengert::ValueError("overlay", "expected a picture of three colours of 8 bits each");
}

// Darkens a part of the picture, so that what is drawn on it can be read.
void darken(cv::Mat& picture, const cv::Rect& part) {
  const cv::Rect inside = part & cv::Rect(0, 0, picture.cols, picture.rows);
  if (inside.empty()) return;
  cv::Mat pixels = picture(inside);
  pixels.convertTo(pixels, -1, 0.35);
}

// Text of a height in pixels, its lower left corner at `at`.
void write(cv::Mat& picture, const std::string& text, cv::Point at, int height, const cv::Scalar& colour) {
  const int thickness = std::max(1, height / 12);
  cv::putText(picture, text, at, font, cv::getFontScaleFromHeight(font, height, thickness), colour, thickness,
              cv::LINE_AA);
}

int text_width(const std::string& text, int height) {
  const int thickness = std::max(1, height / 12);
  return cv::getTextSize(text, font, cv::getFontScaleFromHeight(font, height, thickness), thickness, nullptr).width;
}

}  // namespace

void draw_face(cv::Mat& picture, const Box& box, std::span<const float> probabilities, std::string_view name) {
  require_colour(picture);
  if (probabilities.size() != class_count)
    throw wengert::ValueError("draw_face",
                              fmt::format("{} probabilities: expected {}", probabilities.size(), class_count));
  const std::size_t best = best_class(probabilities);
  const int letters = std::clamp(picture.rows / 36, 8, 30);  // height of capitals
  const int line = letters * 3 / 2;
  cv::rectangle(picture, {box.x, box.y, box.width, box.height}, colours[best], std::max(1, picture.rows / 240),
                cv::LINE_AA);

  // The label lies above the box, or in it where there is no room above.
  const std::string label = fmt::format("{}{}{} {:.0f}%", name, name.empty() ? "" : " ", class_names[best],
                                        100 * static_cast<double>(probabilities[best]));
  const int top = box.y >= line ? box.y - line : std::max(0, box.y);
  const int left = std::clamp(box.x, 0, std::max(0, picture.cols - text_width(label, letters)));
  darken(picture, {left, top, text_width(label, letters) + letters / 2, line});
  write(picture, label, {left + letters / 4, top + letters * 5 / 4}, letters, colours[best]);

  // The bars lie to the right of the box, or to its left; where there is no room on either side, in it, at its left.
  const int small = std::max(6, letters * 2 / 3), step = small * 3 / 2;
  const int names = text_width("surprise", small) + small, width = names + small * 6;
  int x = box.x + box.width + small / 2;
  if (x + width > picture.cols) x = box.x - small / 2 - width;
  if (x < 0) x = std::clamp(box.x, 0, std::max(0, picture.cols - width));
  const int y = std::clamp(box.y, 0, std::max(0, picture.rows - static_cast<int>(class_count) * step));
  darken(picture, {x, y, width, static_cast<int>(class_count) * step});
  for (std::size_t k = 0; k < class_count; ++k) {
    const int row = y + static_cast<int>(k) * step;
    write(picture, std::string(class_names[k]), {x + small / 3, row + small * 5 / 4}, small, colours[k]);
    const float p = probabilities[k] >= 0 ? std::min(probabilities[k], 1.0f) : 0;  // NaN: no bar
    const int length = static_cast<int>(std::lround(p * static_cast<float>(width - names - small / 3)));
    if (length > 0) cv::rectangle(picture, {x + names, row + small / 4, length, small}, colours[k], cv::FILLED);
  }
}

void draw_status(cv::Mat& picture, std::string_view text) {
  require_colour(picture);
  const int letters = std::clamp(picture.rows / 40, 7, 24);
  darken(picture, {0, 0, picture.cols, letters * 2});
  write(picture, std::string(text), {letters / 2, letters * 3 / 2}, letters, {255, 255, 255});
}

}  // namespace expressions
