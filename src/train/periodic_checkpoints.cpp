// Writes checkpoints when they are due and at the end of a training run.
#include "train/periodic_checkpoints.hpp"

namespace wengert::train {

template <class T>
void PeriodicCheckpoints<T>::begin(FitStatus& status) {
  saved_ = std::chrono::steady_clock::now();
  saved_steps_ = status.step;
}

template <class T>
void PeriodicCheckpoints<T>::save_if_due(bool last) {
  const CheckpointOptions& options = run_.options.checkpoint;
  const bool steps_due = options.steps != 0 && run_.state.steps - saved_steps_ >= options.steps;
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_;
  if (last || steps_due || since.count() >= options.seconds) save();
}

template <class T>
void PeriodicCheckpoints<T>::save() {
  if (!run_.folder.exists()) return;
  finite_.require();
  run_.checkpoint().save(run_.folder.file("checkpoint"), run_.where);
  saved_ = std::chrono::steady_clock::now();
  saved_steps_ = run_.state.steps;
}

template class PeriodicCheckpoints<float>;
template class PeriodicCheckpoints<double>;

}  // namespace wengert::train
