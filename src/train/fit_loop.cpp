// The training loop: epochs, steps and validation. Everything else is done by observers.
#include "train/fit_loop.hpp"

#include "train/evaluation.hpp"

#include <utility>

namespace wengert::train {

// The order of the observers: the history is complete and the best epoch known when the program's observers are called,
// and checkpoints hold what those changed.
template <class T>
FitLoop<T>::FitLoop(TrainingRun<T>& run)
    : run_(run),
      step_(run),
      status_{run.state.history},
      finite_(run, step_),
      log_(run),
      best_(run, finite_),
      users_(run),
      limits_(run),
      files_(run),
      checkpoints_(run, finite_),
      observers_{&log_, &best_, &users_, &limits_, &files_, &finite_, &checkpoints_} {
  status_.access = &run_;
  status_.resumed = run.resumed;
}

template <class T>
FitResult FitLoop<T>::run() {
  run_.begin();
  try {
    notify(&Observer::begin, run_.state.begun_epochs());
    while (!status_.stop && run_.state.epoch < run_.options.epochs) run_epoch();
    end();
  } catch (const std::exception& error) {
    users_.failed(status_, error);
    throw;
  }
  return result();
}

template <class T>
void FitLoop<T>::run_epoch() {
  FitState& state = run_.state;
  const ScheduleOptions& schedule = run_.options.schedule;
  if (schedule.by_epoch) run_.schedule_rate(schedule.by_epoch(static_cast<double>(state.epoch)));
  if (!std::exchange(state.epoch_begun, true)) notify(&Observer::before_epoch, state.epoch + 1);
  if (status_.stop) return;
  run_.batches.begin_epoch(state.epoch, state.step_in_epoch);  // last: a Loader's thread begins to make batches
  while (!status_.stop && state.step_in_epoch < run_.batches.steps_per_epoch()) step();
  if (!status_.stop) end_epoch();
}

template <class T>
void FitLoop<T>::step() {
  const ScheduleOptions& schedule = run_.options.schedule;
  if (schedule.by_step) run_.schedule_rate(schedule.by_step(static_cast<double>(run_.state.steps)));
  try {
    status_.loss = step_.take();
  } catch (const StepFailure& failure) {
    finite_.explain(failure.error);
  }
  notify(&Observer::after_step, run_.state.epoch + 1);
}

template <class T>
void FitLoop<T>::end_epoch() {
  FitState& state = run_.state;
  state.scores.require_weight("fit", "the data", run_.where);
  report::EpochRecord record;
  record.epoch = state.epoch + 1;
  record.steps = state.steps;
  record.rate = state.rate;
  record.loss = status_.loss = state.scores.loss();
  record.metrics = state.scores.values();
  record.gradient_norms = state.norms;
  if (run_.validation != nullptr) {
    const Averages<T> averages(run_.trainer);
    evaluate_all<T>(run_.programs, *run_.validation, "the validation data",
                    evaluation_batch_size(run_.batches.batch_size()), run_.validation_scores);
    record.validation_loss = run_.validation_scores.loss();
    record.validation_metrics = run_.validation_scores.values();
  }
  record.seconds = run_.seconds();
  state.history.epochs.push_back(std::move(record));
  state.next_epoch();
  if (!run_.options.observers.empty()) finite_.require();  // observers may save the weights
  notify(&Observer::after_epoch, state.epoch);
}

template <class T>
void FitLoop<T>::end() {
  if (!status_.stop || (run_.state.epoch >= run_.options.epochs && status_.reason != StopReason::no_improvement))
    status_.reason = StopReason::epochs;
  run_.stopped = TrainingRun<T>::Clock::now();
  run_.batches.end();
  best_.use_final_weights();
  run_.model.set_training(false);
  notify(&Observer::end, run_.state.begun_epochs());
}

template <class T>
void FitLoop<T>::notify(void (Observer::*hook)(FitStatus&), std::size_t epoch) {
  status_.epoch = epoch;
  status_.step = run_.state.steps;
  for (Observer* observer : observers_) (observer->*hook)(status_);
}

template <class T>
FitResult FitLoop<T>::result() const {
  FitResult result;
  result.history = run_.state.history;
  result.reason = status_.reason;
  result.steps = run_.state.steps;
  result.seconds = run_.seconds();
  result.compilations = run_.programs.compilations();
  result.recompilations = run_.programs.recompilations();
  result.best_epoch = run_.state.best_epoch;
  result.resumed = run_.resumed;
  result.warnings = run_.warnings;
  return result;
}

template class FitLoop<float>;
template class FitLoop<double>;

}  // namespace wengert::train
