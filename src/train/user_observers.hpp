// The observers of the program that calls `fit`.
#pragma once

#include "train/training_run.hpp"

namespace wengert::train {

/// Calls the observers in order. If one throws between two steps, leaves a checkpoint of the last one.
template <class T>
class UserObservers final : public Observer {
 public:
  explicit UserObservers(TrainingRun<T>& run) : run_(run) {}

  void begin(FitStatus& status) override { call(&Observer::begin, status, false); }
  void before_epoch(FitStatus& status) override { call(&Observer::before_epoch, status, true); }
  void after_step(FitStatus& status) override { call(&Observer::after_step, status, true); }
  void after_epoch(FitStatus& status) override { call(&Observer::after_epoch, status, true); }
  void end(FitStatus& status) override { call(&Observer::end, status, false); }
  void failed(FitStatus& status, const std::exception& error) override;

 private:
  void call(void (Observer::*hook)(FitStatus&), FitStatus& status, bool between_steps);
  void leave_checkpoint() const;

  TrainingRun<T>& run_;
};

extern template class UserObservers<float>;
extern template class UserObservers<double>;

}  // namespace wengert::train
