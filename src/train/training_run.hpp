// A training run: what the loop and the built-in observers share.
#pragma once

#include "train/batch_feed.hpp"
#include "train/fit_access.hpp"
#include "train/fit_state.hpp"
#include "train/interrupts.hpp"
#include "train/run_folder.hpp"
#include "train/step_programs.hpp"
#include "train/trainer.hpp"
#include <wengert/train/options.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::train {

/// A training run, from its beginning or a checkpoint on. Its state can be saved between any two steps.
template <class T>
struct TrainingRun final : detail::ParameterAccess<T> {
  /// Checks everything, resumes from a checkpoint, and opens the run folder; throws as `fit`.
  TrainingRun(ErasedModel<T> erased, Trainer<T> trained_by, const Source<T>& samples, const Source<T>* held_out,
              const FitOptions& of_fit, const Location& line);

  double seconds() const {
    return state.seconds + std::chrono::duration<double>(stopped.value_or(Clock::now()) - start).count();
  }
  /// Starts the clock, handles interrupts, and takes control of the rate if a schedule sets it.
  void begin();

  Checkpoint checkpoint() const;
  /// Returns to a checkpoint of this run, which `checkpoint` made.
  void go_to(const Checkpoint& checkpoint);
  /// The path of the first trainable parameter that is not finite, or empty.
  std::string not_finite() const;
  /// Adds a column for each newly unfrozen parameter; frozen ones have no norm.
  void add_norm_columns();

  double rate() const override { return optimizer().rate(); }
  void set_rate(double rate, const Location& line) override { optimizer().set_rate(rate, line); }
  /// Sets the rate as the schedule that controls it.
  void schedule_rate(double rate) { rate_control ? rate_control->set_rate(rate, where) : set_rate(rate, where); }
  void save_weights(const std::filesystem::path& file, const Location& line) override;
  std::string monitored(std::string_view column, const Location& line) const override;
  bool larger_is_better(std::string_view column) const override;
  void watch(std::string_view column, double value) override;
  /// Displays a warning, and keeps it for the report and the result.
  void warn(std::string text);
  const std::vector<std::pair<std::string, Parameter<T>>>& parameters() const override { return model.parameters; }
  optim::AnyOptimizer<T>& optimizer() const { return *trainer.optimizer; }

  using Clock = std::chrono::steady_clock;

  ErasedModel<T> model;
  Trainer<T> trainer;
  std::optional<optim::RateControl<T>> rate_control;  // while a schedule or plateau sets the rate
  const Source<T>& data;
  const Source<T>* validation;
  const FitOptions& options;
  Location where;

  BatchFeed<T> batches;
  StepPrograms<T> programs;
  FitState state;
  ModelState<T> model_state;
  Scores validation_scores;
  RunFolder folder;
  ModelInfo info;
  bool classified = false;  // whether the targets are labels of the outputs
  Settings settings;
  std::string summary;  // of the layers
  std::string monitor;
  std::optional<Interrupts> interrupts;  // while it runs
  Clock::time_point start = Clock::now();
  std::optional<Clock::time_point> stopped;  // when the last step was taken: files are written afterwards
  bool resumed = false;
  std::vector<std::string> warnings;
  std::function<void(std::string_view warning)> display_warning;  // empty if nothing is displayed yet
  bool has_final_weights = false;                                 // the network holds the weights to keep

 private:
  void choose_metrics();
  void check_batches();
  void check_columns() const;
  void check_picture(const Batch<T>& batch) const;
  void check_class_names(const Batch<T>& batch) const;
  void choose_monitor();
  void check_names() const;
  Settings settings_in_words() const;
  std::string run_signature() const;
  void resume();
  void require_same_run(const Checkpoint& checkpoint) const;
  void restore_observers(const Checkpoint& checkpoint) const;
  std::vector<std::pair<std::string, Observer*>> named_observers() const;

  std::string plan_;    // the data, their batches, the metrics and the weights; a checkpoint must match
  std::string rule_;    // of the optimiser and its options except the rate; a checkpoint must match
  std::string frozen_;  // the parameters frozen at the beginning; a checkpoint must match
  std::set<std::string, std::less<>> not_finite_columns_;  // of which it has warned
  double given_rate_;                                      // the optimiser's rate at the beginning
};

/// Writes all parameters to a .npz file.
template <class T>
void save_parameters_npz(const ErasedModel<T>& model, const std::filesystem::path& file, const Location& where);

extern template struct TrainingRun<float>;
extern template struct TrainingRun<double>;

}  // namespace wengert::train
