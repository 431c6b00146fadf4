// Observers: what is called during a training run, and may look at it and change it.
//
//     train::fit(network, optimizer, loss, data, {.observers = {train::after_epoch([](train::FitStatus& status) {
//                                                   status.stop = status.loss < 0.01;
//                                                 }),
//                                                 train::CsvLog("losses.csv")}});
#pragma once

#include <wengert/reflect/parameters.hpp>
#include <wengert/report/history.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::train {

namespace detail {
class FitAccess;
}

/// Why a training run ended.
enum class StopReason { epochs, time, no_improvement, observer, interrupt };
/// The reason in words: `all epochs completed`, …
std::string_view to_string(StopReason reason);

/// The state of a training run, for observers.
struct FitStatus {
  const report::History& history;            ///< the completed epochs
  std::size_t epoch = 0;                     ///< the current epoch, counted from 1; in `begin`, the last one, or 0
  std::size_t step = 0;                      ///< the optimiser's last step, counted from 1
  double loss = 0;                           ///< the loss of this step's samples; after an epoch, its mean
  bool stop = false;                         ///< set it to end the training run
  StopReason reason = StopReason::observer;  ///< the reason to give for it
  bool resumed = false;                      ///< whether the run resumed from a checkpoint
  detail::FitAccess* access = nullptr;       ///< private to `fit`

  /// The learning rate. All functions below throw ValueError if the status was not made by `fit`.
  double rate(const Location& where = Location::current()) const;
  /// Sets the learning rate, from the next step on. Throws ValueError as the optimiser's `set_rate`, so also while a
  /// schedule of `fit` sets the rate.
  void set_rate(double rate, const Location& where = Location::current());
  /// The parameters by their paths; `T` must be the network's scalar type, otherwise throws ValueError. Assigning to
  /// them changes the weights.
  template <class T>
  const std::vector<std::pair<std::string, Parameter<T>>>& parameters(
      const Location& where = Location::current()) const;
  /// Writes the parameters to a file that is replaced as a whole, as `weights.npz` of the run folder; averages of the
  /// weights if the optimiser has any. Throws FileError if that fails, ValueError if a weight is not finite.
  void save_weights(const std::filesystem::path& file, const Location& where = Location::current()) const;
  /// The monitored column of the history: `column`, or the run's own (`StoppingOptions::monitor`) if that is empty.
  /// Throws ValueError if there is no such column.
  std::string monitored(std::string_view column, const Location& where = Location::current()) const;
  /// Whether larger values of a column are better, as its metric says.
  bool larger_is_better(std::string_view column, const Location& where = Location::current()) const;
  /// A column's value in the last completed epoch.
  double last(std::string_view column, const Location& where = Location::current()) const;
};
extern template const std::vector<std::pair<std::string, Parameter<float>>>& FitStatus::parameters(
    const Location&) const;
extern template const std::vector<std::pair<std::string, Parameter<double>>>& FitStatus::parameters(
    const Location&) const;

/// The base of all observers. Each function does nothing by default.
///
/// What an observer changes (the rate, frozen parameters, weights) counts from the next step on. If `before_epoch`,
/// `after_step` or `after_epoch` throws, `fit` writes a checkpoint of the last completed step, if it has a run folder,
/// and throws on; `resume` continues from there, without calling again the observers of that step.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Before the first step of this call of `fit`, after a checkpoint was loaded.
  virtual void begin(FitStatus&) {}
  /// Before the first step of an epoch.
  virtual void before_epoch(FitStatus&) {}
  /// After each step.
  virtual void after_step(FitStatus&) {}
  /// After each epoch and its validation.
  virtual void after_epoch(FitStatus&) {}
  /// At the end, however it came, with the final weights, before they are written to the run folder.
  virtual void end(FitStatus&) {}
  /// When an error ends the training run. What it throws is ignored.
  virtual void failed(FitStatus&, const std::exception&) {}

  /// The state to save in checkpoints, as numbers. Empty by default: nothing is saved.
  virtual std::vector<double> state() const { return {}; }
  /// Restores what `state` returned, before `begin`.
  virtual void set_state(const std::vector<double>&) {}
  /// Under which name the state is saved; several observers of the same name are told apart by their order.
  virtual std::string name() const { return "observer"; }
};

