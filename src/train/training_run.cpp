// The beginning of a training run: checks of options, names and data, its metrics and its monitored quantity.
#include "train/training_run.hpp"

#include "io/npz.hpp"
#include "train/evaluation.hpp"
#include "train/run_report.hpp"
#include "train/run_settings.hpp"
#include <wengert/io/npz.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// Adds the parameters that only the optimiser knows: those of a network that is a function, and those of a loss. Makes
// all paths distinct, and keeps each generator once.
template <class T>
ErasedModel<T> with_paths(ErasedModel<T> model, const optim::AnyOptimizer<T>& optimizer, const FitOptions& options) {
  for (const auto& [name, parameter] : optimizer.parameters())
    if (std::ranges::none_of(model.parameters, [&](const auto& known) { return known.second == parameter; }))
      model.parameters.emplace_back(name, parameter);
  std::set<std::string> known;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    std::string& path = model.parameters[i].first;
    if (path.empty() || known.contains(path)) path += fmt::format("#{}", i);
    known.insert(path);
  }
  model.generators.insert(model.generators.end(), options.checkpoint.generators.begin(),
                          options.checkpoint.generators.end());
  std::vector<Generator> distinct;
  for (const Generator& generator : model.generators)
    if (std::ranges::none_of(distinct, [&](const Generator& g) { return g.state() == generator.state(); }))
      distinct.push_back(generator);
  model.generators = distinct;
  return model;
}

// Throws ValueError unless each step gets all samples.
template <class T>
void require_one_batch(const Source<T>& data, const FitOptions& options, const Location& where) {
  std::string what, cure = "pass the samples as train::Samples";
  if (const auto* loader = data.loader()) {
    if (loader->count == 1 && loader->batch_size >= data.size()) return;
    what = fmt::format("a Loader of {} batches of {}", loader->count, loader->batch_size);
  } else if (const auto own = data.batches(options.batches.seed, 0); !own.empty()) {
    if (own.size() == 1 && own.front().size() == data.size()) return;
    what = fmt::format("data that divide themselves into {} batches", own.size());
  } else {
    if (options.batch_size == all_samples) return;
    what = fmt::format("batches of {}", options.batch_size);
    cure = "set .batch_size = train::all_samples";
  }
  throw ValueError(
      "fit",
      fmt::format("LBFGS with {} for {} samples: its line search needs the same loss at each evaluation: {}, or use an "
                  "Optimizer",
                  what, data.size(), cure),
      where);
}

// Throws ValueError for options that contradict how the data are divided into batches, or that drop all of them.
template <class T>
void check_batch_options(const Source<T>& data, const FitOptions& options, const Location& where) {
  const BatchOptions& asked = options.batches;
  const auto* loader = data.loader();
  const bool divided = loader == nullptr && !data.batches(asked.seed, 0).empty();
  const auto refuse = [&](const char* option, const char* of_buckets) {
    throw ValueError("fit",
                     divided ? fmt::format("{}, but the data divide themselves into batches: leave it out, and set {} "
                                           "of Sequences, or make the batches of `batches` so",
                                           option, of_buckets)
                             : fmt::format("{}, but the data are a Loader, which makes the batches: set it in the "
                                           "options of the Loader",
                                           option),
                     where);
  };
  if (!asked.shuffle && (divided || (loader != nullptr && loader->shuffle)))
    refuse("batches.shuffle is false", "BucketOptions::shuffle");
  if (!asked.drop_last) return;
  if (divided || (loader != nullptr && !loader->drop_last))
    refuse("batches.drop_last is true", "BucketOptions::drop_last");
  if (loader == nullptr && options.batch_size != all_samples && options.batch_size > data.size())
    throw ValueError("fit",
                     fmt::format("batch size {} for {} samples: the only batch is incomplete, and would be dropped: "
                                 "expected at most {}, or batches.drop_last = false",
                                 options.batch_size, data.size(), data.size()),
                     where);
}

