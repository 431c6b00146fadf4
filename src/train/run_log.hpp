// The history of a training run in its folder, and the display of its progress.
#pragma once

#include "train/progress.hpp"
#include "train/training_run.hpp"

#include <optional>

namespace wengert::train {

/// Writes history.csv, collects the losses of the steps, and displays progress.
template <class T>
class RunLog final : public Observer {
 public:
  explicit RunLog(TrainingRun<T>& run) : run_(run) {}

  void begin(FitStatus& status) override;
  void after_step(FitStatus& status) override;
  void after_epoch(FitStatus& status) override;
  void end(FitStatus& status) override;

 private:
  TrainingRun<T>& run_;
  std::optional<CsvLog> csv_;
  std::optional<Progress> progress_;
  bool warned_ = false;  // of recompilations
};

extern template class RunLog<float>;
extern template class RunLog<double>;

}  // namespace wengert::train
