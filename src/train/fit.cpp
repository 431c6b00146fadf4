// The beginning and the end of a training run: checks of options, resumption, settings, results and report.
#include "base/located.hpp"
#include "io/npz.hpp"
#include "report/text.hpp"
#include "train/class_weights.hpp"
#include "train/fit_loop.hpp"
#include "train/run_report.hpp"
#include "train/run_settings.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/train/fit.hpp>

#include <cmath>
#include <set>
#include <stdexcept>
#include <system_error>
#include <type_traits>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// Adds the parameters that only the optimiser knows: those of a network that is a function, and those of a loss. Makes
// all paths distinct, and keeps each generator once.
template <class T>
ErasedModel<T> with_paths(ErasedModel<T> model, const optim::Optimizer<T>& optimizer, const FitOptions& options) {
  for (const auto& [name, parameter] : optimizer.parameters())
    if (std::ranges::none_of(model.parameters, [&](const auto& known) { return known.second == parameter; }))
      model.parameters.emplace_back(name, parameter);
  std::set<std::string> known;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    std::string& path = model.parameters[i].first;
    if (path.empty() || known.contains(path)) path += fmt::format("#{}", i);
    known.insert(path);
  }
  model.generators.insert(model.generators.end(), options.generators.begin(), options.generators.end());
  std::vector<Generator> distinct;
  for (const Generator& generator : model.generators)
    if (std::ranges::none_of(distinct, [&](const Generator& g) { return g.state() == generator.state(); }))
      distinct.push_back(generator);
  model.generators = distinct;
  return model;
}

// Returns the options if all of them are valid.
template <class T>
const FitOptions& checked(const FitOptions& options, const Source<T>* validation, const Location& where) {
  const auto refuse = [&](const std::string& what) { throw ValueError("fit", what, where); };
  if (validation != nullptr && validation->size() == 0) refuse("there are no validation samples");
  if (options.epochs == 0) refuse("epochs is 0: expected at least 1");
  if (std::isnan(options.checkpoint_seconds)) refuse("checkpoint_seconds is NaN: expected a number");
  if (std::isnan(options.threshold)) refuse("threshold is NaN: expected a number");
  if (options.accumulate == 0) refuse("accumulate is 0: expected at least 1");
  if (options.max_programs == 0) refuse("max_programs is 0: expected at least 1");
  if (!(options.seconds >= 0)) refuse(fmt::format("seconds is {}: expected 0 or more", options.seconds));
  if ((options.schedule ? 1 : 0) + (options.epoch_schedule ? 1 : 0) + (options.plateau ? 1 : 0) > 1)
    refuse("several of schedule, epoch_schedule and plateau are set: expected one");
  if (options.resume && options.folder.empty()) refuse("resume is set, but there is no folder to resume from");
  if (!(options.min_improvement >= 0))
    refuse(fmt::format("min_improvement is {}: expected 0 or more", options.min_improvement));
  return options;
}

}  // namespace

template <class T>
FitLoop<T>::FitLoop(ErasedModel<T> model, optim::Optimizer<T>& optimizer, const Source<T>& data,
                    const Source<T>* validation, const FitOptions& options, const Location& where)
    : model_(with_paths(std::move(model), optimizer, options)),
      optimizer_(optimizer),
      data_(data),
      validation_(validation),
      options_(checked(options, validation, where)),
      where_(where),
      programs_(model_, &optimizer, !options.metrics.empty(), where, options.max_programs),
      model_state_{model_, optimizer, {}},
      optimiser_(described(optimizer)),
      frozen_(frozen_paths(model_)),
      given_rate_(optimizer.rate()) {
  if (optimizer.average_swapped()) optimizer.swap_average(where);  // by an earlier fit
  choose_metrics();
  choose_monitor();
  settings_ = settings();
  check_names();
  folder_ = RunFolder(options.folder, where);  // after the checks, so that only a valid run leaves files
  resume();
  folder_.write_config(settings_);
  folder_.write_history(state_.history);
}

template <class T>
void FitLoop<T>::choose_metrics() {
  own_batches_ = data_.batches(options_.seed, 0).size();
  const Batch<T> batch = first_batch(data_, batch_size(), "fit", where_);
  info_ = programs_.model_info(batch);
  if (!options_.folder.empty()) summary_ = model_.summary ? model_.summary(batch) : parameter_table(model_);
  classified_ = classifies(info_, batch);
  check_picture(batch);
  const Metrics metrics = chosen_metrics(options_.metrics, options_.threshold, info_, batch, where_);
  state_.scores = Scores(metrics, info_, data_.target_names(), "fit", where_);
  validation_scores_ = Scores(metrics, info_, data_.target_names(), "fit",
                              where_);  // the same objects: the epoch's values are read before validation
  state_.history.metric_names = state_.scores.names();
  add_norm_columns();
  const std::vector<std::string> columns = state_.history.columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) throw ValueError("fit", "a metric has no name: expected one that is not empty", where_);
    if (columns[i].find_first_of(",\"\r\n") != std::string::npos)
      throw ValueError("fit",
                       fmt::format("'{}': the name of a metric or parameter becomes a column name in history.csv: "
                                   "expected one without commas, quotes and line breaks",
                                   columns[i]),
                       where_);
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i), columns[i]) !=
        columns.begin() + static_cast<std::ptrdiff_t>(i))
      throw ValueError(
          "fit",
          fmt::format("a metric is called '{}', as is another column of the history: expected a name other than {}",
                      columns[i], fmt::join(std::span(columns).first(i), ", ")),
          where_);
  }
}

