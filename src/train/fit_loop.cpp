// The training loop: epochs, steps, validation, early stopping and checkpoints.
#include "train/fit_loop.hpp"

#include "data/batch_sampler.hpp"
#include "train/faulty_samples.hpp"
#include "train/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
std::size_t FitLoop<T>::batch_size() const {
  const std::size_t asked = data_.loader() != nullptr ? data_.loader()->batch_size : options_.batch_size;
  return asked == all_samples ? data_.size() : std::min(asked, data_.size());
}

template <class T>
std::size_t FitLoop<T>::batch_count() const {
  if (data_.loader() != nullptr) return data_.loader()->count;
  if (own_batches_ != 0) return own_batches_;
  if (options_.drop_last) return data_.size() / batch_size();
  return data::count_of_batches(data_.size(), batch_size());
}

template <class T>
void FitLoop<T>::begin_epoch() {
  if (data_.loader() != nullptr) {
    loaded_.reset();  // first: samples are gathered by one thread at a time
    loaded_.emplace(data_.epoch(state_.epoch, state_.step_in_epoch * options_.accumulate));
  } else if (own_batches_ != 0) {
    batches_ = data_.batches(options_.seed, state_.epoch);
    if (batches_.size() != own_batches_)
      throw ValueError("fit",
                       fmt::format("the data make {} batches in epoch {} and {} in epoch 1: expected as many in each",
                                   batches_.size(), state_.epoch + 1, own_batches_),
                       where_);
    gathered_ = static_cast<std::size_t>(-1);
  } else if (options_.shuffle && batch_size() < data_.size()) {
    std::mt19937_64 generator = data::epoch_generator(options_.seed, state_.epoch);
    order_ = data::permutation(data_.size(), generator);
    gathered_ = static_cast<std::size_t>(-1);
  } else if (order_.empty()) {
    order_.resize(data_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }
}

template <class T>
void FitLoop<T>::gather(std::size_t batch) {
  if (loaded_) {
    data_.copy(loaded_->next(), batch_, rows_);
  } else if (gathered_ != batch || !data_.repeats()) {
    if (own_batches_ != 0) {
      rows_ = batches_[batch];
    } else {
      const auto rows = data::batch_of(order_, batch_size(), batch);
      rows_.assign(rows.begin(), rows.end());
    }
    data_.gather(rows_, batch_);
    gathered_ = batch;
  }
}

template <class T>
FitResult FitLoop<T>::run() {
  const Interrupts interrupts(options_.handle_interrupts);
  if (options_.schedule || options_.epoch_schedule || options_.plateau)
    rate_control_.emplace(optimizer_, options_.plateau ? "the plateau of fit" : "the schedule of fit", where_);
  progress_.emplace(options_.display, options_.epochs, data_.size(),
                    state_.epoch * data_.size() + samples_in(state_.step_in_epoch));
  interrupts_ = &interrupts;
  start_ = saved_ = Clock::now();
  saved_steps_ = state_.steps;
  take_snapshot();
  while (!stopped_ && state_.epoch < options_.epochs && run_epoch()) {
  }
  FitResult result;
  finish(result);
  interrupts_ = nullptr;
  return result;
}

template <class T>
bool FitLoop<T>::run_epoch() {
  begin_epoch();
  if (options_.epoch_schedule) set_rate(options_.epoch_schedule(static_cast<double>(state_.epoch)));
  while (state_.step_in_epoch < steps_per_epoch()) {
    step();
    if (must_stop()) return false;
    save_if_due();
  }
  end_epoch();
  return !must_stop();
}

template <class T>
bool FitLoop<T>::must_stop() {
  if (stopped_) return true;
  if (interrupts_->asked()) {
    reason_ = StopReason::interrupt;
    stopped_ = true;
  } else if (seconds() >= options_.seconds) {
    reason_ = StopReason::time;
    stopped_ = true;
  }
  return stopped_;
}

template <class T>
void FitLoop<T>::step() {
  if (tracing_)
    set_rate(rates_[state_.steps - snapshot_steps_]);
  else if (options_.schedule)
    set_rate(options_.schedule(static_cast<double>(state_.steps)));
  if (options_.trace_gradients && !tracing_) rates_.push_back(optimizer_.rate());
  const bool with_norms = options_.gradient_norms && state_.step_in_epoch == 0;
  const double loss = options_.accumulate == 1 ? whole_step(with_norms) : accumulated_step();
  ++state_.steps;
  ++state_.step_in_epoch;
  if (tracing_) return;
  state_.losses.add(loss);
  progress_->step(state_.epoch + 1, samples_in(state_.step_in_epoch), state_.scores.loss());
  warn_of_recompilations();
  if (options_.after_step) after(options_.after_step, state_.epoch + 1, loss);
}

template <class T>
void FitLoop<T>::warn_of_recompilations() {
  if (warned_of_recompilations_ || programs_.recompilations() < options_.max_programs) return;
  warned_of_recompilations_ = true;
  progress_->note(
      fmt::format("warning: batches have more shapes than max_programs ({}), so steps are recompiled repeatedly: raise "
                  "max_programs, or use fewer shapes (pad sequences to a few lengths)",
                  options_.max_programs));
}

template <class T>
double FitLoop<T>::whole_step(bool with_norms) {
  gather(state_.step_in_epoch);
  const Program<T>& program = guarded([&]() -> Program<T>& { return programs_.step(batch_, with_norms); });
  const auto loss = static_cast<double>(program.item(0));
  state_.scores.add_loss(program, batch_);
  add_outputs(program);
  if (with_norms) record_norms(program, info_.first_output() + info_.outputs.size());
  return loss;
}

template <class T>
double FitLoop<T>::accumulated_step() {
  const std::size_t first = state_.step_in_epoch * options_.accumulate,
                    last = std::min(first + options_.accumulate, batch_count());
  double loss = 0, weight = 0;
  for (std::size_t batch = first; batch < last; ++batch) {
    gather(batch);
    const Program<T>& program = guarded([&]() -> Program<T>& { return programs_.accumulate(batch_); });
    const auto of_batch = static_cast<double>(program.item(0));
    loss += of_batch * batch_.weight();
    weight += batch_.weight();
    state_.scores.add_loss(program, batch_);
    add_outputs(program);
  }
  const Program<T>& program = programs_.apply(weight);
  if (options_.gradient_norms && state_.step_in_epoch == 0) record_norms(program, 0);
  return weight == 0 ? 0 : loss / weight;
}

template <class T>
void FitLoop<T>::add_outputs(const Program<T>& program) {
  state_.scores.add_outputs(program, batch_,
                            [&](Error& error, std::size_t number) { error.prefix("fit", at_sample(number, {rows_})); });
}

// Adds a column for each newly unfrozen parameter; frozen ones have no norm. Returns whether any was added.
template <class T>
bool FitLoop<T>::add_norm_columns() {
  if (!options_.gradient_norms) return false;
  std::vector<std::string>& paths = state_.history.parameter_paths;
  const std::size_t before = paths.size();
  for (const auto& [name, parameter] : optimizer_.trainable())
    if (std::ranges::find(paths, name) == paths.end()) paths.push_back(name);
  return paths.size() != before;
}

template <class T>
void FitLoop<T>::record_norms(const Program<T>& program, std::size_t first) {
  if (add_norm_columns()) folder_.write_history(state_.history);
  const std::vector<std::string>& paths = state_.history.parameter_paths;
  state_.norms.assign(paths.size(), report::EpochRecord::none);
  for (const auto& [name, parameter] : optimizer_.trainable()) {
    const auto column = static_cast<std::size_t>(std::ranges::find(paths, name) - paths.begin());
    state_.norms[column] = static_cast<double>(program.item(first++));
  }
}

template <class T>
void FitLoop<T>::end_epoch() {
  report::EpochRecord record;
  record.epoch = state_.epoch + 1;
  record.steps = state_.steps;
  record.rate = optimizer_.rate();
  record.loss = state_.scores.loss();
  record.metrics = state_.scores.values();
  record.gradient_norms = state_.norms;
  if (validation_ != nullptr) validate(record);
  record.seconds = seconds();
  state_.history.epochs.push_back(std::move(record));
  update_best();
  next_epoch();
  const report::EpochRecord& last = state_.history.epochs.back();
  folder_.append_history(state_.history);
  progress_->end_epoch(last.epoch, figures_text(state_.history));
  if (options_.after_epoch) after(options_.after_epoch, last.epoch, last.loss);
  save_if_due();
  if (Clock::now() - snapshot_at_ > std::chrono::milliseconds(500)) {
    require_finite_parameters();
    take_snapshot();
  }
}

template <class T>
void FitLoop<T>::next_epoch() {
  ++state_.epoch;
  state_.step_in_epoch = 0;
  state_.scores.reset();
}

template <class T>
void FitLoop<T>::validate(report::EpochRecord& record) {
  const optim::AverageScope<T> averages(optimizer_);
  evaluate_all<T>(programs_, *validation_, "the validation data", evaluation_batch_size(batch_size()),
                  validation_scores_);
  record.validation_loss = validation_scores_.loss();
  record.validation_metrics = validation_scores_.values();
}

// Updates the best epoch. Ends the training run after too many epochs without improvement.
template <class T>
void FitLoop<T>::update_best() {
  const double value = last_value(state_.history, monitor_);
  if (state_.plateau) set_rate((*state_.plateau)(value));
  const double gain = monitor_larger_ ? value - state_.best : state_.best - value;
  if (std::isfinite(value) && (std::isnan(state_.best) || gain > options_.min_improvement)) {
    state_.best = value;
    state_.best_epoch = state_.history.epochs.back().epoch;
    state_.without_improvement = 0;
    if (options_.best_weights) {
      require_finite_parameters();
      const optim::AverageScope<T> averages(optimizer_);
      model_state_.save_best();
    }
  } else if (++state_.without_improvement >= options_.patience && options_.patience > 0) {
    stopped_ = true;
    reason_ = StopReason::no_improvement;
  }
}

template <class T>
void FitLoop<T>::after(const std::function<void(FitStatus&)>& callback, std::size_t epoch, double loss) {
  FitStatus status{state_.history, epoch, state_.steps, loss};
  callback(status);
  if (status.stop && !stopped_) {
    stopped_ = true;
    reason_ = StopReason::callback;
  }
}

template <class T>
template <class F>
Program<T>& FitLoop<T>::guarded(const F& run_program) {
  try {
    if (tracing_) programs_.trace(batch_);
    return run_program();
  } catch (const ValueError& error) {
    if (tracing_) fail_in_step(error, batch_, rows_);
    explain_failure(error);
  }
}

// ---- checkpoints ---------------------------------------------------------------------------------------------------

template <class T>
Checkpoint FitLoop<T>::checkpoint() const {
  Checkpoint all;
  all.set("fit/plan", run_signature());
  all.set("fit/optimizer", optimiser_);
  all.set("fit/frozen", frozen_);
  all.set_number("fit/rate", given_rate_);
  state_.save(all);
  all.set_number("fit/seconds", seconds());
  model_state_.save(all);
  return all;
}

template <class T>
void FitLoop<T>::save_if_due() {
  if (!folder_.exists()) return;
  const bool steps_due = options_.checkpoint_steps != 0 && state_.steps - saved_steps_ >= options_.checkpoint_steps;
  const std::chrono::duration<double> since = Clock::now() - saved_;
  if (steps_due || since.count() >= options_.checkpoint_seconds) save();
}

template <class T>
void FitLoop<T>::save() {
  require_finite_parameters();
  checkpoint().save(folder_.file("checkpoint"), where_);
  saved_ = Clock::now();
  saved_steps_ = state_.steps;
}

template class FitLoop<float>;
template class FitLoop<double>;

}  // namespace wengert::train
