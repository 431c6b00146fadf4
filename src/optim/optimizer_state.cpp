// Optimizer: its settings, its saved state, the average of the weights, and layer-wise rate factors.
#include "optim/weight_average.hpp"
#include "tape/recording_scope.hpp"
#include <wengert/optim/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace wengert::optim {

std::vector<RateFactor> layerwise_decay(const std::vector<std::string>& paths, double decay, const Location& where) {
  if (!(std::isfinite(decay) && decay > 0))
    throw ValueError("layerwise_decay", fmt::format("a decay of {}: expected a positive number", decay), where);
  std::vector<RateFactor> result;
  for (std::size_t i = 0; i < paths.size(); ++i)
    result.push_back({paths[i], std::pow(decay, static_cast<double>(paths.size() - 1 - i))});
  return result;
}

template <class T>
std::vector<Group<T>> Optimizer<T>::groups() const {
  std::vector<Group<T>> result;
  for (std::size_t i = 0; i < group_paths_.size(); ++i) result.push_back({group_paths_[i], rules_[i + 1]});
  return result;
}

template <class T>
std::vector<std::pair<std::string, std::string>> Optimizer<T>::settings() const {
  std::vector<std::pair<std::string, std::string>> lines{{"optimizer", rule().name()}};
  for (const auto& [name, value] : rule().options())
    if (name != "rate") lines.emplace_back("optimizer." + name, fmt::format("{:.9g}", value));
  for (const auto& [path, rule] : groups()) {
    std::string text = rule.name();
    for (const auto& [name, value] : rule.options()) text += fmt::format(", {} {:.9g}", name, value);
    lines.emplace_back("optimizer.group." + path, text);
  }
  for (const auto& [path, factor] : rate_factors_)
    lines.emplace_back("optimizer.rate_factor." + path, fmt::format("{:.9g}", factor));
  if (std::isfinite(clip_value_)) lines.emplace_back("clip_value", fmt::format("{:.9g}", clip_value_));
  if (std::isfinite(clip_norm_)) lines.emplace_back("clip_norm", fmt::format("{:.9g}", clip_norm_));
  if (swapped_) lines.emplace_back("average", described(average_));
  return lines;
}

template <class T>
bool Optimizer<T>::has_average() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Trained& trained) { return trained.averaged && *trained.averaged->value().data() > 0; });
}

template <class T>
void Optimizer<T>::swap_average(const Location& where) {
  if (!swapped_)
    throw ValueError("Optimizer", "there is no average of the weights: expected the option .average = optim::EMA{}",
                     where);
  if (!has_average())
    throw ValueError("Optimizer",
                     fmt::format("no step was averaged yet: {} steps were taken, and the average is {}", this->steps(),
                                 described(average_)),
                     where);
  if (program::RecordingScope::under_way())
    throw HandleError("Optimizer",
                      "swap_average while a Program is recorded, which happens once for many replays: call it between "
                      "the replays, outside the compiled function",
                      where);
  for (Trained& trained : slots_) {
    if (*trained.averaged->value().data() == T(0)) continue;  // frozen so far
    const Tensor<T> weights = trained.named.parameter.value();
    trained.named.parameter.assign(trained.average->value());
    trained.average->assign(weights);
  }
  swapped_->assign(Tensor<T>(average_swapped() ? T(0) : T(1)));
}

template <class T>
std::vector<NamedParameter<T>> Optimizer<T>::state() const {
  std::vector<NamedParameter<T>> result{{"rate", this->rate_}, {"step", this->step_}};
  if (swapped_) result.push_back({"swapped", *swapped_});
  for (const Trained& trained : slots_) {
    for (const auto& part : trained.state)
      if (part) result.push_back(*part);
    result.push_back({trained.step.name(), trained.step});
    if (!trained.average) continue;
    result.push_back({trained.average->name(), *trained.average});
    result.push_back({trained.averaged->name(), *trained.averaged});
  }
  return result;
}

template <class T>
void Optimizer<T>::assign_state(const detail::NamedValues<T>& parts, const Location& where) {
  std::map<std::string, const Tensor<T>*> given;
  for (const auto& [name, value] : parts)
    if (!given.emplace(name, &value).second)
      throw ValueError("Optimizer", fmt::format("state '{}' is given twice: expected once", name), where);
  std::vector<NamedParameter<T>> own = state();
  for (const NamedParameter<T>& part : own) {
    const auto found = given.find(part.name);
    if (found == given.end())
      throw ValueError("Optimizer", fmt::format("state '{}' is missing: expected each part of state()", part.name),
                       where);
    if (Shape(found->second->shape()) != part.parameter.shape())
      throw ShapeError("Optimizer",
                       fmt::format("state '{}' of shape {}: expected {}", part.name,
                                   to_string(Shape(found->second->shape())), to_string(part.parameter.shape())),
                       where);
  }
  if (given.size() > own.size())
    for (const auto& [name, value] : given)
      if (std::none_of(own.begin(), own.end(), [&](const NamedParameter<T>& part) { return part.name == name; }))
        throw ValueError("Optimizer", fmt::format("unexpected state '{}': was it saved with another rule?", name),
                         where);
  for (NamedParameter<T>& part : own) part.parameter.assign(*given.at(part.name));
}

#define WENGERT_INSTANTIATE(T)                                                              \
  template std::vector<Group<T>> Optimizer<T>::groups() const;                              \
  template std::vector<std::pair<std::string, std::string>> Optimizer<T>::settings() const; \
  template bool Optimizer<T>::has_average() const;                                          \
  template void Optimizer<T>::swap_average(const Location&);                                \
  template std::vector<NamedParameter<T>> Optimizer<T>::state() const;                      \
  template void Optimizer<T>::assign_state(const detail::NamedValues<T>&, const Location&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