template <class T>
void FitLoop<T>::check_picture(const Batch<T>& batch) const {
  if (options_.picture.empty()) return;
  if (batch.inputs.size() != 1)
    throw ValueError(
        "fit", fmt::format("picture is set, but the data have {} inputs: expected one", batch.inputs.size()), where_);
  const Shape inputs = std::visit([](const auto& x) { return Shape(x.shape()); }, batch.inputs[0]);
  if (options_.picture.elements() * batch.samples == inputs.elements()) return;
  throw ValueError("fit",
                   fmt::format("picture of shape {}, inputs of shape {}: expected as many elements as a sample has",
                               to_string(options_.picture), to_string(inputs)),
                   where_);
}

template <class T>
void FitLoop<T>::choose_monitor() {
  monitor_ = !options_.monitor.empty() ? options_.monitor : validation_ != nullptr ? "validation_loss" : "loss";
  const std::vector<std::string> columns = state_.history.columns();
  if (std::ranges::find(columns, monitor_) == columns.end())
    throw ValueError("fit", fmt::format("monitor '{}': expected one of {}", monitor_, fmt::join(columns, ", ")),
                     where_);
  if (validation_ == nullptr && monitor_.starts_with("validation_"))
    throw ValueError("fit", fmt::format("monitor '{}': there is no validation data", monitor_), where_);
  const std::string name = monitor_.starts_with("validation_") ? monitor_.substr(11) : monitor_;
  for (const auto& metric : state_.scores.metrics())
    if (metric->name() == name) monitor_larger_ = metric->larger_is_better();
  state_.plateau = options_.plateau;
  if (!state_.plateau) return;
  state_.plateau->rate = optimizer_.rate();
  state_.plateau->goal = monitor_larger_ ? optim::Plateau::Goal::largest : optim::Plateau::Goal::smallest;
}

// Checks the names of settings, and those in weights.npz, which is written only at the end.
template <class T>
void FitLoop<T>::check_names() const {
  std::set<std::string_view> names;
  for (const auto& [name, value] : settings_)
    if (!names.insert(name).second)
      throw ValueError("fit", fmt::format("notes: '{}' is already a setting or a note: expected another name", name),
                       where_);
  if (options_.folder.empty()) return;
  for (const auto& [path, parameter] : model_.parameters) io::check_npz_name("fit", path, where_);
}

template <class T>
void FitLoop<T>::resume() {
  if (!folder_.exists()) return;
  const std::filesystem::path path = folder_.file("checkpoint");
  if (!std::filesystem::exists(path)) return;
  if (!options_.resume) {  // a crash before the first checkpoint must not resume from it
    std::error_code error;
    std::filesystem::rename(path, folder_.file("checkpoint.previous"), error);
    if (error) throw FileError("fit", fmt::format("{}: cannot be renamed: {}", path.string(), error.message()));
    return;
  }
  const Checkpoint checkpoint = Checkpoint::load(path, where_);
  if (const std::string& theirs = checkpoint.get<std::string>("fit/plan", where_); theirs != run_signature())
    throw FileError("fit", fmt::format("{}: belongs to another training run: {}; this one has {}", path.string(),
                                       theirs, run_signature()));
  const auto require_same = [&](const char* entry, std::string_view what, const std::string& ours) {
    if (!checkpoint.has(entry)) return;
    if (const std::string& theirs = checkpoint.get<std::string>(entry, where_); theirs != ours)
      throw FileError(
          "fit", fmt::format("{}: {}: {}; this training run has {}: start again without .resume, or in another folder",
                             path.string(), what, theirs.empty() ? "none" : theirs, ours.empty() ? "none" : ours));
  };
  require_same("fit/optimizer", "was trained by another optimiser (only the rate may change)", optimiser_);
  if (!model_state_.has_frozen(checkpoint))  // otherwise they are as callbacks left them
    require_same("fit/frozen", "other parameters were frozen at the start", frozen_);
  if (checkpoint.has("fit/frozen")) frozen_ = checkpoint.get<std::string>("fit/frozen", where_);
  model_state_.load(checkpoint);
  try {
    state_.load(checkpoint);
  } catch (const std::out_of_range&) {  // for example, a metric has another state now
    throw FileError("fit", fmt::format("{}: holds fewer numbers than this training run keeps", path.string()), where_);
  }
  add_norm_columns();
  resumed_ = true;
  // The rate stays as schedules left it, unless the optimiser was given another rate than in the checkpoint.
  if (checkpoint.has("fit/rate") && checkpoint.number("fit/rate", where_) != given_rate_) {
    optimizer_.set_rate(given_rate_, where_);
    if (state_.plateau) state_.plateau->rate = given_rate_;
  }
  if (options_.patience == 0 || state_.without_improvement < options_.patience) return;
  stopped_ = true;  // as before
  reason_ = StopReason::no_improvement;
}

