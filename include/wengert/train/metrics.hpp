// Metrics of a network's outputs: functions of whole tensors, and Metric objects that accumulate over batches.
//
//     train::accuracy(network_outputs, labels)                       // a number
//     train::fit(…, {.metrics = {train::accuracy(), train::top_k_accuracy(5)}})
//
// Outputs of shape (…, K) are scores of K classes; the prediction is the class of the largest score, the first of equal
// ones. Outputs of the labels' own shape, or with a last axis of extent 1, are binary: they predict class 1 above a
// threshold, by default 0, which suits logits; for probabilities, pass 0.5: `train::accuracy(0.5)`. A prediction from
// scores that contain a NaN is always wrong; in top_k_accuracy, the NaN of another class ranks above all numbers.
// Targets are labels (integers; negative ones, such as padding, are ignored, and a label that is not a class throws
// ValueError) or tensors: rows of K scores, the largest of which is the class, or numbers, which mean class 1 above ½.
#pragma once

#include <wengert/error.hpp>
#include <wengert/index_var.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace wengert::train {

/// The targets that outputs are compared with: numbers or labels.
using Targets = std::variant<Tensor<double>, Indices>;

/// Counts of samples by label and predicted class.
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  /// An empty matrix for this number of classes.
  explicit ConfusionMatrix(std::size_t classes) : classes_(classes), counts_(classes * classes) {}

  /// Counts a sample, or several; adds classes where needed. Throws ValueError for a new class of 10,000 or more.
  void add(std::size_t label, std::size_t prediction, std::size_t times = 1,
           const Location& where = Location::current());

  /// The number of classes.
  std::size_t classes() const { return classes_; }
  /// The number of samples of class `label` that were classified as `prediction`; 0 for classes that did not occur.
  std::size_t operator()(std::size_t label, std::size_t prediction) const {
    return label < classes_ && prediction < classes_ ? counts_[label * classes_ + prediction] : 0;
  }
  /// The number of samples counted.
  std::size_t total() const;
  /// The fraction of samples that were classified correctly; 0 if none were counted.
  double accuracy() const;
  /// The fraction of predictions of class c that are correct: TP / (TP + FP); 0 if c was never predicted.
  double precision(std::size_t c) const;
  /// The fraction of samples of class c that were classified as c: TP / (TP + FN); 0 if there are none.
  double recall(std::size_t c) const;
  /// The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN); 0 if the denominator is 0.
  double f1(std::size_t c) const;
  /// The mean precision over the classes that occur as label or prediction, like scikit-learn's average='macro'.
  double macro_precision() const { return macro(&ConfusionMatrix::precision); }
  /// The mean recall, likewise.
  double macro_recall() const { return macro(&ConfusionMatrix::recall); }
  /// The mean F1, likewise.
  double macro_f1() const { return macro(&ConfusionMatrix::f1); }

 private:
  std::size_t row_sum(std::size_t label) const;
  std::size_t column_sum(std::size_t prediction) const;
  double macro(double (ConfusionMatrix::*of)(std::size_t) const) const;

  std::size_t classes_ = 0;
  std::vector<std::size_t> counts_;
};

/// The predicted class of each row of outputs (…, K); for K = 1, it is 1 above the threshold, otherwise 0. Throws
/// ShapeError for outputs without classes.
template <class T>
Indices predicted_classes(const Tensor<T>& outputs, double threshold = 0, Location where = Location::current());

/// The confusion matrix of outputs (…, K) and labels (…). Throws ShapeError if their shapes do not match.
template <class T>
ConfusionMatrix confusion_matrix(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                                 Location where = Location::current());
/// The fraction of samples whose class is predicted correctly. Throws ShapeError if the shapes of outputs and labels do
/// not match, ValueError if there are no labels of classes.
template <class T>
double accuracy(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                Location where = Location::current());
/// The fraction of samples whose class is among the k largest scores; of equal scores, the first count as larger.
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
  /// Its name in the history; without commas.
  virtual std::string name() const = 0;
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
using Metrics = std::vector<std::shared_ptr<Metric>>;

/// Metrics for `fit` and `evaluate`; each call makes a new one. For binary outputs, the threshold is 0 for logits, 0.5
/// for probabilities.
std::shared_ptr<Metric> accuracy(double threshold = 0);
std::shared_ptr<Metric> top_k_accuracy(std::size_t k, Location where = Location::current());
std::shared_ptr<Metric> precision(double threshold = 0);  ///< macro average
std::shared_ptr<Metric> recall(double threshold = 0);     ///< macro average
std::shared_ptr<Metric> f1(double threshold = 0);         ///< macro average
std::shared_ptr<Metric> r_squared();
/// The mean over all samples of a function that returns the mean over a batch.
std::shared_ptr<Metric> metric(std::string name,
                               std::function<double(const Tensor<double>& outputs, const Targets& targets)> of_batch,
                               bool larger_is_better = true);

/// Adds a batch to a confusion matrix. Throws ShapeError if the shapes of outputs and targets do not match.
void add_to(ConfusionMatrix& matrix, const Tensor<double>& outputs, const Targets& targets, double threshold = 0,
            Location where = Location::current());

}  // namespace wengert::train
