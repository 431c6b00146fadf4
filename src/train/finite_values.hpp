// The search for the first value that is not finite.
#pragma once

#include "train/fit_step.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace wengert::train {

/// Keeps a snapshot in memory, and the rates of the steps since then, to find the step whose gradient made a parameter
/// NaN or infinite.
template <class T>
class FiniteValues final : public Observer {
 public:
  FiniteValues(TrainingRun<T>& run, FitStep<T>& step) : run_(run), step_(step) {}

  void begin(FitStatus&) override { take_snapshot(); }
  void before_epoch(FitStatus& status) override;
  void after_step(FitStatus& status) override;
  void after_epoch(FitStatus& status) override;

  /// Throws the error of a step that failed, with the op, the line and the samples that caused it.
  [[noreturn]] void explain(const ValueError& error);
  /// Throws ValueError if a trainable parameter is not finite: that of the step which made it so, if it is found.
  void require();

 private:
  using Clock = std::chrono::steady_clock;
  void take_snapshot();
  void trace_earlier_steps();
  [[noreturn]] void fail(ValueError error, const Batch<T>& batch, const std::vector<std::size_t>& rows);

  TrainingRun<T>& run_;
  FitStep<T>& step_;
  Checkpoint snapshot_;
  std::size_t snapshot_steps_ = 0;
  std::vector<double> rates_;  // of the steps since the snapshot
  Clock::time_point snapshot_at_{};
};

extern template class FiniteValues<float>;
extern template class FiniteValues<double>;

}  // namespace wengert::train
