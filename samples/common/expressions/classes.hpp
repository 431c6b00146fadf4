// The seven classes of facial expressions, in the order of FER2013.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace expressions {

/// The number of classes.
inline constexpr std::size_t class_count = 7;

/// The names of the classes, by label.
inline constexpr std::array<std::string_view, class_count> class_names = {"angry", "disgust",  "fear",   "happy",
                                                                          "sad",   "surprise", "neutral"};

/// The class of the largest probability, the first of equal ones.
inline std::size_t best_class(std::span<const float> probabilities) {
  return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

}  // namespace expressions
