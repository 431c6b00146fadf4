// The steps of the optimiser in a training run.
#pragma once

#include "train/training_run.hpp"

#include <cstddef>
#include <functional>

namespace wengert::train {

/// Thrown if the Program of a step fails, for example because the loss is not finite.
struct StepFailure {
  ValueError error;
};

/// Takes steps, of either kind of optimiser: gathers a batch, or several that are accumulated, runs their Programs, and
/// adds up loss and metrics.
template <class T>
class FitStep {
 public:
  explicit FitStep(TrainingRun<T>& run) : run_(run) {}

  /// The next step; returns its loss. With `traced`, each batch is first run without a Program, which throws a
  /// StepFailure at the first value that is not finite.
  double take(bool traced = false);
  /// The learning rate of the last step.
  double rate() const { return run_.state.rate; }

 private:
  double whole(bool with_norms);
  double accumulated(bool with_norms);
  double searched(bool with_norms);
  Program<T>& guarded(const std::function<Program<T>&()>& run_program);
  void add_scores(const Program<T>& program);
  template <class Norm>
  void record_norms(const Norm& norm);

  TrainingRun<T>& run_;
  bool traced_ = false;
};

extern template class FitStep<float>;
extern template class FitStep<double>;

}  // namespace wengert::train
