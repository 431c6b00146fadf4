// Outputs and targets as rows of scores: checks of their shapes and labels.
#include "train/classes.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace wengert::train {
namespace {

Shape without_last(const Shape& shape) {
  Shape result;
  for (std::size_t axis = 0; axis + 1 < shape.rank(); ++axis) result.push_back(shape[axis]);
  return result;
}

// How to make the shapes of outputs and targets fit.
std::string cure_of_shapes(const Shape& outputs, const Shape& targets, bool are_labels) {
  if (!outputs.empty() && targets == without_last(outputs)) {
    if (outputs.back() == 1)
      return fmt::format(": pass labels as Indices, or reshape the targets to {}", to_string(outputs));
    return ": pass labels as Indices";
  }
  if (targets.empty() || targets.back() != 1) return "";
  const Shape without = without_last(targets);
  if (without != outputs && !(are_labels && !outputs.empty() && without == without_last(outputs))) return "";
  return fmt::format(": reshape the {} to {}", are_labels ? "labels" : "targets", to_string(without));
}

std::string at_element(const Tensor<double>& targets, std::size_t element) {
  return fmt::format("{:.6g} at {}", targets.data()[element], to_string(unravel(element, Shape(targets.shape()))));
}

constexpr std::string_view other_metrics =
    "for numbers, use a metric of numbers such as mae() or r_squared(); for several labels a row, "
    "roc_auc({.multilabel = true})";

}  // namespace

void require_yes_or_no(const Tensor<double>& targets, std::string_view subject, const Location& where) {
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (const double target = targets.data()[i]; target != 0 && target != 1 && target != -1)
      throw LabelError(subject,
                       fmt::format("target {}: expected 0 (or −1) for no, 1 for yes; for numbers, use a metric of "
                                   "numbers such as mae() or r_squared()",
                                   at_element(targets, i)),
                       where, i);
}

void require_one_hot(const Tensor<double>& targets, std::size_t classes, std::string_view subject,
                     const Location& where) {
  for (std::size_t first = 0; first < targets.size(); first += classes) {
    std::size_t ones = 0;
    for (std::size_t i = first; i < first + classes; ++i) {
      const double target = targets.data()[i];
      if (target != 0 && target != 1)
        throw LabelError(subject,
                         fmt::format("target {}: expected rows of 0 with a single 1, or labels as Indices; {}",
                                     at_element(targets, i), other_metrics),
                         where, i);
      ones += target == 1 ? 1 : 0;
    }
    if (ones != 1)
      throw LabelError(subject,
                       fmt::format("row {} of the targets has {} ones: expected a single 1, or labels as Indices; {}",
                                   first / classes, ones, other_metrics),
                       where, first);
  }
}

ClassRows check_class_shapes(const Shape& outputs, const Shape& targets, bool are_labels, std::string_view subject,
                             const Location& where) {
  if (outputs.rank() > 0 && outputs.back() == 0 && targets.elements() != 0)
    throw ShapeError(subject, fmt::format("outputs of shape {}: expected at least one class", to_string(outputs)),
                     where);
  if (targets != outputs && !(are_labels && targets == without_last(outputs)))
    throw ShapeError(subject,
                     fmt::format("outputs of shape {}, {} of shape {}: expected (…, classes) and (…){}",
                                 to_string(outputs), are_labels ? "labels" : "targets", to_string(targets),
                                 cure_of_shapes(outputs, targets, are_labels)),
                     where);
  ClassRows result;
  const bool has_classes = are_labels ? targets != outputs : outputs.rank() > 1;
  if (has_classes && outputs.elements() != 0) result.classes = outputs.back();
  result.rows = outputs.elements() / result.classes;
  return result;
}

ClassRows class_rows(const Tensor<double>& outputs, const Targets& targets, std::string_view subject, double threshold,
                     const Location& where, BeyondClasses beyond) {
  if (std::isnan(threshold)) throw ValueError(subject, "threshold is NaN: expected a number", where);
  const auto* labels = std::get_if<Indices>(&targets);
  const ClassRows result =
      check_class_shapes(Shape(outputs.shape()), std::visit([](const auto& t) { return Shape(t.shape()); }, targets),
                         labels != nullptr, subject, where);
  if (const auto* numbers = std::get_if<Tensor<double>>(&targets)) {
    if (result.classes == 1)
      require_yes_or_no(*numbers, subject, where);
    else
      require_one_hot(*numbers, result.classes, subject, where);
  }
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
