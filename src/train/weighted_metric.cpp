// Weights of a batch's rows, and metrics on whole tensors.
#include "train/weighted_metric.hpp"

#include "base/located.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace wengert::train {

RowWeights::RowWeights(std::span<const double> weights, const Tensor<double>& outputs, std::size_t rows,
                       std::string_view subject)
    : weights_(weights) {
  if (weights.empty()) return;
  const std::size_t samples = outputs.dimension() == 0 ? 1 : outputs.shape()[0];
  if (weights.size() != rows && weights.size() != samples)
    throw ShapeError(
        subject,
        fmt::format("{} sample weights for outputs of shape {}: expected {}", weights.size(),
                    to_string(Shape(outputs.shape())),
                    rows == samples ? fmt::format("{}, one for each sample", samples)
                                    : fmt::format("{}, one for each sample, or {}, one for each row", samples, rows)));
  const auto wrong = std::ranges::find_if(weights, [](double w) { return !(w >= 0) || std::isinf(w); });
  if (wrong != weights.end())
    throw ValueError(
        subject, fmt::format("sample weight {} at position {}: expected a finite number that is not negative", *wrong,
                             wrong - weights.begin()));
  rows_per_weight_ = std::max<std::size_t>(rows / weights.size(), 1);
}

std::string averaged_name(std::string_view name, Average average, std::size_t positive) {
  switch (average) {
    case Average::micro:
      return fmt::format("{}_micro", name);
    case Average::weighted:
      return fmt::format("{}_weighted", name);
    case Average::binary:
      return fmt::format("{}_{}", name, positive);
    case Average::macro:
      break;
  }
  return std::string(name);
}

void check_positive(std::string_view subject, std::size_t positive, std::size_t classes, std::size_t count) {
  if (count == 0) count = std::max<std::size_t>(classes, 2);
  if (positive >= count)
    throw ValueError(subject, fmt::format("positive class {} of outputs of {} class{}: expected one from 0 to {}",
                                          positive, classes, classes == 1 ? "" : "es", count - 1));
}

void check_numeric_targets(std::string_view subject, const Shape& outputs, const Shape& targets, bool are_labels,
                           std::string_view if_labels) {
  if (are_labels) throw ValueError(subject, std::string(if_labels));
  if (outputs != targets)
    throw ShapeError(
        subject, fmt::format("outputs of shape {}, targets of shape {}: expected equal shapes{}", to_string(outputs),
                             to_string(targets),
                             outputs.elements() == targets.elements() ? ": reshape one to the other's" : ""));
}

const Tensor<double>& numeric_targets(std::string_view subject, const Tensor<double>& outputs, const Targets& targets,
                                      std::string_view if_labels) {
  const auto* numbers = std::get_if<Tensor<double>>(&targets);
  check_numeric_targets(subject, Shape(outputs.shape()), numbers == nullptr ? Shape() : Shape(numbers->shape()),
                        numbers == nullptr, if_labels);
  return *numbers;
}

std::size_t columns_of(const Tensor<double>& outputs) { return outputs.dimension() < 2 ? 1 : outputs.shape().back(); }

void check_columns(std::string_view subject, std::size_t columns, std::size_t before) {
  if (before != 0 && before != columns)
    throw ShapeError(subject, fmt::format("outputs of {} columns after batches of {}: expected the same number in each "
                                          "batch",
                                          columns, before));
}

void Metric::check_shapes(const Shape&, const Shape&, bool) const {}

void Metric::add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) {
  if (!weights.empty())
    throw ValueError(name(),
                     "this metric takes no sample weights: override Metric::add_weighted, or measure it without");
  add(outputs, targets);
}

namespace {

double value_on(Metric* metric, const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights,
                const Location& where) {
  if (metric == nullptr)
    throw ValueError("measure", "the metric is a null pointer: expected one such as accuracy()", where);
  return located("measure", where, [&] {
    metric->reset();
    metric->add_weighted(outputs, targets, weights);
    const double value = metric->value();
    metric->reset();
    return value;
  });
}

}  // namespace

template <class T>
double measure(const std::shared_ptr<Metric>& metric, const Tensor<T>& outputs, const Indices& labels,
               std::span<const double> weights, Location where) {
  return value_on(metric.get(), xt::cast<double>(outputs), labels, weights, where);
}
template <class T>
double measure(const std::shared_ptr<Metric>& metric, const Tensor<T>& outputs, const Tensor<T>& targets,
               std::span<const double> weights, Location where) {
  return value_on(metric.get(), xt::cast<double>(outputs), Tensor<double>(xt::cast<double>(targets)), weights, where);
}

#define INSTANTIATE(T)                                                                                                 \
  template double measure(const std::shared_ptr<Metric>&, const Tensor<T>&, const Indices&, std::span<const double>,   \
                          Location);                                                                                   \
  template double measure(const std::shared_ptr<Metric>&, const Tensor<T>&, const Tensor<T>&, std::span<const double>, \
                          Location);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
