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
// a class throws ValueError. Tensors are rows of K elements, of which the class's is 1 and all others 0, or, for binary
// outputs, 1 for class 1, 0 or −1 for class 0; metrics of classes throw ValueError for other numbers.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/report/confusion_matrix.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
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

/// The confusion matrix of outputs (…, K) and labels (…), with weights as in `Metric::add_weighted`. Throws ShapeError
/// if the shapes do not match, ValueError for a weight that is negative or not finite.
template <class T>
report::ConfusionMatrix confusion_matrix(const Tensor<T>& outputs, const Indices& labels, double threshold = 0,
                                         std::span<const double> weights = {}, Location where = Location::current());
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
/// A constant column counts as 1 if it is predicted exactly, otherwise as 0; NaN for fewer than two rows. Throws
/// ShapeError unless the shapes are equal.
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
  /// Throws unless outputs and targets of these shapes fit the metric; `fit` asks before the first step. By default,
  /// all fit. `are_labels` tells whether the targets are labels.
  virtual void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const;
  /// Clears the accumulated state.
  virtual void reset() = 0;
  /// Adds a batch.
  virtual void add(const Tensor<double>& outputs, const Targets& targets) = 0;
  /// Adds a batch with weights, like scikit-learn's `sample_weight`: one for each sample or for each label (row), not
  /// negative; empty: 1 each. All metrics of this header accept weights, `metric` excepted. The default calls `add`
  /// without weights and throws ValueError otherwise.
  virtual void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights);
  /// The value over all batches added so far; NaN if there are none.
  virtual double value() const = 0;
  /// The accumulated state as numbers, so that a training run can be interrupted within an epoch.
  virtual std::vector<double> state() const = 0;
  /// Restores a state that `state` returned.
  virtual void set_state(const std::vector<double>& state) = 0;
};
using Metrics = std::vector<std::shared_ptr<Metric>>;  ///< none of them null

/// The value of a metric on whole tensors: `train::measure(train::roc_auc(), outputs, labels)`. Resets the metric
/// before and afterwards. `weights` are those of `Metric::add_weighted`.
///@{
template <class T>
double measure(const std::shared_ptr<Metric>& metric, const Tensor<T>& outputs, const Indices& labels,
               std::span<const double> weights = {}, Location where = Location::current());
template <class T>
double measure(const std::shared_ptr<Metric>& metric, const Tensor<T>& outputs, const Tensor<T>& targets,
               std::span<const double> weights = {}, Location where = Location::current());
///@}

/// How the figures of the classes become one, as scikit-learn's `average`.
enum class Average {
  macro,     ///< their mean
  weighted,  ///< their mean, weighted by the number of rows with the class as label
  micro,     ///< the figure of the decisions about all classes together
  binary     ///< the figure of the class `positive` against all others, whatever their number
};

/// Options of precision, recall and F1.
struct ClassOptions {
  Average average = Average::macro;  ///< of the classes
  std::size_t positive = 1;          ///< the class measured by `Average::binary`
  double threshold = 0;              ///< for binary outputs: 0 for logits, 0.5 for probabilities
};

/// Options of ROC AUC and average precision. If the outputs are those of two classes, the figure is that of `positive`,
/// whatever the average.
struct RankingOptions {
  Average average = Average::macro;  ///< of the classes
  std::size_t positive = 1;          ///< the class measured by `Average::binary`, and of two classes
  /// Whether outputs of two or more classes are logits, which are ranked by their softmax; otherwise they are ranked as
  /// they are, as suits probabilities.
  bool from_logits = true;
  /// Whether each column of outputs (…, K) and of targets, 1 for yes, 0 or −1 for no, is a yes/no question of its own,
  /// ranked as it is.
  bool multilabel = false;
};