template <class T>
void FitLoop<T>::finish(FitResult& result) {
  if (state_.epoch >= options_.epochs && reason_ != StopReason::no_improvement) reason_ = StopReason::epochs;
  result.seconds = seconds();
  loaded_.reset();  // whose thread may still be gathering samples
  require_finite_parameters();
  if (folder_.exists()) save();
  if (options_.best_weights && !model_state_.best.empty())
    model_state_.restore_best();
  else if (optimizer_.has_average())
    optimizer_.swap_average(where_);
  model_.set_training(false);
  result.history = state_.history;
  result.reason = reason_;
  result.steps = state_.steps;
  result.best_epoch = state_.best_epoch;
  result.resumed = resumed_;
  if (folder_.exists()) {
    std::vector<io::NamedTensor<T>> weights;
    for (const auto& [path, parameter] : model_.parameters) weights.push_back({path, parameter.value()});
    if (!weights.empty()) io::save_npz(folder_.file("weights.npz"), weights, io::Compression::stored, where_);
    folder_.write_history(state_.history);
    report::Report report{options_.title, {}, state_.history, state_.losses, {}, options_.class_names};
    report.subtitle =
        fmt::format("{} samples; {} after {}", data_.size(), to_string(reason_), report::duration_text(result.seconds));
    if (options_.best_weights && !model_state_.best.empty())
      report.subtitle += fmt::format("; weights of epoch {}", state_.best_epoch);
    for (const auto& metric : state_.scores.metrics())
      if (!metric->larger_is_better()) report.less_is_better.push_back(metric->name());
    report.less_is_better.insert(report.less_is_better.end(), info_.terms.begin(), info_.terms.end());
    report.dot = info_.dot;
    report.settings = settings_;
    report.summary = summary_;
    if (classified_)
      add_mistakes<T>(report, programs_, info_, validation_ != nullptr ? *validation_ : data_,
                      evaluation_batch_size(batch_size()), options_.picture, options_.threshold);
    report::write_report(folder_.file("report.html"), report);
  }
  result.compilations = programs_.compilations();
  result.recompilations = programs_.recompilations();
  progress_->finish(fmt::format("{} in {}, {} steps, {} compilations; {}", to_string(reason_),
                                report::duration_text(result.seconds), state_.steps, result.compilations,
                                figures_text(state_.history)));
}

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::epochs:
      return "all epochs completed";
    case StopReason::time:
      return "time limit reached";
    case StopReason::no_improvement:
      return "no further improvement";
    case StopReason::callback:
      return "stopped by a callback";
    case StopReason::interrupt:
      return "interrupted";
  }
  return "";
}

double FitResult::last(std::string_view column, const Location& where) const {
  const std::vector<double> values = history.column(column, where);
  if (values.empty())
    throw ValueError("fit", fmt::format("no epoch was completed, so there is no '{}'", column), where);
  if (std::isnan(values.back()))
    throw ValueError("fit", fmt::format("'{}' was not measured in the last epoch", column), where);
  return values.back();
}

namespace detail {

template <class T>
FitResult run_fit(ErasedModel<T> model, optim::Optimizer<T>& optimizer, const Source<T>& data,
                  const Source<T>* validation, const FitOptions& options, const Location& where) {
  return located("fit", where, [&] {
    if (options.class_weights.empty())
      return FitLoop<T>(std::move(model), optimizer, data, validation, options, where).run();
    const ClassWeighted<T> weighted(data, options.class_weights, "fit", where);
    return FitLoop<T>(std::move(model), optimizer, weighted, validation, options, where).run();
  });
}
template FitResult run_fit(ErasedModel<float>, optim::Optimizer<float>&, const Source<float>&, const Source<float>*,
                           const FitOptions&, const Location&);
template FitResult run_fit(ErasedModel<double>, optim::Optimizer<double>&, const Source<double>&, const Source<double>*,
                           const FitOptions&, const Location&);

}  // namespace detail

#define INSTANTIATE(T)                                                                                   \
  template FitLoop<T>::FitLoop(ErasedModel<T>, optim::Optimizer<T>&, const Source<T>&, const Source<T>*, \
                               const FitOptions&, const Location&);                                      \
  template void FitLoop<T>::choose_metrics();                                                            \
  template void FitLoop<T>::check_picture(const Batch<T>&) const;                                        \
  template void FitLoop<T>::choose_monitor();                                                            \
  template void FitLoop<T>::check_names() const;                                                         \
  template void FitLoop<T>::resume();                                                                    \
  template void FitLoop<T>::finish(FitResult&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
