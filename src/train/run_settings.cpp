// The settings of a training run in words: those of config.json and the report, and what a checkpoint must match.
#include "train/run_settings.hpp"

#include "train/checkpoint.hpp"
#include "train/training_run.hpp"
#include <wengert/base/version.hpp>

#include <cstdint>
#include <type_traits>

#include <fmt/format.h>

namespace wengert::train {
namespace {

std::string class_weights_text(const ClassWeights& weights) {
  if (weights.empty()) return "none";
  return weights.is_balanced() ? "balanced" : fmt::format("{:.9g}", fmt::join(weights.values(), " "));
}

// Batches that the data make may differ although their number does not.
std::string own_batches_text(const std::vector<std::vector<std::size_t>>& batches) {
  std::uint32_t sum = 0;
  for (const std::vector<std::size_t>& rows : batches) {
    const std::size_t size = rows.size();
    sum = crc(crc(sum, &size, sizeof(size)), rows.data(), size * sizeof(size));
  }
  return fmt::format("{} batches of the data's own (checksum {:08x})", batches.size(), sum);
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
  const auto own = batches.own_batches();
  std::string weights;
  if (!options.class_weights.empty()) weights = ", class weights " + class_weights_text(options.class_weights);
  if (const Tensor<double>* each = data.sample_weights(); each != nullptr && each->dimension() != 0)
    weights += fmt::format(", sample weights (checksum {:08x})", crc(0, each->data(), each->size() * sizeof(double)));
  return fmt::format(
      "{} samples, {}{}, {} a step, {}, metrics {}{}", data.size(),
      own.empty() ? fmt::format("batches of {}", batches.batch_size()) : own_batches_text(own),
      batches.drops_last() ? " (the last dropped)" : "", options.batches.accumulate,
      !own.empty()         ? fmt::format("seed {}", batches.seed())
      : batches.shuffles() ? fmt::format("shuffled by seed {}", batches.seed())
                           : "in order",
      state.history.metric_names.empty() ? "none" : fmt::format("{}", fmt::join(state.history.metric_names, " ")),
      weights);
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
