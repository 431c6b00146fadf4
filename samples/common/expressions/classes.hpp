// The seven classes of facial expressions, in the order of FER2013.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace expressions {

/// The number of classes.
inline constexpr std::size_t class_count = 7;

/// The names of the classes, by label.
inline constexpr std::array<std::string_view, class_count> class_names = {"angry", "disgust",  "fear",   "happy",
                                                                          "sad",   "surprise", "neutral"};

}  // namespace expressions
