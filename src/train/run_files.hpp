// The files that a training run writes at its end.
#pragma once

#include "train/training_run.hpp"

namespace wengert::train {

/// Writes weights.npz and report.html to the run folder, if there is one.
template <class T>
class RunFiles final : public Observer {
 public:
  explicit RunFiles(TrainingRun<T>& run) : run_(run) {}
  void end(FitStatus& status) override;

 private:
  TrainingRun<T>& run_;
};

extern template class RunFiles<float>;
extern template class RunFiles<double>;

}  // namespace wengert::train
