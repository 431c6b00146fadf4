// Metrics of a network's outputs: functions of whole tensors, and Metric objects that accumulate over batches.
//
//     train::accuracy(network_outputs, labels)                       // a number
//     train::fit(…, {.metrics = {train::accuracy(), train::top_k_accuracy(5)}})
//
// Outputs of shape (…, K) are scores of K classes; the prediction is the class with the largest score, the first of
// equal ones. Outputs of the labels' own shape, or with a last axis of extent 1, are binary: they predict class 1 above
// a threshold, by default 0, which suits logits; for probabilities, pass 0.5: `train::accuracy(0.5)`. A prediction from
// scores that contain a NaN is always wrong; in top_k_accuracy, the NaN of another class ranks above all numbers.
//
// Targets are labels or tensors. Labels are integers: negative ones, such as padding, are ignored, and one that is not
// a class throws ValueError. Tensors are rows of K scores, the largest of which marks the class, or numbers, which mean
// class 1 above ½.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/report/confusion_matrix.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace wengert::train {

/// The targets that outputs are compared with: numbers or labels.
using Targets = std::variant<Tensor<double>, Indices>;

/// The predicted class of each row of outputs (…, K); for K = 1, it is 1 above the threshold, otherwise 0. Throws
/// ShapeError for outputs without classes.
template <class T>
Indices predicted_classes(const Tensor<T>& outputs, double threshold = 0, Location where = Location::current());

/// The confusion matrix of outputs (…, K) and labels (…). Throws ShapeError if their shapes do not match.
template <class T>
report::ConfusionMatrix confusion_matrix(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                                         Location where = Location::current());
/// The fraction of samples whose class is predicted correctly. Throws ShapeError if the shapes of outputs and labels do
/// not match, ValueError if no label is a class.
template <class T>
double accuracy(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                Location where = Location::current());
/// The fraction of samples whose class has one of the k largest scores; of equal scores, the first counts as larger.
/// Throws like `accuracy`; ValueError also for k = 0.
template <class T>
double top_k_accuracy(const Tensor<T>& outputs, const Indices& labels, std::size_t k,
                      Location where = Location::current());
/// The coefficient of determination 1 − Σ(y − ŷ)² / Σ(y − ȳ)², averaged over the columns like scikit-learn's r2_score.
/// A constant column counts as 1 if it is predicted exactly, otherwise as 0. Throws ShapeError unless the shapes are
/// equal.
template <class T>
double r_squared(const Tensor<T>& outputs, const Tensor<T>& targets, Location where = Location::current());

/// A metric accumulated over the batches of a pass. Derive from it for your own, or use `metric`.
class Metric {
 public:
  virtual ~Metric() = default;
  /// Its name in the history; without commas, quotes and line breaks.
  virtual std::string name() const = 0;
  /// The path of the output that it reads, of a network with several; empty, the default, for the only one.
  virtual std::string output() const { return {}; }
  /// Whether larger is better, which early stopping and best weights depend on.
  virtual bool larger_is_better() const { return true; }
  /// Clears the accumulated state.
  virtual void reset() = 0;
  /// Adds a batch.
  virtual void add(const Tensor<double>& outputs, const Targets& targets) = 0;
  /// The value over all batches added so far; NaN if there are none.
  virtual double value() const = 0;
  /// The accumulated state as numbers, so that a training run can be interrupted within an epoch.
  virtual std::vector<double> state() const = 0;
  /// Restores a state that `state` returned.
  virtual void set_state(const std::vector<double>& state) = 0;
};
using Metrics = std::vector<std::shared_ptr<Metric>>;  ///< none of them null

/// Metrics for `fit` and `evaluate`; each call makes a new one. For binary outputs, the threshold is 0 for logits, 0.5
/// for probabilities.
std::shared_ptr<Metric> accuracy(double threshold = 0);
std::shared_ptr<Metric> top_k_accuracy(std::size_t k, Location where = Location::current());
std::shared_ptr<Metric> precision(double threshold = 0);  ///< macro average
std::shared_ptr<Metric> recall(double threshold = 0);     ///< macro average
std::shared_ptr<Metric> f1(double threshold = 0);         ///< macro average
std::shared_ptr<Metric> r_squared();
/// A metric of one output of several, by its path: `of_output("digit", accuracy())`, named `digit_accuracy`. It is
/// compared with the target of the same path, or with the only target. The output of a tuple is its index, such as "0".
std::shared_ptr<Metric> of_output(std::string path, std::shared_ptr<Metric> metric);
/// The mean over all samples of a function that returns the mean over a batch.
std::shared_ptr<Metric> metric(std::string name,
                               std::function<double(const Tensor<double>& outputs, const Targets& targets)> of_batch,
                               bool larger_is_better = true);

}  // namespace wengert::train
