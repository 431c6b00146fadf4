// Early stopping, the weights of the best epoch, the rate on a plateau, the time limit and interrupts.
#include "train/best_epoch.hpp"

#include <cmath>

namespace wengert::train {

bool improves(double value, double best, bool larger_is_better, double min_improvement) {
  const double gain = larger_is_better ? value - best : best - value;
  return std::isfinite(value) && (std::isnan(best) || gain > min_improvement);
}

template <class T>
void BestEpoch<T>::after_epoch(FitStatus& status) {
  FitState& state = run_.state;
  const StoppingOptions& stopping = run_.options.stopping;
  const double value = status.last(run_.monitor, run_.where);
  run_.watch(run_.monitor, value);
  if (state.plateau) run_.schedule_rate((*state.plateau)(value));
  if (!improves(value, state.best, run_.larger_is_better(run_.monitor), stopping.min_improvement)) {
    ++state.without_improvement;
    stop_without_improvement(status);
    return;
  }
  state.best = value;
  state.best_epoch = status.epoch;
  state.without_improvement = 0;
  if (!stopping.best_weights) return;
  finite_.require();
  const Averages<T> averages(run_.trainer);
  run_.model_state.save_best();
}

template <class T>
void BestEpoch<T>::stop_without_improvement(FitStatus& status) const {
  const std::size_t patience = run_.options.stopping.patience;
  if (patience == 0 || run_.state.without_improvement < patience) return;
  status.stop = true;
  status.reason = StopReason::no_improvement;
}

template <class T>
void BestEpoch<T>::use_final_weights() {
  if (run_.options.stopping.best_weights && !run_.model_state.best.empty()) {
    run_.model_state.restore_best();
    if (run_.trainer.line_search != nullptr) run_.trainer.line_search->reset();  // its memory is of another point
  } else if (run_.trainer.has_average()) {
    run_.trainer.stepwise->swap_average(run_.where);
  }
  run_.has_final_weights = true;
}

template <class T>
void Limits<T>::after_step(FitStatus& status) {
  if (status.stop) return;
  const bool interrupted = run_.interrupts->asked();
  status.stop = interrupted || run_.seconds() >= run_.options.stopping.seconds;
  if (status.stop) status.reason = interrupted ? StopReason::interrupt : StopReason::time;
}

template class BestEpoch<float>;
template class BestEpoch<double>;
template class Limits<float>;
template class Limits<double>;

}  // namespace wengert::train
