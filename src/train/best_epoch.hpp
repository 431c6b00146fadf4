// The best epoch and early stopping; time limits and interrupts.
#pragma once

#include "train/finite_values.hpp"

namespace wengert::train {

/// Whether a monitored value is finite and better than the best so far, NaN if there is none, by more than
/// `min_improvement`.
bool improves(double value, double best, bool larger_is_better, double min_improvement = 0);

/// Notes the best epoch and its weights, lowers the rate on a plateau, and ends a training run that does not improve.
template <class T>
class BestEpoch final : public Observer {
 public:
  BestEpoch(TrainingRun<T>& run, FiniteValues<T>& finite) : run_(run), finite_(finite) {}

  void begin(FitStatus& status) override { stop_without_improvement(status); }
  void after_epoch(FitStatus& status) override;
  /// Gives the network the weights to keep: those of the best epoch, or the averages, or the last ones.
  void use_final_weights();

 private:
  void stop_without_improvement(FitStatus& status) const;

  TrainingRun<T>& run_;
  FiniteValues<T>& finite_;
};

/// Ends the training run when the time is up or an interrupt asked for it.
template <class T>
class Limits final : public Observer {
 public:
  explicit Limits(TrainingRun<T>& run) : run_(run) {}

  void after_step(FitStatus& status) override;
  void after_epoch(FitStatus& status) override { after_step(status); }

 private:
  TrainingRun<T>& run_;
};

extern template class BestEpoch<float>;
extern template class BestEpoch<double>;
extern template class Limits<float>;
extern template class Limits<double>;

}  // namespace wengert::train
