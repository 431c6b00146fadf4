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

/// The quantities measured in one epoch; NaN if not measured.
struct EpochRecord {
  /// The value of a quantity that was not measured.
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

/// All epochs of a training run, and the names of their metrics and parameters.
struct History {
  std::vector<std::string> metric_names;     ///< the names of the metrics
  std::vector<std::string> parameter_paths;  ///< the paths of the parameters whose gradients were measured
  std::vector<EpochRecord> epochs;           ///< in order

  /// The values of a column, one per epoch. Throws ValueError, which lists the columns, for an unknown name.
  std::vector<double> column(std::string_view name, const Location& where = Location::current()) const;
  /// Names: epoch, steps, seconds, rate, loss, metrics, validation_loss, validation_…, gradient_norm, gradient_norm.…
  std::vector<std::string> columns() const;
  /// A CSV table with these columns, one line per epoch; cells without a measurement are empty.
  std::string to_csv() const;
};

/// The losses of single steps in bounded memory, for a chart: means over a number of steps that doubles at capacity.
class LossTrace {
 public:
  static constexpr std::size_t capacity = 1024;  ///< the maximum number of means
  /// Adds the loss of a step.
  void add(double loss);
  /// The mean losses of `steps_each` steps each.
  const std::vector<double>& losses() const { return losses_; }
  /// The number of steps per mean.
  std::size_t steps_each() const { return each_; }

  /// The state besides `losses()`, for a checkpoint: the number of steps per mean, and the number and sum of the losses
  /// in the incomplete mean.
  std::array<double, 3> incomplete() const;
  /// The trace with a saved state.
  static LossTrace restored(std::vector<double> losses, const std::array<double, 3>& incomplete);

 private:
  std::vector<double> losses_;
  std::size_t each_ = 1, open_ = 0;  // open_: the number of steps in sum_
  double sum_ = 0;
};

}  // namespace wengert::report
