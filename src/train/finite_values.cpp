// The search for the first value that is not finite: in the failed step, and in the steps since the last snapshot.
#include "train/finite_values.hpp"

#include "train/faulty_samples.hpp"

#include <fmt/format.h>

namespace wengert::train {

template <class T>
void FiniteValues<T>::before_epoch(FitStatus& status) {
  const bool recent = Clock::now() - snapshot_at_ <= std::chrono::milliseconds(500);
  if (!status.stop && recent && run_.model_state.has_frozen(snapshot_)) return;
  require();
  take_snapshot();
}

template <class T>
void FiniteValues<T>::after_step(FitStatus& status) {
  if (run_.options.checkpoint.trace_gradients) rates_.push_back(step_.rate());
  if (status.stop) require();
}

// A loss reveals gradients of earlier steps only. Those of the last step must not get into saved parameters.
template <class T>
void FiniteValues<T>::after_epoch(FitStatus& status) {
  if (status.stop || status.epoch >= run_.options.epochs) require();
}

template <class T>
void FiniteValues<T>::fail(ValueError error, const Batch<T>& batch, const std::vector<std::size_t>& rows) {
  run_.batches.end();
  const std::string samples = faulty_samples(run_.programs, batch, {rows}, run_.data, true);
  error.prefix("fit", fmt::format("epoch {}, step {}{}", run_.state.epoch + 1, run_.state.steps + 1,
                                  samples.empty() ? "" : ", " + samples));
  throw error;
}

// The replay reports that the loss is not finite. Recording the step again finds the first value that is not, unless
// the gradients of an earlier step caused it.
template <class T>
void FiniteValues<T>::explain(const ValueError& error) {
  const Batch<T> batch = run_.batches.batch();
  const std::vector<std::size_t> rows = run_.batches.rows();
  trace_earlier_steps();
  try {
    run_.programs.trace(batch);
  } catch (const ValueError& traced) {
    fail(traced, batch, rows);
  }
  fail(error, batch, rows);
}

template <class T>
void FiniteValues<T>::require() {
  const std::string path = run_.not_finite();
  if (path.empty()) return;
  trace_earlier_steps();
  throw ValueError("fit", fmt::format("step {}: '{}' is not finite after the step", run_.state.steps, path),
                   run_.where);
}

// If parameters are not finite, replays the steps since the last snapshot and throws at the first value that is not. If
// there is none, restores the state.
template <class T>
void FiniteValues<T>::trace_earlier_steps() {
  if (!run_.options.checkpoint.trace_gradients || run_.not_finite().empty()) return;
  const Checkpoint now = run_.checkpoint();
  FitState& state = run_.state;
  const std::size_t steps = state.steps;
  const auto goes_on = [&] { return state.steps < steps && !run_.interrupts->asked(); };
  run_.go_to(snapshot_);
  while (goes_on()) {
    run_.batches.begin_epoch(state.epoch, state.step_in_epoch);
    while (state.step_in_epoch < run_.batches.steps_per_epoch() && goes_on()) {
      run_.schedule_rate(rates_[state.steps - snapshot_steps_]);
      try {
        step_.take(true);
      } catch (const StepFailure& failure) {
        fail(failure.error, run_.batches.batch(), run_.batches.rows());
      }
    }
    if (state.step_in_epoch == run_.batches.steps_per_epoch()) state.next_epoch();
  }
  run_.go_to(now);
}

template <class T>
void FiniteValues<T>::take_snapshot() {
  if (!run_.options.checkpoint.trace_gradients) return;
  snapshot_ = run_.checkpoint();
  snapshot_steps_ = run_.state.steps;
  snapshot_at_ = Clock::now();
  rates_.clear();
}

template class FiniteValues<float>;
template class FiniteValues<double>;

}  // namespace wengert::train
