// The history of a training run, epoch by epoch.
#pragma once

#include <wengert/base/error.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::report {

/// The figures of one epoch. Figures that were not measured are NaN.
struct EpochRecord {
  /// The value of a figure that was not measured.
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();

  std::size_t epoch = 0;                   ///< counted from 1
  std::size_t steps = 0;                   ///< steps of the optimiser since the beginning of the run
  double seconds = 0;                      ///< seconds since the beginning of the run
  double rate = none;                      ///< the learning rate of the epoch's last step
  double loss = none;                      ///< the mean loss over the samples, each measured before its step
  std::vector<double> metrics;             ///< of the same outputs, in the order of `History::metric_names`
  double validation_loss = none;           ///< the loss on the validation data, after the epoch
  std::vector<double> validation_metrics;  ///< empty without validation data
  std::vector<double> gradient_norms;      ///< of the epoch's first step, in the order of `History::parameter_paths`
};

/// All epochs of a training run, and the names of their figures.
struct History {
  std::vector<std::string> metric_names;     ///< the names of the metrics
  std::vector<std::string> parameter_paths;  ///< the paths of the parameters whose gradients were measured
  std::vector<EpochRecord> epochs;           ///< in order

  /// A figure of every epoch, by its name in `columns`. Throws ValueError, listing the names, for an unknown name.
  std::vector<double> column(std::string_view name, const Location& where = Location::current()) const;
  /// epoch, steps, seconds, rate, loss, the metrics, validation_loss, validation_…, gradient_norm, gradient_norm.…
  std::vector<std::string> columns() const;
  /// A CSV table with these columns, one line per epoch; figures that were not measured are empty.
  std::string to_csv() const;
};

/// The losses of single steps in bounded memory, for a chart: means over a number of steps that doubles when full.
class LossTrace {
 public:
  static constexpr std::size_t capacity = 1024;  ///< the maximum number of means
  /// Adds the loss of a step.
  void add(double loss);
  /// The mean losses of `steps_each` steps each.
  const std::vector<double>& losses() const { return losses_; }
  /// The number of steps per mean.
  std::size_t steps_each() const { return each_; }

  /// The state beside `losses()`, for a checkpoint: the number of steps per mean, and the number and the sum of the
  /// losses of the mean that is not complete.
  std::array<double, 3> incomplete() const;
  /// A trace in a saved state.
  static LossTrace restored(std::vector<double> losses, const std::array<double, 3>& incomplete);

 private:
  std::vector<double> losses_;
  std::size_t each_ = 1, open_ = 0;  // open_: the number of steps in sum_
  double sum_ = 0;
};

}  // namespace wengert::report
