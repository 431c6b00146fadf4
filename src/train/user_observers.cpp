// Calls the observers of the program, and leaves a checkpoint if one throws.
#include "train/user_observers.hpp"

namespace wengert::train {

template <class T>
void UserObservers<T>::call(void (Observer::*hook)(FitStatus&), FitStatus& status, bool between_steps) {
  try {
    for (const AnyObserver& observer : run_.options.observers) {
      const bool stop = status.stop;
      const StopReason reason = status.reason;
      (observer.get()->*hook)(status);
      if (stop || !status.stop) status.reason = reason;  // another one decides
      status.stop = status.stop || stop;
    }
  } catch (...) {
    if (between_steps) leave_checkpoint();
    throw;
  }
}

template <class T>
void UserObservers<T>::leave_checkpoint() const {
  if (!run_.folder.exists() || run_.state.steps == 0 || !run_.not_finite().empty()) return;
  try {
    run_.checkpoint().save(run_.folder.file("checkpoint"), run_.where);
  } catch (const std::exception&) {  // the observer's exception tells more
  }
}

template <class T>
void UserObservers<T>::failed(FitStatus& status, const std::exception& error) {
  for (const AnyObserver& observer : run_.options.observers) try {
      observer->failed(status, error);
    } catch (...) {  // `error` tells more
    }
}

template class UserObservers<float>;
template class UserObservers<double>;

}  // namespace wengert::train
