// How good a network's outputs are: functions of whole tensors, and metrics that gather batch by batch.
//
//     train::accuracy(network_outputs, labels)                       // a number
//     train::fit(…, {.metrics = {train::accuracy(), train::top_k_accuracy(5)}})
//
// Outputs of shape (…, K) are scores of K classes, of which the largest counts, the first one of equals. Outputs of the
// labels' own shape, or with a last axis of 1, answer a yes/no question: class 1 where they are above a threshold,
// which is 0 for logits; for probabilities, pass 0.5: `train::accuracy(0.5)`. Scores with a NaN among them are never
// right. Targets are labels (whole numbers; negative ones, such as padding, are passed over, and one that is none of
// the classes throws ValueError) or tensors: rows of K scores, of which the largest is the class, or numbers, above a
// half for class 1.
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

/// What outputs are held against: numbers or labels.
using Targets = std::variant<Tensor<double>, Indices>;

/// How often each class was taken for each other one.
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  /// Of so many classes, nothing counted yet.
  explicit ConfusionMatrix(std::size_t classes) : classes_(classes), counts_(classes * classes) {}

  /// Counts a sample, or several; more classes are added where needed. Throws ValueError for a class of 10,000 or more.
  void add(std::size_t label, std::size_t prediction, std::size_t times = 1,
           const Location& where = Location::current());

  /// The number of classes.
  std::size_t classes() const { return classes_; }
  /// The samples of class `label` that were taken for `prediction`; 0 of classes that did not occur.
  std::size_t operator()(std::size_t label, std::size_t prediction) const {
    return label < classes_ && prediction < classes_ ? counts_[label * classes_ + prediction] : 0;
  }
  /// The samples counted.
  std::size_t total() const;
  /// The share of samples that were taken for what they are.
  double accuracy() const;
  /// The share of what was taken for class c that is of class c: TP / (TP + FP); 0 if nothing was.
  double precision(std::size_t c) const;
  /// The share of class c that was taken for class c: TP / (TP + FN); 0 if there is none.
  double recall(std::size_t c) const;
  /// The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN); 0 if there is nothing to count.
  double f1(std::size_t c) const;
  /// The mean over the classes that occur as label or prediction, as scikit-learn's average='macro'.
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

/// The class that each row of outputs speaks for; one output speaks for class 1 above the threshold. Throws ShapeError
/// for outputs without classes.
template <class T>
Indices predicted_classes(const Tensor<T>& outputs, double threshold = 0, Location where = Location::current());

/// The confusion matrix of outputs (…, K) and labels (…). Throws ShapeError if they do not fit each other.
template <class T>
ConfusionMatrix confusion_matrix(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                                 Location where = Location::current());
/// The share of samples whose class is predicted. Throws ShapeError if outputs and labels do not fit each other,
/// ValueError if there are none.
template <class T>
double accuracy(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                Location where = Location::current());
/// The share of samples whose class is among the k largest scores; of equal scores, the first ones count as larger.
/// Throws ShapeError as `accuracy`, ValueError for k = 0.
template <class T>
double top_k_accuracy(const Tensor<T>& outputs, const Indices& labels, std::size_t k,
                      Location where = Location::current());
/// The coefficient of determination 1 − Σ(y − ŷ)² / Σ(y − ȳ)², the mean of the columns' as scikit-learn's r2_score; a
/// constant column counts 1 if it is met exactly, otherwise 0. Throws ShapeError unless the shapes are equal.
template <class T>
double r_squared(const Tensor<T>& outputs, const Tensor<T>& targets, Location where = Location::current());

/// A figure gathered over the batches of a pass. Derive from it for one of your own, or see `metric`.
class Metric {
 public:
  virtual ~Metric() = default;
  /// As it stands in the history; without commas.
  virtual std::string name() const = 0;
  /// Whether more is better, which early stopping and best weights go by.
  virtual bool larger_is_better() const { return true; }
  /// Forgets what was gathered.
  virtual void reset() = 0;
  /// Takes a batch.
  virtual void add(const Tensor<double>& outputs, const Targets& targets) = 0;
  /// Of what was gathered; NaN of nothing.
  virtual double value() const = 0;
  /// What was gathered, as numbers, so that a training can be interrupted within an epoch.
  virtual std::vector<double> state() const = 0;
  /// Goes on from what `state` gave.
  virtual void set_state(const std::vector<double>& state) = 0;
};
using Metrics = std::vector<std::shared_ptr<Metric>>;

/// The metrics `fit` takes: each call makes one. The threshold is 0 for the logits of a yes/no question, 0.5 for its
/// probabilities.
std::shared_ptr<Metric> accuracy(double threshold = 0);
std::shared_ptr<Metric> top_k_accuracy(std::size_t k, Location where = Location::current());
std::shared_ptr<Metric> precision(double threshold = 0);  ///< macro
std::shared_ptr<Metric> recall(double threshold = 0);     ///< macro
std::shared_ptr<Metric> f1(double threshold = 0);         ///< macro
std::shared_ptr<Metric> r_squared();
/// The mean over the samples of a function that gives the mean of a batch.
std::shared_ptr<Metric> metric(std::string name,
                               std::function<double(const Tensor<double>& outputs, const Targets& targets)> of_batch,
                               bool larger_is_better = true);

/// Adds a batch to a confusion matrix. Throws ShapeError if outputs and targets do not fit each other.
void add_to(ConfusionMatrix& matrix, const Tensor<double>& outputs, const Targets& targets, double threshold = 0,
            Location where = Location::current());

}  // namespace wengert::train
