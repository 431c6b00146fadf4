// The checkpoints of a training run: what they hold, what they must match, and how a run resumes from one.
#include "train/training_run.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
std::vector<std::pair<std::string, Observer*>> TrainingRun<T>::named_observers() const {
  std::vector<std::pair<std::string, Observer*>> result;
  for (const AnyObserver& observer : options.observers) {
    const std::string name = "observer/" + observer->name();
    const auto before =
        std::ranges::count_if(result, [&](const auto& other) { return other.second->name() == observer->name(); });
    result.emplace_back(fmt::format("{}/{}", name, before), observer.get());
  }
  return result;
}

template <class T>
Checkpoint TrainingRun<T>::checkpoint() const {
  Checkpoint all;
  all.set("fit/plan", plan_);
  all.set("fit/optimizer", rule_);
  all.set("fit/frozen", frozen_);
  all.set("fit/monitor", monitor);
  all.set_number("fit/rate", given_rate_);
  state.save(all);
  all.set_number("fit/seconds", seconds());
  model_state.save(all);
  for (const auto& [name, observer] : named_observers())
    if (const std::vector<double> numbers = observer->state(); !numbers.empty()) all.set(name, as_tensor(numbers));
  return all;
}

template <class T>
void TrainingRun<T>::go_to(const Checkpoint& checkpoint) {
  model_state.load(checkpoint);
  state.load(checkpoint);
  programs.forget_sums();
}

template <class T>
void TrainingRun<T>::require_same_run(const Checkpoint& checkpoint) const {
  const std::string& path = checkpoint.source();
  model_state.require_same_network(checkpoint);
  if (const std::string& theirs = checkpoint.get<std::string>("fit/plan", where); theirs != plan_)
    throw FileError("fit", fmt::format("{}: belongs to another training run: {}; this one has {}: {}", path, theirs,
                                       plan_, resume_cure));
  const auto require_same = [&](const char* entry, std::string_view what, const std::string& ours) {
    if (!checkpoint.has(entry)) return;
    if (const std::string& theirs = checkpoint.get<std::string>(entry, where); theirs != ours)
      throw FileError("fit", fmt::format("{}: {}: {}; this training run has {}: {}", path, what,
                                         theirs.empty() ? "none" : theirs, ours.empty() ? "none" : ours, resume_cure));
  };
  require_same("fit/optimizer", "was trained by another optimiser (only the rate may change)", rule_);
  if (!model_state.has_frozen(checkpoint))  // otherwise they are as observers left them
    require_same("fit/frozen", "other parameters were frozen at the start", frozen_);
  require_same("fit/monitor", "monitored another column", monitor);
  const bool has_best =
      std::ranges::any_of(checkpoint.entries(), [](const auto& e) { return e.first.starts_with("best/"); });
  if (options.stopping.best_weights && !has_best && checkpoint.count("fit/best_epoch", where) != 0)
    throw FileError("fit",
                    fmt::format("{}: holds no weights of the best epoch: leave out .stopping.best_weights, or {}", path,
                                resume_cure));
}

template <class T>
void TrainingRun<T>::restore_observers(const Checkpoint& checkpoint) const {
  for (const auto& [name, observer] : named_observers()) {
    if (!checkpoint.has(name)) continue;
    const auto& numbers = checkpoint.get<Tensor<double>>(name, where);
    try {
      observer->set_state({numbers.begin(), numbers.end()});
    } catch (const std::out_of_range&) {
      throw FileError("fit",
                      fmt::format("{}: {} holds {} numbers, too few for the observer's set_state: start again without "
                                  ".checkpoint.resume, or give the observer another name()",
                                  checkpoint.source(), name, numbers.size()),
                      where);
    }
  }
}

template <class T>
void TrainingRun<T>::resume() {
  if (!folder.exists()) return;
  const std::filesystem::path path = folder.file("checkpoint");
  if (!std::filesystem::exists(path)) return;
  if (!options.checkpoint.resume) {  // a crash before the first checkpoint must not resume from it
    std::error_code error;
    std::filesystem::rename(path, folder.file("checkpoint.previous"), error);
    if (error) throw FileError("fit", fmt::format("{}: cannot be renamed: {}", path.string(), error.message()));
    return;
  }
  const Checkpoint checkpoint = Checkpoint::load(path, where);
  require_same_run(checkpoint);
  if (checkpoint.has("fit/frozen")) frozen_ = checkpoint.get<std::string>("fit/frozen", where);
  try {
    state.load(checkpoint);
  } catch (const std::out_of_range&) {  // for example, a metric has another state now
    throw FileError("fit",
                    fmt::format("{}: holds fewer numbers than this training run keeps: {}", path.string(), resume_cure),
                    where);
  }
  Checkpoint before;
  model_state.save(before);
  model_state.load(checkpoint);
  try {
    restore_observers(checkpoint);
  } catch (...) {
    model_state.load(before);
    throw;
  }
  if (!options.stopping.best_weights) model_state.best.clear();  // they would become outdated
  add_norm_columns();
  resumed = true;
  // The rate stays as schedules left it, unless the optimiser was given another rate than in the checkpoint.
  if (checkpoint.has("fit/rate") && checkpoint.number("fit/rate", where) != given_rate_) {
    set_rate(given_rate_, where);
    if (state.plateau) state.plateau->rate = given_rate_;
  }
}

#define INSTANTIATE(T)                                                                             \
  template std::vector<std::pair<std::string, Observer*>> TrainingRun<T>::named_observers() const; \
  template Checkpoint TrainingRun<T>::checkpoint() const;                                          \
  template void TrainingRun<T>::go_to(const Checkpoint&);                                          \
  template void TrainingRun<T>::require_same_run(const Checkpoint&) const;                         \
  template void TrainingRun<T>::restore_observers(const Checkpoint&) const;                        \
  template void TrainingRun<T>::resume();
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
