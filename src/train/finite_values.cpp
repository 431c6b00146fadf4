// The search for the first value that is not finite: in the failed step, and in the steps since the last snapshot.
#include "train/faulty_samples.hpp"
#include "train/fit_loop.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
void FitLoop<T>::fail_in_step(ValueError error, const Batch<T>& batch, const std::vector<std::size_t>& rows) {
  loaded_.reset();  // whose thread may still be gathering samples
  const std::string samples = faulty_samples(programs_, batch, {rows}, data_, true);
  error.prefix("fit", fmt::format("epoch {}, step {}{}", state_.epoch + 1, state_.steps + 1,
                                  samples.empty() ? "" : ", " + samples));
  throw error;
}

// The replay reports that the loss is not finite. Recording the step again finds the first value that is not, unless
// the gradients of an earlier step caused it.
template <class T>
void FitLoop<T>::explain_failure(const ValueError& error) {
  const Batch<T> batch = batch_;
  const std::vector<std::size_t> rows = rows_;
  trace_earlier_steps();
  try {
    programs_.trace(batch);
  } catch (const ValueError& traced) {
    fail_in_step(traced, batch, rows);
  }
  fail_in_step(error, batch, rows);
}

// A loss reveals non-finite gradients of earlier steps only. Those of the last step must not get into saved parameters.
template <class T>
void FitLoop<T>::require_finite_parameters() {
  const std::string path = not_finite();
  if (path.empty()) return;
  trace_earlier_steps();
  throw ValueError("fit", fmt::format("step {}: '{}' is not finite after the step", state_.steps, path), where_);
}

// If parameters are not finite, replays the steps since the last snapshot and throws at the first value that is not. If
// there is none, restores the state.
template <class T>
void FitLoop<T>::trace_earlier_steps() {
  if (!options_.trace_gradients || not_finite().empty()) return;
  const Checkpoint now = checkpoint();
  const std::size_t steps = state_.steps;
  const auto goes_on = [&] { return state_.steps < steps && !interrupts_->asked(); };
  tracing_ = true;
  go_to(snapshot_);
  while (goes_on()) {
    begin_epoch();
    while (state_.step_in_epoch < steps_per_epoch() && goes_on()) step();
    if (state_.step_in_epoch == steps_per_epoch()) next_epoch();
  }
  tracing_ = false;
  go_to(now);
}

template <class T>
void FitLoop<T>::go_to(const Checkpoint& checkpoint) {
  model_state_.load(checkpoint);
  state_.load(checkpoint);
  programs_.forget_sums();
}

template <class T>
std::string FitLoop<T>::not_finite() const {
  for (const auto& [path, parameter] : optimizer_.trainable()) {
    std::size_t found = 0;
    for (const T value : parameter.value()) found += std::abs(value) <= std::numeric_limits<T>::max() ? 0 : 1;
    if (found != 0) return path;
  }
  return {};
}

template <class T>
void FitLoop<T>::take_snapshot() {
  if (!options_.trace_gradients) return;
  snapshot_ = checkpoint();
  snapshot_steps_ = state_.steps;
  snapshot_at_ = Clock::now();
  rates_.clear();
}

#define INSTANTIATE(T)                                                                                  \
  template void FitLoop<T>::fail_in_step(ValueError, const Batch<T>&, const std::vector<std::size_t>&); \
  template void FitLoop<T>::explain_failure(const ValueError&);                                         \
  template void FitLoop<T>::require_finite_parameters();                                                \
  template void FitLoop<T>::trace_earlier_steps();                                                      \
  template void FitLoop<T>::go_to(const Checkpoint&);                                                   \
  template std::string FitLoop<T>::not_finite() const;                                                  \
  template void FitLoop<T>::take_snapshot();
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
