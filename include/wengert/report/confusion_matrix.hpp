// The confusion matrix of a classifier.
#pragma once

#include <wengert/base/error.hpp>

#include <cstddef>
#include <vector>

namespace wengert::report {

/// Counts of samples by label and predicted class, or sums of their weights, as scikit-learn's `sample_weight`.
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  /// An empty matrix for this number of classes.
  explicit ConfusionMatrix(std::size_t classes) : classes_(classes), counts_(classes * classes) {}

  /// Adds a sample of this weight, or as many samples; adds classes as needed. Throws ValueError for a new class of
  /// 10,000 or more, and for a weight that is negative or not finite.
  void add(std::size_t label, std::size_t prediction, double weight = 1, const Location& where = Location::current());

  /// The number of classes.
  std::size_t classes() const { return classes_; }
  /// The number, or the sum of the weights, of the samples of class `label` that were classified as `prediction`; 0 for
  /// classes that did not occur.
  double operator()(std::size_t label, std::size_t prediction) const {
    return label < classes_ && prediction < classes_ ? counts_[label * classes_ + prediction] : 0;
  }
  /// The number of samples, or the sum of their weights.
  double total() const;
  /// The fraction of samples, or of their weight, that was classified correctly; 0 if there are none.
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
  double row_sum(std::size_t label) const;
  double column_sum(std::size_t prediction) const;
  double macro(double (ConfusionMatrix::*of)(std::size_t) const) const;

  std::size_t classes_ = 0;
  std::vector<double> counts_;
};

}  // namespace wengert::report
