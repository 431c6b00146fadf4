// Evaluates a network on samples.
#pragma once

#include "train/scores.hpp"
#include "train/step_programs.hpp"
#include <wengert/train/options.hpp>

#include <cstddef>
#include <functional>

namespace wengert::train {

/// Called with a batch, its Program after the replay, and the number of the batch's first sample.
template <class T>
using VisitBatch = std::function<void(const Batch<T>& batch, const Program<T>& program, std::size_t first)>;

/// The batch size for evaluation.
std::size_t evaluation_batch_size(std::size_t training_batch_size);

/// Throws ValueError as `subject` if all samples of data that a message calls `name` have the weight 0.
template <class T>
void require_sample_weight(const Source<T>& data, std::string_view name, std::string_view subject,
                           const Location& where);

/// Computes the loss and the metrics of all samples, in order. Messages call the data `name`. Throws ValueError if
/// their weights add up to 0.
template <class T>
void evaluate_all(StepPrograms<T>& programs, const Source<T>& data, std::string_view name, std::size_t batch_size,
                  Scores& scores, const VisitBatch<T>& visit = {});

/// The metrics to use: those asked for, otherwise the accuracy if the targets are labels of the outputs. Throws
/// ValueError if a metric is null.
template <class T>
Metrics chosen_metrics(const Metrics& asked, double threshold, const ModelInfo& info, const Batch<T>& batch,
                       const Location& where);

/// Whether the network has one output and the data one target, which are labels of its classes.
template <class T>
bool classifies(const ModelInfo& info, const Batch<T>& batch);

/// The number of classes of outputs that classify.
template <class T>
std::size_t count_of_classes(const ModelInfo& info, const Batch<T>& batch);

/// Throws ValueError as `subject` unless there is a weight for each class of the outputs, as far as these tell their
/// number, and weights are not balanced.
template <class T>
void check_class_weights(const ClassWeights& weights, const ModelInfo& info, const Batch<T>& batch,
                         std::string_view subject, const Location& where);

/// A batch of the first samples. Throws as `subject`: ValueError if there are none, ShapeError unless
/// each has targets.
template <class T>
Batch<T> first_batch(const Source<T>& data, std::size_t batch_size, std::string_view subject, const Location& where);

}  // namespace wengert::train