// Returns the options if all of them are valid.
template <class T>
const FitOptions& checked(const FitOptions& options, const Trainer<T>& trainer, const Source<T>& data,
                          const Source<T>* validation, const Location& where) {
  const auto refuse = [&](const std::string& what) { throw ValueError("fit", what, where); };
  if (trainer.stepwise == nullptr && trainer.line_search == nullptr)
    refuse("an optimiser of another type: expected an Optimizer or LBFGS");
  if (trainer.line_search != nullptr) {
    require_one_batch(data, options, where);
    if (options.batches.accumulate != 1)
      refuse(fmt::format("LBFGS with batches.accumulate {}: expected 1, because a step takes all samples in one batch",
                         options.batches.accumulate));
  }
  if (validation != nullptr && validation->size() == 0) refuse("there are no validation samples");
  require_sample_weight(data, "the data", "fit", where);
  if (validation != nullptr) require_sample_weight(*validation, "the validation data", "fit", where);
  if (options.epochs == 0) refuse("epochs is 0: expected at least 1");
  if (!(options.checkpoint.seconds >= 0))
    refuse(fmt::format("checkpoint.seconds is {}: expected 0 or more", options.checkpoint.seconds));
  if (std::isnan(options.report.threshold)) refuse("report.threshold is NaN: expected a number");
  if (options.batches.accumulate == 0) refuse("batches.accumulate is 0: expected at least 1");
  if (options.batches.max_programs == 0) refuse("batches.max_programs is 0: expected at least 1");
  check_batch_options(data, options, where);
  const StoppingOptions& stopping = options.stopping;
  if (!(stopping.seconds >= 0)) refuse(fmt::format("stopping.seconds is {}: expected 0 or more", stopping.seconds));
  if (!(stopping.min_improvement >= 0))
    refuse(fmt::format("stopping.min_improvement is {}: expected 0 or more", stopping.min_improvement));
  const ScheduleOptions& schedule = options.schedule;
  if ((schedule.by_step ? 1 : 0) + (schedule.by_epoch ? 1 : 0) + (schedule.plateau ? 1 : 0) > 1)
    refuse("several of schedule.by_step, by_epoch and plateau are set: expected one");
  if (schedule.plateau) {
    optim::Plateau trial = *schedule.plateau;
    trial.rate = 1;
    trial(0);  // throws if an option is out of range
  }
  if (options.checkpoint.resume && options.folder.empty())
    refuse("checkpoint.resume is set, but there is no folder to resume from");
  if (options.checkpoint.steps != 0 && options.folder.empty())
    refuse(fmt::format("checkpoint.steps is {}, but there is no folder for checkpoints: set .folder, or leave it out",
                       options.checkpoint.steps));
  for (const AnyObserver& observer : options.observers)
    if (observer.get() == nullptr) refuse("an observer is a null pointer: expected one such as CsvLog(file)");
  return options;
}

// The first batch as the network will see it: a Loader's transform may change its shape.
template <class T>
Batch<T> first_trained_batch(const Source<T>& data, std::size_t batch_size, const Location& where) {
  Batch<T> batch = first_batch(data, batch_size, "fit", where);
  if (data.loader() == nullptr) return batch;
  auto plan = std::make_shared<data::detail::LoaderPlan>(*data.loader());
  plan->prefetch = 0;
  std::vector<std::size_t> rows;
  data.copy(data::detail::LoaderEpoch(std::move(plan), 0, 0).next(), batch, rows);
  return batch;
}

}  // namespace

