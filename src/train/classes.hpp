// Outputs and targets as rows of scores, each with its class.
#pragma once

#include <wengert/train/metrics.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace wengert::train {

/// The scores of one sample and its class. The prediction of a row with a NaN among its scores is always wrong.
struct ClassifiedRow {
  std::size_t index;  ///< of the row
  std::span<const double> scores;
  std::size_t label;
  double threshold;  // above which a single score means class 1

  /// The class of the largest score; if a score is NaN, the first class that is wrong.
  std::size_t prediction() const {
    if (std::ranges::any_of(scores, [](double score) { return std::isnan(score); })) return label == 0 ? 1 : 0;
    if (scores.size() == 1) return scores[0] > threshold ? 1 : 0;
    return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }
  /// How many classes rank before the label's. A NaN ranks before every number, but last if it is the label's score.
  std::size_t rank_of_label() const {
    if (scores.size() == 1) return prediction() == label ? 0 : std::numeric_limits<std::size_t>::max();
    if (label >= scores.size() || std::isnan(scores[label])) return scores.size();
    std::size_t before = 0;
    for (std::size_t c = 0; c < scores.size(); ++c)
      before += !(scores[c] <= scores[label]) || (scores[c] == scores[label] && c < label) ? 1 : 0;
    return before;
  }
};

/// A label or a target that is not a class.
class LabelError : public ValueError {
 public:
  LabelError(std::string_view subject, std::string_view message, const Location& where, std::size_t row)
      : ValueError(subject, message, where), row_(row) {}
  std::size_t row() const { return row_; }  ///< the element of the labels or targets, in row-major order

 private:
  std::size_t row_;
};

/// Adds a row to a confusion matrix, which is resized for all classes at once instead of growing class by class.
inline void count(report::ConfusionMatrix& matrix, const ClassifiedRow& row, const Location& where = {},
                  double weight = 1) {
  if (matrix.classes() < row.scores.size()) matrix.add(row.scores.size() - 1, 0, 0, where);
  matrix.add(row.label, row.prediction(), weight, where);
}

/// The same, but does nothing if the matrix would be large, for callers that did not ask for one.
inline void count_if_small(report::ConfusionMatrix& matrix, const ClassifiedRow& row) {
  constexpr std::size_t most = 1000;
  if (row.scores.size() <= most && row.label < most) count(matrix, row);
}

/// Whether labels that are not classes are errors or are skipped.
enum class BeyondClasses : bool { refused, skipped };

/// Outputs as rows of scores of classes.
struct ClassRows {
  std::size_t classes = 1;  ///< scores per row; a single score is that of class 1
  std::size_t rows = 0;
};

/// Throws LabelError as `subject` unless all targets are 0, 1 or −1, which means 0.
void require_yes_or_no(const Tensor<double>& targets, std::string_view subject, const Location& where = {});
/// Throws LabelError as `subject` unless each row of `classes` targets has a single 1 and is 0 otherwise.
void require_one_hot(const Tensor<double>& targets, std::size_t classes, std::string_view subject,
                     const Location& where = {});

/// How outputs and targets of these shapes form rows. Throws ShapeError as `subject` if they do not fit.
ClassRows check_class_shapes(const Shape& outputs, const Shape& targets, bool are_labels, std::string_view subject,
                             const Location& where = {});

/// How outputs and targets form rows. Throws ShapeError as `subject` if they do not fit, ValueError for a threshold
/// that is NaN, and LabelError for a target that is not a class, or a label, unless `beyond` skips it.
ClassRows class_rows(const Tensor<double>& outputs, const Targets& targets, std::string_view subject, double threshold,
                     const Location& where, BeyondClasses beyond = BeyondClasses::refused);

/// The class that targets give a row, or nothing for a label that is negative or not a class.
inline std::optional<std::size_t> label_of(const Targets& targets, std::size_t row, std::size_t classes) {
  if (const auto* labels = std::get_if<Indices>(&targets)) {
    const std::int64_t label = labels->data()[row];
    if (label < 0 || label >= static_cast<std::int64_t>(std::max<std::size_t>(classes, 2))) return {};
    return static_cast<std::size_t>(label);
  }
  const double* target = std::get<Tensor<double>>(targets).data() + row * classes;
  if (classes == 1) return *target > 0.5 ? 1 : 0;
  return static_cast<std::size_t>(std::max_element(target, target + classes) - target);
}

/// Calls `f` with each row whose label is not negative. Throws like `class_rows`, before the first call.
template <class F>
void for_each_class(const Tensor<double>& outputs, const Targets& targets, std::string_view subject, double threshold,
                    const Location& where, F&& f, BeyondClasses beyond = BeyondClasses::refused) {
  const auto [classes, rows] = class_rows(outputs, targets, subject, threshold, where, beyond);
  for (std::size_t row = 0; row < rows; ++row)
    if (const auto label = label_of(targets, row, classes))
      f(ClassifiedRow{row, {outputs.data() + row * classes, classes}, *label, threshold});
}

/// Adds a batch to a confusion matrix, with weights as in `Metric::add_weighted`. Throws ShapeError if the shapes of
/// outputs and targets do not match.
void add_to(report::ConfusionMatrix& matrix, const Tensor<double>& outputs, const Targets& targets,
            double threshold = 0, std::span<const double> weights = {}, Location where = Location::current());

}  // namespace wengert::train
