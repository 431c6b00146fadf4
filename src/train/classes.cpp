// Outputs and targets as rows of scores: checks of their shapes and labels.
#include "train/classes.hpp"

#include <cmath>

#include <fmt/format.h>

namespace wengert::train {

ClassRows class_rows(const Tensor<double>& outputs, const Targets& targets, std::string_view subject, double threshold,
                     const Location& where, BeyondClasses beyond) {
  if (std::isnan(threshold)) throw ValueError(subject, "threshold is NaN: expected a number", where);
  const Shape shape(outputs.shape());
  const Shape given = std::visit([](const auto& t) { return Shape(t.shape()); }, targets);
  const auto* labels = std::get_if<Indices>(&targets);
  if (shape.rank() > 0 && shape.back() == 0 && given.elements() != 0)
    throw ShapeError(subject, fmt::format("outputs of shape {}: expected at least one class", to_string(shape)), where);
  ClassRows result;
  if (labels != nullptr && given != shape && !shape.empty() && outputs.size() != 0) result.classes = shape.back();
  if (labels == nullptr && given == shape && shape.rank() > 1) result.classes = shape.back();
  result.rows = outputs.size() / result.classes;
  Shape leading;
  for (std::size_t axis = 0; axis + 1 < shape.rank(); ++axis) leading.push_back(shape[axis]);
  if (given != shape && !(labels != nullptr && given == leading))
    throw ShapeError(subject,
                     fmt::format("outputs of shape {}, {} of shape {}: expected (…, classes) and (…)", to_string(shape),
                                 labels != nullptr ? "labels" : "targets", to_string(given)),
                     where);
  if (labels == nullptr || beyond == BeyondClasses::skipped) return result;
  const std::size_t most = std::max<std::size_t>(result.classes, 2);
  for (std::size_t row = 0; row < result.rows; ++row)
    if (const std::int64_t label = labels->data()[row]; label >= static_cast<std::int64_t>(most))
      throw LabelError(subject,
                       fmt::format("label {} in row {} of outputs of {} class{}: expected one from 0 to {}, or a "
                                   "negative one to skip the row",
                                   label, row, result.classes, result.classes == 1 ? "" : "es", most - 1),
                       where, row);
  return result;
}

}  // namespace wengert::train