template <class T>
TrainingRun<T>::TrainingRun(ErasedModel<T> erased, Trainer<T> trained_by, const Source<T>& samples,
                            const Source<T>* held_out, const FitOptions& of_fit, const Location& line)
    : model(with_paths(std::move(erased), *trained_by.optimizer, of_fit)),
      trainer(trained_by),
      data(samples),
      validation(held_out),
      options(checked(of_fit, trainer, data, held_out, line)),
      where(line),
      batches(data, options, line),
      programs(model, trainer, !options.metrics.empty(), line, options.batches.max_programs),
      model_state{model, trainer, {}},
      rule_(described(*trainer.optimizer)),
      frozen_(frozen_paths(model)),
      given_rate_(rate()) {
  if (trainer.stepwise != nullptr && trainer.stepwise->average_swapped())
    trainer.stepwise->swap_average(where);  // by an earlier fit
  choose_metrics();
  check_batches();
  choose_monitor();
  plan_ = run_signature();
  settings = settings_in_words();
  check_names();
  folder = RunFolder(options.folder, where);  // after the checks, so that only a valid run leaves files
  resume();
  folder.write_config(settings);
}

template <class T>
void TrainingRun<T>::begin() {
  interrupts.emplace(options.stopping.handle_interrupts);
  const ScheduleOptions& schedule = options.schedule;
  if (schedule.by_step || schedule.by_epoch || schedule.plateau)
    rate_control.emplace(optimizer(), schedule.plateau ? "the plateau of fit" : "the schedule of fit", where);
  start = Clock::now();
}

template <class T>
void TrainingRun<T>::choose_metrics() {
  const Batch<T> batch = first_trained_batch(data, batches.batch_size(), where);
  info = programs.model_info(batch);
  if (!options.folder.empty()) summary = model.summary ? model.summary(batch) : parameter_table(model);
  classified = classifies(info, batch);
  check_picture(batch);
  check_class_names(batch);
  const Metrics metrics = chosen_metrics(options.metrics, options.report.threshold, info, batch, where);
  state.scores = Scores(metrics, info, data.target_names(), "fit", where);
  // The same objects: the epoch's values are read before validation.
  validation_scores = Scores(metrics, info, data.target_names(), "fit", where);
  state.scores.check_shapes(info.outputs, batch);
  if (!options.class_weights.empty()) check_class_weights(options.class_weights, info, batch, "fit", where);
  state.history.metric_names = state.scores.names();
  add_norm_columns();
  check_columns();
}

template <class T>
void TrainingRun<T>::check_columns() const {
  const std::vector<std::string> columns = state.history.columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) throw ValueError("fit", "a metric has no name: expected one that is not empty", where);
    if (columns[i].find_first_of(",\"\r\n") != std::string::npos)
      throw ValueError("fit",
                       fmt::format("'{}': the name of a metric or parameter becomes a column name in history.csv: "
                                   "expected one without commas, quotes and line breaks",
                                   columns[i]),
                       where);
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i), columns[i]) !=
        columns.begin() + static_cast<std::ptrdiff_t>(i))
      throw ValueError(
          "fit",
          fmt::format("a metric is called '{}', as is another column of the history: expected a name other than {}",
                      columns[i], fmt::join(std::span(columns).first(i), ", ")),
          where);
  }
}

template <class T>
void TrainingRun<T>::check_picture(const Batch<T>& batch) const {
  if (options.report.picture.empty()) return;
  if (batch.inputs.size() != 1)
    throw ValueError(
        "fit", fmt::format("report.picture is set, but the data have {} inputs: expected one", batch.inputs.size()),
        where);
  const Shape inputs = std::visit([](const auto& x) { return Shape(x.shape()); }, batch.inputs[0]);
  if (options.report.picture.elements() * batch.samples == inputs.elements()) return;
  throw ValueError(
      "fit",
      fmt::format("report.picture of shape {}, inputs of shape {}: expected as many elements as a sample has",
                  to_string(options.report.picture), to_string(inputs)),
      where);
}

template <class T>
void TrainingRun<T>::check_class_names(const Batch<T>& batch) const {
  const std::size_t names = options.report.class_names.size();
  if (names == 0 || !classified) return;
  if (const std::size_t classes = count_of_classes(info, batch); names != classes)
    throw ValueError(
        "fit",
        fmt::format("report.class_names has {} names for outputs of {} classes: expected one for each", names, classes),
        where);
}

