// The settings of a training run in words: those of config.json and the report, and what a checkpoint must match.
#include "train/run_settings.hpp"

#include "train/fit_loop.hpp"
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
std::string described(const optim::Optimizer<T>& optimizer) {
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
std::string FitLoop<T>::run_signature() const {
  return fmt::format(
      "{} samples, batches of {}{}, {} a step, {}, metrics {}{}", data_.size(), batch_size(),
      options_.drop_last ? " (the last dropped)" : "", options_.accumulate,
      shuffles() ? fmt::format("shuffled by seed {}", seed()) : "in order",
      state_.history.metric_names.empty() ? "none" : fmt::format("{}", fmt::join(state_.history.metric_names, " ")),
      options_.class_weights.empty() ? "" : ", class weights " + class_weights_text(options_.class_weights));
}

template <class T>
Settings FitLoop<T>::settings() const {
  std::size_t trained = 0, all = 0;
  for (const auto& [path, parameter] : model_.parameters) {
    all += parameter.value().size();
    if (parameter.trainable()) trained += parameter.value().size();
  }
  Settings lines{{"title", options_.title},
                 {"samples", fmt::format("{}", data_.size())},
                 {"validation_samples", fmt::format("{}", validation_ == nullptr ? 0 : validation_->size())},
                 {"parameters", fmt::format("{}", all)},
                 {"trained_parameters", fmt::format("{}", trained)},
                 {"scalar", std::is_same_v<T, float> ? "float" : "double"},
                 {"epochs", fmt::format("{}", options_.epochs)},
                 {"batch_size", fmt::format("{}", batch_size())},
                 {"accumulate", fmt::format("{}", options_.accumulate)},
                 {"drop_last", options_.drop_last ? "true" : "false"},
                 {"shuffle", shuffles() ? "true" : "false"},
                 {"seed", fmt::format("{}", seed())},
                 {"rate", fmt::format("{:.9g}", optimizer_.rate())},
                 {"schedule", options_.schedule         ? "by step"
                              : options_.epoch_schedule ? "by epoch"
                              : options_.plateau        ? "plateau"
                                                        : "none"},
                 {"class_weights", class_weights_text(options_.class_weights)},
                 {"monitor", monitor_},
                 {"patience", fmt::format("{}", options_.patience)},
                 {"best_weights", options_.best_weights ? "true" : "false"},
                 {"wengert", WENGERT_VERSION}};
  for (const auto& line : optimizer_.settings()) lines.push_back(line);
  lines.insert(lines.end(), options_.notes.begin(), options_.notes.end());
  return lines;
}

#define INSTANTIATE(T)                                        \
  template std::string described(const optim::Optimizer<T>&); \
  template std::string frozen_paths(const ErasedModel<T>&);   \
  template std::string FitLoop<T>::run_signature() const;     \
  template Settings FitLoop<T>::settings() const;
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
