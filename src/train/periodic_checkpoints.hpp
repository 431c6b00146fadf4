// Checkpoints of a training run, after some time or steps and at its end.
#pragma once

#include "train/finite_values.hpp"

#include <chrono>
#include <cstddef>

namespace wengert::train {

/// Writes checkpoints to the run folder, if there is one.
template <class T>
class PeriodicCheckpoints final : public Observer {
 public:
  PeriodicCheckpoints(TrainingRun<T>& run, FiniteValues<T>& finite) : run_(run), finite_(finite) {}

  void begin(FitStatus& status) override;
  void before_epoch(FitStatus& status) override {
    if (status.stop) save();
  }
  void after_step(FitStatus& status) override { save_if_due(status.stop); }
  void after_epoch(FitStatus& status) override { save_if_due(status.stop || status.epoch >= run_.options.epochs); }

 private:
  void save_if_due(bool last);
  void save();

  TrainingRun<T>& run_;
  FiniteValues<T>& finite_;
  std::chrono::steady_clock::time_point saved_{};
  std::size_t saved_steps_ = 0;
};

extern template class PeriodicCheckpoints<float>;
extern template class PeriodicCheckpoints<double>;

}  // namespace wengert::train