template <class T>
std::string TrainingRun<T>::monitored(std::string_view column, const Location& line) const {
  const std::string name(column.empty() ? monitor : column);
  const std::vector<std::string> columns = state.history.columns();
  if (std::ranges::find(columns, name) == columns.end())
    throw ValueError("fit", fmt::format("monitor '{}': expected one of {}", name, fmt::join(columns, ", ")), line);
  if (validation == nullptr && name.starts_with("validation_"))
    throw ValueError("fit", fmt::format("monitor '{}': there is no validation data", name), line);
  return name;
}

template <class T>
bool TrainingRun<T>::larger_is_better(std::string_view column) const {
  const std::string_view name = column.starts_with("validation_") ? column.substr(11) : column;
  return std::ranges::any_of(state.scores.metrics(),
                             [&](const auto& metric) { return metric->name() == name && metric->larger_is_better(); });
}

template <class T>
void TrainingRun<T>::watch(std::string_view column, double value) {
  if (std::isfinite(value) || !not_finite_columns_.emplace(column).second) return;
  warn(fmt::format(
      "the monitored '{}' is {} in epoch {}, which counts as no improvement: monitor another column, or use "
      "data on which it is defined",
      column, value, state.history.epochs.back().epoch));
}

template <class T>
void TrainingRun<T>::warn(std::string text) {
  if (display_warning) display_warning(text);
  warnings.push_back(std::move(text));
}

template <class T>
void TrainingRun<T>::choose_monitor() {
  monitor = monitored(!options.stopping.monitor.empty() ? options.stopping.monitor
                      : validation != nullptr           ? "validation_loss"
                                                        : "loss",
                      where);
  state.plateau = options.schedule.plateau;
  if (!state.plateau) return;
  state.plateau->rate = rate();
  state.plateau->goal = larger_is_better(monitor) ? optim::Plateau::Goal::largest : optim::Plateau::Goal::smallest;
}

template <class T>
void TrainingRun<T>::check_names() const {
  std::set<std::string_view> names;
  for (const auto& [name, value] : settings)
    if (!names.insert(name).second)
      throw ValueError(
          "fit", fmt::format("report.notes: '{}' is already a setting or a note: expected another name", name), where);
  if (options.folder.empty()) return;
  for (const auto& [path, parameter] : model.parameters) io::check_npz_name("fit", path, where);
}

template <class T>
void TrainingRun<T>::add_norm_columns() {
  if (!options.report.gradient_norms) return;
  std::vector<std::string>& paths = state.history.parameter_paths;
  for (const auto& [name, parameter] : optimizer().trainable())
    if (std::ranges::find(paths, name) == paths.end()) paths.push_back(name);
}

template <class T>
std::string TrainingRun<T>::not_finite() const {
  for (const auto& [path, parameter] : optimizer().trainable()) {
    std::size_t found = 0;
    for (const T value : parameter.value()) found += std::abs(value) <= std::numeric_limits<T>::max() ? 0 : 1;
    if (found != 0) return path;
  }
  return {};
}

template <class T>
void TrainingRun<T>::save_weights(const std::filesystem::path& file, const Location& line) {
  if (const std::string path = not_finite(); !path.empty())
    throw ValueError("fit",
                     fmt::format("step {}: '{}' is not finite, so {} is not written", state.steps, path, file.string()),
                     line);
  std::optional<Averages<T>> averages;
  if (!has_final_weights) averages.emplace(trainer);
  save_parameters_npz(model, file, line);
}

template <class T>
void save_parameters_npz(const ErasedModel<T>& model, const std::filesystem::path& file, const Location& where) {
  std::vector<io::NamedTensor<T>> weights;
  for (const auto& [path, parameter] : model.parameters) weights.push_back({path, parameter.value()});
  io::save_npz(file, weights, io::Compression::stored, where);
}

template struct TrainingRun<float>;
template struct TrainingRun<double>;
template void save_parameters_npz(const ErasedModel<float>&, const std::filesystem::path&, const Location&);
template void save_parameters_npz(const ErasedModel<double>&, const std::filesystem::path&, const Location&);

}  // namespace wengert::train
