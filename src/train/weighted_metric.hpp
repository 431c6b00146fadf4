// What the built-in metrics share: weights of samples, and sums without accumulated rounding.
#pragma once

#include <wengert/train/metrics.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace wengert::train {

/// A metric that accepts weights: its `add_weighted` does the work.
class WeightedMetric : public Metric {
 public:
  void add(const Tensor<double>& outputs, const Targets& targets) final { add_weighted(outputs, targets, {}); }
};

/// The weights of a batch's rows.
class RowWeights {
 public:
  /// `weights`: one for each sample, that is, position on the first axis of `outputs`, or for each row; empty: 1 each.
  /// Throws ShapeError as `subject` for any other number, ValueError for a weight that is negative or not finite.
  RowWeights(std::span<const double> weights, const Tensor<double>& outputs, std::size_t rows,
             std::string_view subject);
  double operator[](std::size_t row) const { return weights_.empty() ? 1 : weights_[row / rows_per_weight_]; }

 private:
  std::span<const double> weights_;
  std::size_t rows_per_weight_ = 1;
};

/// The name of a metric with an average: `name`, `name_micro`, `name_weighted` or, for one class, `name_1`.
std::string averaged_name(std::string_view name, Average average, std::size_t positive);

/// Throws ValueError as `subject` unless `positive` is one of the classes 0 to `count` − 1 of outputs with `classes`
/// scores per row; by default, a single score is that of two classes.
void check_positive(std::string_view subject, std::size_t positive, std::size_t classes, std::size_t count = 0);

/// Throws as `subject` unless targets are numbers of the outputs' shape: ValueError with the text `if_labels` for
/// labels, ShapeError for another shape.
void check_numeric_targets(std::string_view subject, const Shape& outputs, const Shape& targets, bool are_labels,
                           std::string_view if_labels);
/// The targets as numbers of the outputs' shape. Throws likewise.
const Tensor<double>& numeric_targets(std::string_view subject, const Tensor<double>& outputs, const Targets& targets,
                                      std::string_view if_labels);

/// The columns of outputs (N,) or (…, columns).
std::size_t columns_of(const Tensor<double>& outputs);
/// Throws ShapeError as `subject` unless the batches before had the same number of columns, or there were none (0).
void check_columns(std::string_view subject, std::size_t columns, std::size_t before);

/// A sum whose rounding errors are added up apart (Neumaier 1974).
struct CompensatedSum {
  double sum = 0, compensation = 0;

  void add(double x) {
    const double total = sum + x;
    if (std::isfinite(total)) compensation += std::abs(sum) >= std::abs(x) ? (sum - total) + x : (x - total) + sum;
    sum = total;
  }
  double value() const { return sum + compensation; }
};

}  // namespace wengert::train
