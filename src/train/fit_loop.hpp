// The training loop.
#pragma once

#include "train/evaluation.hpp"
#include "train/fit_state.hpp"
#include "train/interrupts.hpp"
#include "train/progress.hpp"
#include "train/run_folder.hpp"
#include "train/step_programs.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/train/options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wengert::train {

/// A training run, from its beginning or a checkpoint to its end. Its state can be saved between any two steps.
template <class T>
class FitLoop {
 public:
  FitLoop(ErasedModel<T> model, optim::Optimizer<T>& optimizer, const Source<T>& data, const Source<T>* validation,
          const FitOptions& options, const Location& where);
  FitResult run();

 private:
  using Clock = std::chrono::steady_clock;

  void choose_metrics();
  void check_picture(const Batch<T>& batch) const;
  void choose_monitor();
  void resume();
  std::string run_signature() const;
  Settings settings() const;
  void check_names() const;

  // A Loader has its own batch size, shuffling and seed.
  std::size_t batch_size() const;
  bool shuffles() const { return data_.loader() != nullptr ? data_.loader()->shuffle : options_.shuffle; }
  std::uint64_t seed() const { return data_.loader() != nullptr ? data_.loader()->seed : options_.seed; }
  std::size_t batch_count() const;
  std::size_t steps_per_epoch() const { return (batch_count() + options_.accumulate - 1) / options_.accumulate; }
  std::size_t samples_in(std::size_t steps) const {
    return std::min(data_.size(), steps * options_.accumulate * batch_size());
  }
  void begin_epoch();
  void gather(std::size_t batch);
  bool run_epoch();  // false if the training run must end
  bool must_stop();
  void step();
  double whole_step(bool with_norms);
  double accumulated_step();
  void record_norms(const Program<T>& program, std::size_t first);
  bool add_norm_columns();
  void end_epoch();
  void next_epoch();
  void validate(report::EpochRecord& record);
  void update_best();
  void after(const std::function<void(FitStatus&)>& callback, std::size_t epoch, double loss);

  template <class F>
  Program<T>& guarded(const F& run_program);
  void add_outputs(const Program<T>& program);
  void set_rate(double rate) {
    rate_control_ ? rate_control_->set_rate(rate, where_) : optimizer_.set_rate(rate, where_);
  }
  [[noreturn]] void fail_in_step(ValueError error, const Batch<T>& batch, const std::vector<std::size_t>& rows);
  [[noreturn]] void explain_failure(const ValueError& error);
  void require_finite_parameters();
  void trace_earlier_steps();
  void go_to(const Checkpoint& checkpoint);
  std::string not_finite() const;  // the path of the first trainable parameter that is not finite, or empty
  void take_snapshot();
  void warn_of_recompilations();

  double seconds() const { return state_.seconds + std::chrono::duration<double>(Clock::now() - start_).count(); }
  Checkpoint checkpoint() const;
  void save_if_due();
  void save();
  void finish(FitResult& result);

  ErasedModel<T> model_;
  optim::Optimizer<T>& optimizer_;
  std::optional<optim::RateControl<T>> rate_control_;  // while a schedule or plateau sets the rate
  const Source<T>& data_;
  const Source<T>* validation_;
  const FitOptions& options_;
  Location where_;

  StepPrograms<T> programs_;
  FitState state_;
  ModelState<T> model_state_;
  Scores validation_scores_;
  RunFolder folder_;
  std::optional<Progress> progress_;
  ModelInfo info_;
  bool classified_ = false;  // whether the targets are labels of the outputs
  Settings settings_;
  std::string summary_;    // of the layers
  std::string optimiser_;  // its rule and options except the rate; a checkpoint must match
  std::string frozen_;     // the parameters frozen at the beginning; a checkpoint must match
  double given_rate_ = 0;  // the optimiser's rate at the beginning

  std::vector<std::size_t> order_;                   // of the samples in this epoch
  std::vector<std::vector<std::size_t>> batches_;    // of this epoch, if the data divide themselves
  std::size_t own_batches_ = 0;                      // their number in each epoch
  std::optional<data::detail::LoaderEpoch> loaded_;  // if a Loader makes the batches
  Batch<T> batch_;
  std::vector<std::size_t> rows_;                        // of the batch in the data
  std::size_t gathered_ = static_cast<std::size_t>(-1);  // the batch that need not be gathered again

  bool monitor_larger_ = false;
  std::string monitor_;
  StopReason reason_ = StopReason::epochs;
  bool stopped_ = false;
  const Interrupts* interrupts_ = nullptr;
  bool resumed_ = false;
  bool warned_of_recompilations_ = false;
  bool tracing_ = false;  // replays the steps that led to a NaN
  Checkpoint snapshot_;   // where they begin
  std::size_t snapshot_steps_ = 0;
  std::vector<double> rates_;  // of the steps since the snapshot
  Clock::time_point start_, saved_, snapshot_at_;
  std::size_t saved_steps_ = 0;
};

extern template class FitLoop<float>;
extern template class FitLoop<double>;

}  // namespace wengert::train
