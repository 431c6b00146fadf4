// The settings of a training run in words: those of config.json and the report, and what a checkpoint must match.
#include "train/run_settings.hpp"

#include "train/training_run.hpp"
#include <wengert/base/version.hpp>

#include <type_traits>

#include <fmt/format.h>

namespace wengert::train {
namespace {

std::string class_weights_text(const ClassWeights& weights) {
  if (weights.empty()) return "none";
  return weights.is_balanced() ? "balanced" : fmt::format("{:.9g}", fmt::join(weights.values(), " "));
}

}  // namespace

template <class T>
std::string described(const optim::AnyOptimizer<T>& optimizer) {
  std::string text;
  for (const auto& [name, value] : optimizer.settings()) {
    if (!text.empty()) text += fmt::format(", {} ", name.starts_with("optimizer.") ? name.substr(10) : name);
    text += value;
  }
  return text;
}

template <class T>
std::string frozen_paths(const ErasedModel<T>& model) {
  std::string text;
  for (const auto& [path, parameter] : model.parameters)
    if (!parameter.trainable()) text += (text.empty() ? "" : " ") + path;
  return text;
}

// What a checkpoint must match to be resumed.
template <class T>
std::string TrainingRun<T>::run_signature() const {
  return fmt::format(
      "{} samples, batches of {}{}, {} a step, {}, metrics {}{}", data.size(), batches.batch_size(),
      options.batches.drop_last ? " (the last dropped)" : "", options.batches.accumulate,
      batches.shuffles() ? fmt::format("shuffled by seed {}", batches.seed()) : "in order",
      state.history.metric_names.empty() ? "none" : fmt::format("{}", fmt::join(state.history.metric_names, " ")),
      options.class_weights.empty() ? "" : ", class weights " + class_weights_text(options.class_weights));
}

template <class T>
Settings TrainingRun<T>::settings_in_words() const {
  std::size_t trained = 0, all = 0;
  for (const auto& [path, parameter] : model.parameters) {
    all += parameter.value().size();
    if (parameter.trainable()) trained += parameter.value().size();
  }
  Settings lines{{"title", options.report.title},
                 {"samples", fmt::format("{}", data.size())},
                 {"validation_samples", fmt::format("{}", validation == nullptr ? 0 : validation->size())},
                 {"parameters", fmt::format("{}", all)},
                 {"trained_parameters", fmt::format("{}", trained)},
                 {"scalar", std::is_same_v<T, float> ? "float" : "double"},
                 {"epochs", fmt::format("{}", options.epochs)},
                 {"batch_size", fmt::format("{}", batches.batch_size())},
                 {"accumulate", fmt::format("{}", options.batches.accumulate)},
                 {"drop_last", options.batches.drop_last ? "true" : "false"},
                 {"shuffle", batches.shuffles() ? "true" : "false"},
                 {"seed", fmt::format("{}", batches.seed())},
                 {"rate", fmt::format("{:.9g}", optimizer().rate())},
                 {"schedule", options.schedule.by_step    ? "by step"
                              : options.schedule.by_epoch ? "by epoch"
                              : options.schedule.plateau  ? "plateau"
                                                          : "none"},
                 {"class_weights", class_weights_text(options.class_weights)},
                 {"monitor", monitor},
                 {"patience", fmt::format("{}", options.stopping.patience)},
                 {"best_weights", options.stopping.best_weights ? "true" : "false"},
                 {"wengert", WENGERT_VERSION}};
  for (const auto& line : optimizer().settings()) lines.push_back(line);
  lines.insert(lines.end(), options.report.notes.begin(), options.report.notes.end());
  return lines;
}

#define INSTANTIATE(T)                                           \
  template std::string described(const optim::AnyOptimizer<T>&); \
  template std::string frozen_paths(const ErasedModel<T>&);      \
  template std::string TrainingRun<T>::run_signature() const;    \
  template Settings TrainingRun<T>::settings_in_words() const;
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
