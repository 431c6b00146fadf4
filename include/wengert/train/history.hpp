// What a training went through, epoch by epoch.
#pragma once

#include <wengert/error.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::train {

/// The figures of one epoch. What was not measured is NaN.
struct EpochRecord {
  /// What was not measured.
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();

  std::size_t epoch = 0;                   ///< from 1
  std::size_t steps = 0;                   ///< of the optimiser, since the beginning
  double seconds = 0;                      ///< since the beginning
  double rate = none;                      ///< the learning rate of the epoch's last step
  double cost = none;                      ///< mean over the samples, each before its step
  std::vector<double> metrics;             ///< as `History::metric_names`, of the same outputs
  double validation_cost = none;           ///< on the validation data, after the epoch
  std::vector<double> validation_metrics;  ///< empty without validation data
  std::vector<double> gradient_norms;      ///< of the epoch's first batch, as `History::parameter_paths`
};

/// All epochs, and what their figures are called.
struct History {
  std::vector<std::string> metric_names;     ///< of the metrics
  std::vector<std::string> parameter_paths;  ///< of the parameters whose gradients were measured
  std::vector<EpochRecord> epochs;           ///< in order

  /// A figure of every epoch by its name in `columns`. Throws ValueError, listing the names, if there is none of it.
  std::vector<double> column(std::string_view name, const Location& where = Location::current()) const;
  /// epoch, steps, seconds, rate, cost, the metrics, validation_cost, validation_…, gradient_norm, gradient_norm.…
  std::vector<std::string> columns() const;
  /// A table with these columns, a line an epoch; what was not measured is empty.
  std::string to_csv() const;
};

/// The costs of single steps, thinned to what a picture can show: means of more and more steps.
class CostTrace {
 public:
  static constexpr std::size_t capacity = 1024;  ///< the most means there are
  /// Takes a step's cost.
  void add(double cost);
  /// The mean costs of `steps_each` steps each.
  const std::vector<double>& costs() const { return costs_; }
  /// The steps that a mean is of.
  std::size_t steps_each() const { return each_; }

 private:
  friend class FitState;
  std::vector<double> costs_;
  std::size_t each_ = 1, open_ = 0;  // open_: the steps in sum_
  double sum_ = 0;
};

}  // namespace wengert::train