/// Metrics for `fit` and `evaluate`; each call makes a new one. docs/training.md lists them with their names in the
/// history and scikit-learn's equivalents. For binary outputs, the threshold is 0 for logits, 0.5 for probabilities.
///@{
std::shared_ptr<Metric> accuracy(double threshold = 0);
std::shared_ptr<Metric> top_k_accuracy(std::size_t k, Location where = Location::current());
/// The mean recall of the classes that occur as labels.
std::shared_ptr<Metric> balanced_accuracy(double threshold = 0);
/// Matthews' correlation coefficient of labels and predictions, of any number of classes (Gorodkin 2004); 0 if all
/// labels or all predictions are the same.
std::shared_ptr<Metric> matthews_correlation(double threshold = 0);
///@}

/// TP / (TP + FP), TP / (TP + FN) and 2 TP / (2 TP + FP + FN) of each class; 0 where the denominator is 0. Averages are
/// over the classes that occur as label or prediction. With only a threshold, the macro average. Named `precision`,
/// `precision_micro`, `precision_weighted` and, for class 1 alone, `precision_1`. `add` throws ValueError if `positive`
/// is not a class of the outputs.
///@{
std::shared_ptr<Metric> precision(double threshold = 0);
std::shared_ptr<Metric> precision(const ClassOptions& options);
std::shared_ptr<Metric> recall(double threshold = 0);
std::shared_ptr<Metric> recall(const ClassOptions& options);
std::shared_ptr<Metric> f1(double threshold = 0);
std::shared_ptr<Metric> f1(const ClassOptions& options);
///@}
/// A metric for each class: `per_class(train::precision, 3)` makes precision_0, precision_1 and precision_2.
Metrics per_class(std::shared_ptr<Metric> (*metric)(const ClassOptions&), std::size_t classes, double threshold = 0);

/// The area under the ROC curve, one class against the rest: the probability that a positive row scores above a
/// negative one, where ties count as ½. The average is over the classes that occur as labels; NaN if only one does. A
/// score NaN ranks last in a positive row, first in a negative one. Exact: stores all scores, in 3 doubles per row of
/// two classes or with `Average::binary`, otherwise in K + 2 or, if multilabel, 2 K + 1.
std::shared_ptr<Metric> roc_auc(const RankingOptions& options = {});
/// Average precision, Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds of the scores, not interpolated. The average is over all
/// classes; one without positive rows counts as 0. NaN scores and memory as in `roc_auc`.
std::shared_ptr<Metric> average_precision(const RankingOptions& options = {});

/// The mean negative log-likelihood of the labels, in nats. Probabilities (`from_logits` = false) are clipped to
/// [ε, 1 − ε], where ε = 2⁻⁵², and rows are divided by their sum, as in scikit-learn; `add` throws ValueError unless
/// they lie in [0, 1] and sum to 1 within 10⁻³. From logits, nothing is clipped. A NaN makes the value NaN.
std::shared_ptr<Metric> log_loss(bool from_logits = true);
/// exp of the mean negative log-likelihood of the labels (tokens), from logits (…, K).
std::shared_ptr<Metric> perplexity();

/// Mean absolute error, mean squared error, its root, and the coefficient of determination. Outputs and targets have
/// equal shapes, (N,) or (…, columns); the figures of the columns are averaged, as in scikit-learn. R² of a constant
/// column is 1 if it is predicted exactly, otherwise 0; of fewer than two rows, NaN.
///@{
std::shared_ptr<Metric> mae();
std::shared_ptr<Metric> mse();
std::shared_ptr<Metric> rmse();
std::shared_ptr<Metric> r_squared();
///@}

/// A metric of one output of several, by its path: `of_output("digit", accuracy())`, named `digit_accuracy`. It is
/// compared with the target of the same path, or with the only target. The output of a tuple is its index, such as "0".
std::shared_ptr<Metric> of_output(std::string path, std::shared_ptr<Metric> metric);

/// The mean over all samples of a function that returns the mean over a batch. Throws ValueError for a null function.
std::shared_ptr<Metric> metric(std::string name,
                               std::function<double(const Tensor<double>& outputs, const Targets& targets)> of_batch,
                               bool larger_is_better = true, Location where = Location::current());

}  // namespace wengert::train
