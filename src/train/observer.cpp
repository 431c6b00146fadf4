// Observers: what FitStatus offers them, those of one function, and the standard ones.
#include "base/located.hpp"
#include "io/files.hpp"
#include "io/output_file.hpp"
#include "train/best_epoch.hpp"
#include "train/fit_access.hpp"
#include <wengert/train/observer.hpp>

#include <fstream>
#include <type_traits>

#include <fmt/format.h>

namespace wengert::train {

namespace {

detail::FitAccess& run_of(detail::FitAccess* access, const Location& where) {
  if (access == nullptr)
    throw ValueError("fit", "the status is not that of a run of fit: expected the one that fit passes to observers",
                     where);
  return *access;
}

}  // namespace

double FitStatus::rate(const Location& where) const { return run_of(access, where).rate(); }
void FitStatus::set_rate(double rate, const Location& where) { run_of(access, where).set_rate(rate, where); }
void FitStatus::save_weights(const std::filesystem::path& file, const Location& where) const {
  run_of(access, where).save_weights(file, where);
}
std::string FitStatus::monitored(std::string_view column, const Location& where) const {
  return run_of(access, where).monitored(column, where);
}
bool FitStatus::larger_is_better(std::string_view column, const Location& where) const {
  return run_of(access, where).larger_is_better(column);
}

double FitStatus::last(std::string_view column, const Location& where) const {
  if (history.epochs.empty())
    throw ValueError("fit", fmt::format("no epoch is completed, so there is no '{}'", column), where);
  return report::History{history.metric_names, history.parameter_paths, {history.epochs.back()}}.column(column,
                                                                                                        where)[0];
}

template <class T>
const std::vector<std::pair<std::string, Parameter<T>>>& FitStatus::parameters(const Location& where) const {
  constexpr bool is_float = std::is_same_v<T, float>;
  if (const auto* typed = dynamic_cast<const detail::ParameterAccess<T>*>(&run_of(access, where)))
    return typed->parameters();
  throw ValueError("fit",
                   fmt::format("parameters<{}>(), but the network has the scalar type {}: expected its own",
                               is_float ? "float" : "double", is_float ? "double" : "float"),
                   where);
}
template const std::vector<std::pair<std::string, Parameter<float>>>& FitStatus::parameters(const Location&) const;
template const std::vector<std::pair<std::string, Parameter<double>>>& FitStatus::parameters(const Location&) const;

namespace {

// An observer that calls a function.
class FunctionObserver final : public Observer {
 public:
  using Function = std::function<void(FitStatus&)>;
  enum class Hook { before_epoch, after_step, after_epoch };
  FunctionObserver(Hook hook, Function function, const Location& where) : hook_(hook), function_(std::move(function)) {
    if (!function_) throw ValueError("observer", "a null function: expected one that takes a train::FitStatus&", where);
  }
  void before_epoch(FitStatus& status) override { call(Hook::before_epoch, status); }
  void after_step(FitStatus& status) override { call(Hook::after_step, status); }
  void after_epoch(FitStatus& status) override { call(Hook::after_epoch, status); }

 private:
  void call(Hook hook, FitStatus& status) {
    if (hook == hook_) function_(status);
  }
  Hook hook_;
  Function function_;
};

}  // namespace

AnyObserver before_epoch(std::function<void(FitStatus&)> function, const Location& where) {
  return FunctionObserver(FunctionObserver::Hook::before_epoch, std::move(function), where);
}
AnyObserver after_step(std::function<void(FitStatus&)> function, const Location& where) {
  return FunctionObserver(FunctionObserver::Hook::after_step, std::move(function), where);
}
AnyObserver after_epoch(std::function<void(FitStatus&)> function, const Location& where) {
  return FunctionObserver(FunctionObserver::Hook::after_epoch, std::move(function), where);
}

// ---- early stopping ------------------------------------------------------------------------------------------------

EarlyStopping::EarlyStopping(EarlyStoppingOptions options, const Location& where)
    : options_(std::move(options)), where_(where) {
  if (options_.patience == 0) throw ValueError("EarlyStopping", "patience is 0: expected at least 1", where);
  if (!(options_.min_improvement >= 0))
    throw ValueError("EarlyStopping",
                     fmt::format("min_improvement is {}: expected 0 or more", options_.min_improvement), where);
}

std::string EarlyStopping::name() const {
  return options_.monitor.empty() ? "EarlyStopping" : "EarlyStopping/" + options_.monitor;
}

void EarlyStopping::begin(FitStatus& status) {
  column_ = status.monitored(options_.monitor, where_);
  if (!std::exchange(restored_, false)) {
    best_ = std::numeric_limits<double>::quiet_NaN();
    without_improvement_ = 0;
  } else if (without_improvement_ >= options_.patience) {  // as before the run was resumed
    status.stop = true;
    status.reason = StopReason::no_improvement;
  }
}

void EarlyStopping::after_epoch(FitStatus& status) {
  const double value = status.last(column_, where_);
  run_of(status.access, where_).watch(column_, value);
  if (improves(value, best_, status.larger_is_better(column_), options_.min_improvement)) {
    best_ = value;
    without_improvement_ = 0;
  } else if (++without_improvement_ >= options_.patience) {
    status.stop = true;
    status.reason = StopReason::no_improvement;
  }
}

std::vector<double> EarlyStopping::state() const { return {best_, static_cast<double>(without_improvement_)}; }

void EarlyStopping::set_state(const std::vector<double>& numbers) {
  best_ = numbers.at(0);
  without_improvement_ = static_cast<std::size_t>(numbers.at(1));
  restored_ = true;
}

// ---- the best weights ----------------------------------------------------------------------------------------------

std::string BestCheckpoint::name() const { return monitor_.empty() ? "BestCheckpoint" : "BestCheckpoint/" + monitor_; }

void BestCheckpoint::begin(FitStatus& status) {
  column_ = status.monitored(monitor_, where_);
  located("BestCheckpoint", where_, [&] { const io::OutputFile writable("BestCheckpoint", file_); });  // writes nothing
  if (!std::exchange(restored_, false)) best_ = std::numeric_limits<double>::quiet_NaN();
}

void BestCheckpoint::after_epoch(FitStatus& status) {
  const double value = status.last(column_, where_);
  run_of(status.access, where_).watch(column_, value);
  if (!improves(value, best_, status.larger_is_better(column_))) return;
  status.save_weights(file_, where_);
  best_ = value;
}

void BestCheckpoint::set_state(const std::vector<double>& numbers) {
  best_ = numbers.at(0);
  restored_ = true;
}

// ---- the history as a file -----------------------------------------------------------------------------------------

void CsvLog::begin(FitStatus& status) { write_all(status.history); }

void CsvLog::write_all(const report::History& history) {
  columns_ = history.columns();
  located("CsvLog", where_, [&] { io::write_whole("CsvLog", file_, history.to_csv()); });
}

void CsvLog::after_epoch(FitStatus& status) {
  const report::History& history = status.history;
  if (history.columns() != columns_) {  // of parameters that are trained now
    write_all(history);
    return;
  }
  const report::History last{history.metric_names, history.parameter_paths, {history.epochs.back()}};
  const std::string text = last.to_csv();
  std::ofstream out(file_, std::ios::binary | std::ios::app);
  out << text.substr(text.find('\n') + 1);
  if (!out.flush()) throw FileError("CsvLog", fmt::format("{}: cannot be written", file_.string()), where_);
}

}  // namespace wengert::train
