// The training loop.
#pragma once

#include "train/best_epoch.hpp"
#include "train/finite_values.hpp"
#include "train/fit_step.hpp"
#include "train/periodic_checkpoints.hpp"
#include "train/run_files.hpp"
#include "train/run_log.hpp"
#include "train/training_run.hpp"
#include "train/user_observers.hpp"

#include <array>
#include <cstddef>

namespace wengert::train {

/// Runs a training run to its end.
template <class T>
class FitLoop {
 public:
  explicit FitLoop(TrainingRun<T>& run);
  FitResult run();

 private:
  void run_epoch();
  void step();
  void end_epoch();
  void end();
  void notify(void (Observer::*hook)(FitStatus&), std::size_t epoch);
  FitResult result() const;

  TrainingRun<T>& run_;
  FitStep<T> step_;
  FitStatus status_;

  FiniteValues<T> finite_;
  RunLog<T> log_;
  BestEpoch<T> best_;
  UserObservers<T> users_;
  Limits<T> limits_;
  RunFiles<T> files_;
  PeriodicCheckpoints<T> checkpoints_;
  std::array<Observer*, 7> observers_;
};

extern template class FitLoop<float>;
extern template class FitLoop<double>;

}  // namespace wengert::train
