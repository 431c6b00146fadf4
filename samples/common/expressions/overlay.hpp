// Draws faces with their expressions on a picture: a box, a label and a bar for each class.
#pragma once

#include "classes.hpp"
#include "face.hpp"

#include <span>
#include <string_view>

namespace cv {
class Mat;
}

namespace expressions {

/// Draws the box of a face, its most probable class above or below it, and seven bars beside it, where there is room.
/// `name` precedes the class: a number, say. `picture` is a colour picture (BGR, 8 bits); the box may extend beyond it.
/// Throws ValueError unless there are seven probabilities and the picture is in colour.
void draw_face(cv::Mat& picture, const Box& box, std::span<const float> probabilities, std::string_view name = {});

/// Writes a line of text on a dark strip at the top of a picture.
void draw_status(cv::Mat& picture, std::string_view text);

}  // namespace expressions
