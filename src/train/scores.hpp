// The loss and the metrics of a pass over samples, computed from a Program's outputs.
#pragma once

#include "train/classes.hpp"
#include <wengert/train/metrics.hpp>
#include <wengert/train/samples.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace wengert::train {

/// Converts a tensor to double. Reuses the memory of `to`.
template <class E>
void cast_into(const E& from, Tensor<double>& to) {
  if (!std::equal(from.shape().begin(), from.shape().end(), to.shape().begin(), to.shape().end()))
    to.resize(std::vector<std::size_t>(from.shape().begin(), from.shape().end()));
  std::transform(from.begin(), from.end(), to.begin(), [](auto x) { return static_cast<double>(x); });
}

/// The targets of a batch for metrics, stored in `memory`.
template <class T>
const Targets& targets_of(const Batch<T>& batch, Targets& memory) {
  if (const auto* labels = std::get_if<Indices>(&batch.targets)) {
    memory = *labels;
  } else {
    if (!std::holds_alternative<Tensor<double>>(memory)) memory.emplace<Tensor<double>>();
    cast_into(std::get<Tensor<T>>(batch.targets), std::get<Tensor<double>>(memory));
  }
  return memory;
}

/// Whether labels of the first shape can be the classes of outputs of the second.
inline bool are_labels_of(const Shape& labels, const Shape& outputs) {
  if (labels == outputs) return true;
  return labels.rank() + 1 == outputs.rank() && std::equal(labels.begin(), labels.end(), outputs.begin());
}

/// The mean loss and the metrics.
class Scores {
 public:
  Scores() = default;
  explicit Scores(Metrics metrics) : metrics_(std::move(metrics)) {}

  void reset() {
    loss_ = samples_ = 0;
    for (const auto& metric : metrics_) metric->reset();
  }
  void add_loss(double loss, std::size_t samples) {
    loss_ += loss * static_cast<double>(samples);
    samples_ += static_cast<double>(samples);
  }
  /// If a sample causes an error, calls `place(error, number)` to name it, where `number` is its index in the batch.
  template <class Outputs, class T, class Place>
  void add_outputs(const Outputs& outputs, const Batch<T>& batch, const Place& place) {
    if (metrics_.empty()) return;
    cast_into(outputs, outputs_);
    const Targets& targets = targets_of(batch, targets_);
    try {
      for (const auto& metric : metrics_) add_to(*metric, targets);
    } catch (LabelError& error) {
      const std::size_t per_sample = std::visit([](const auto& t) { return t.size(); }, targets) / batch.samples;
      place(error, error.row() / per_sample);
      throw;
    }
  }
  double loss() const { return loss_ / samples_; }
  std::vector<double> values() const {
    std::vector<double> result;
    for (const auto& metric : metrics_) result.push_back(metric->value());
    return result;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& metric : metrics_) result.push_back(metric->name());
    return result;
  }
  const Metrics& metrics() const { return metrics_; }

  /// The state as numbers, for checkpoints.
  std::vector<double> state() const {
    std::vector<double> numbers{loss_, samples_};
    for (const auto& metric : metrics_) {
      const std::vector<double> of_metric = metric->state();
      numbers.push_back(static_cast<double>(of_metric.size()));
      numbers.insert(numbers.end(), of_metric.begin(), of_metric.end());
    }
    return numbers;
  }
  void set_state(const std::vector<double>& numbers) {
    loss_ = numbers.at(0);
    samples_ = numbers.at(1);
    std::size_t at = 2;
    for (const auto& metric : metrics_) {
      const auto count = static_cast<std::size_t>(numbers.at(at++));
      if (count > numbers.size() - at) throw std::out_of_range("scores");
      metric->set_state({numbers.begin() + static_cast<std::ptrdiff_t>(at),
                         numbers.begin() + static_cast<std::ptrdiff_t>(at + count)});
      at += count;
    }
  }

 private:
  void add_to(Metric& metric, const Targets& targets) const {
    try {
      metric.add(outputs_, targets);
    } catch (const std::bad_variant_access&) {
      throw ValueError("metric", fmt::format("'{}' does not accept these targets, which are {}", metric.name(),
                                             std::holds_alternative<Indices>(targets) ? "labels: Indices"
                                                                                      : "numbers: a Tensor<double>"));
    }
  }

  Metrics metrics_;
  double loss_ = 0, samples_ = 0;
  Tensor<double> outputs_;
  Targets targets_;
};

}  // namespace wengert::train