/// A shared observer of any type.
class AnyObserver {
 public:
  /// A copy of this observer.
  template <std::derived_from<Observer> O>
  AnyObserver(O observer) : observer_(std::make_shared<O>(std::move(observer))) {}  // NOLINT
  /// This one, which the program may keep and read.
  template <std::derived_from<Observer> O>
  AnyObserver(std::shared_ptr<O> observer) : observer_(std::move(observer)) {}  // NOLINT

  /// The observer; null if it was made of a null pointer.
  Observer* get() const { return observer_.get(); }
  /// The observer.
  Observer* operator->() const { return observer_.get(); }

 private:
  std::shared_ptr<Observer> observer_;
};
/// Observers, called in this order.
using Observers = std::vector<AnyObserver>;

/// Observers of one function. Throw ValueError for a null function.
///@{
AnyObserver before_epoch(std::function<void(FitStatus&)> function, const Location& where = Location::current());
AnyObserver after_step(std::function<void(FitStatus&)> function, const Location& where = Location::current());
AnyObserver after_epoch(std::function<void(FitStatus&)> function, const Location& where = Location::current());
///@}

/// Options of EarlyStopping.
struct EarlyStoppingOptions {
  std::string monitor = {};    ///< a column of the history; if empty, the one that the run monitors
  std::size_t patience = 5;    ///< the number of epochs without improvement that end the run; at least 1
  double min_improvement = 0;  ///< only larger improvements count
};

/// Ends the training run when a column of the history stops improving, besides `StoppingOptions::patience`, which
/// watches one column. Its count is saved in checkpoints.
class EarlyStopping final : public Observer {
 public:
  /// Throws ValueError if an option is out of range.
  explicit EarlyStopping(EarlyStoppingOptions options = {}, const Location& where = Location::current());
  void begin(FitStatus& status) override;
  void after_epoch(FitStatus& status) override;
  std::vector<double> state() const override;
  void set_state(const std::vector<double>& numbers) override;
  std::string name() const override;  // with the monitor that it was given

 private:
  EarlyStoppingOptions options_;
  Location where_;
  std::string column_{};
  double best_ = std::numeric_limits<double>::quiet_NaN();
  std::size_t without_improvement_ = 0;
  bool restored_ = false;
};

/// Writes the weights of the best epoch to a .npz file, each time when an epoch is the best so far.
class BestCheckpoint final : public Observer {
 public:
  /// `monitor` is a column of the history; if empty, the one that the run monitors.
  explicit BestCheckpoint(std::filesystem::path file, std::string monitor = {},
                          const Location& where = Location::current())
      : file_(std::move(file)), monitor_(std::move(monitor)), where_(where) {}
  void begin(FitStatus& status) override;
  void after_epoch(FitStatus& status) override;
  std::vector<double> state() const override { return {best_}; }
  void set_state(const std::vector<double>& numbers) override;
  std::string name() const override;  // with the monitor that it was given

 private:
  std::filesystem::path file_;
  std::string monitor_;
  Location where_;
  std::string column_{};
  double best_ = std::numeric_limits<double>::quiet_NaN();
  bool restored_ = false;
};

/// Writes the history to a CSV file: a line after each epoch, at once. A resumed run writes its earlier epochs again.
class CsvLog final : public Observer {
 public:
  /// The file, which `begin` replaces.
  explicit CsvLog(std::filesystem::path file, const Location& where = Location::current())
      : file_(std::move(file)), where_(where) {}
  void begin(FitStatus& status) override;
  void after_epoch(FitStatus& status) override;

 private:
  void write_all(const report::History& history);

  std::filesystem::path file_;
  Location where_;
  std::vector<std::string> columns_{};  // those of the file
};

}  // namespace wengert::train
