// The loss, its terms and the metrics of a pass over samples, computed from the results of Programs.
#pragma once

#include "train/step_programs.hpp"
#include <wengert/train/metrics.hpp>
#include <wengert/train/samples.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wengert::train {

/// Converts a tensor to double. Reuses the memory of `to`.
template <class E>
void cast_into(const E& from, Tensor<double>& to) {
  if (!std::equal(from.shape().begin(), from.shape().end(), to.shape().begin(), to.shape().end()))
    to.resize(std::vector<std::size_t>(from.shape().begin(), from.shape().end()));
  std::transform(from.begin(), from.end(), to.begin(), [](auto x) { return static_cast<double>(x); });
}

/// Targets for metrics, stored in `memory`.
template <class T>
const Targets& targets_of(const Array<T>& targets, Targets& memory) {
  if (const auto* labels = std::get_if<Indices>(&targets)) {
    memory = *labels;
  } else {
    if (!std::holds_alternative<Tensor<double>>(memory)) memory.emplace<Tensor<double>>();
    cast_into(std::get<Tensor<T>>(targets), std::get<Tensor<double>>(memory));
  }
  return memory;
}

/// Whether labels of the first shape can be the classes of outputs of the second.
inline bool are_labels_of(const Shape& labels, const Shape& outputs) {
  if (labels == outputs) return true;
  return labels.rank() + 1 == outputs.rank() && std::equal(labels.begin(), labels.end(), outputs.begin());
}

/// The mean loss, the means of its terms, and the metrics. Their names and values are those of the terms, then those of
/// the metrics.
class Scores {
 public:
  Scores() = default;
  /// Throws ValueError as `subject` if it is not clear which output and target a metric compares, or if there are none.
  Scores(Metrics metrics, const ModelInfo& info, std::vector<std::string> target_names, std::string_view subject,
         const Location& where);

  /// Throws, as the metrics do, unless outputs and targets of these shapes fit them.
  template <class T>
  void check_shapes(const std::vector<std::pair<std::string, Shape>>& outputs, const Batch<T>& batch) const;

  void reset();
  /// Adds the loss of a batch, and its terms: the first results of a Program.
  template <class T>
  void add_loss(const Program<T>& program, const Batch<T>& batch);
  /// Adds the outputs of a batch to the metrics. If a sample causes an error, calls `place(error, number)` to name it,
  /// where `number` is its index in the batch.
  template <class T>
  void add_outputs(const Program<T>& program, const Batch<T>& batch,
                   const std::function<void(Error& error, std::size_t number)>& place);
  double loss() const { return losses_.front() / weight_; }
  /// Throws ValueError as `subject` if the weights of all samples since the last reset, those of `data`, add up to 0.
  void require_weight(std::string_view subject, std::string_view data, const Location& where) const;
  std::vector<double> values() const;
  std::vector<std::string> names() const;
  const Metrics& metrics() const { return metrics_; }

  /// The state as numbers, for checkpoints.
  std::vector<double> state() const;
  /// Restores a state. Throws std::out_of_range if it is of other scores.
  void set_state(const std::vector<double>& numbers);

 private:
  // The output and the target that a metric compares.
  struct Pair {
    std::size_t output, target;
  };
  Pair pair_of(const Metric& metric, const ModelInfo& info, const std::vector<std::string>& target_names,
               std::string_view subject, const Location& where) const;

  Metrics metrics_;
  std::vector<Pair> pairs_;           // one for each metric
  std::vector<std::string> terms_;    // of the loss
  std::size_t first_output_ = 1;      // among the results of a Program
  std::vector<double> losses_ = {0};  // the sums of the loss and its terms, times weights
  double weight_ = 0;                 // the sum of the weights
  Tensor<double> outputs_;
  Targets targets_;
};

}  // namespace wengert::train
