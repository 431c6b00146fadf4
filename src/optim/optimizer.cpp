// Optimizer: assigns parameters to groups, records update steps, and saves and restores the state.
#include "base/join.hpp"
#include "optim/checks.hpp"
#include "optim/untracked_parameters.hpp"
#include "tape/recording_scope.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/optim/clip.hpp>
#include <wengert/optim/optimizer.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace wengert::optim {
namespace {

bool matches(const std::string& pattern, const std::string& path) {
  if (pattern.starts_with("*.")) return path == pattern.substr(2) || path.ends_with(pattern.substr(1));
  return wengert::detail::is_below(path, pattern);
}

void require_positive_option(const char* option, double limit, const Location& where) {
  if (limit > 0) return;
  throw ValueError("Optimizer", fmt::format("{} {}: expected a positive limit", option, limit), where);
}

template <class T>
Parameter<T> scalar(double value, std::string name) {
  return Parameter<T>(Tensor<T>(static_cast<T>(value)), std::move(name), false);
}

}  // namespace

template <class T>
Optimizer<T>::Optimizer(std::vector<NamedParameter<T>> parameters, std::vector<NamedParameter<T>> paths,
                        const std::vector<Parameter<T>>& buffers, Rule<T> rule, const OptimizerOptions<T>& options,
                        const Location& where)
    : rules_{std::move(rule)},
      parameters_(parameters),
      clip_value_(options.clip_value),
      clip_norm_(options.clip_norm),
      rate_(scalar<T>(rules_.front().rate(), "rate")),
      step_(scalar<T>(0, "step")) {
  parameters = wengert::detail::without(std::move(parameters), buffers);
  paths = wengert::detail::without(std::move(paths), buffers);
  if (parameters.empty()) throw ValueError("Optimizer", "no parameters: expected at least one to train", where);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (parameters[i].parameter == parameters[k].parameter || parameters[i].name == parameters[k].name)
        throw ValueError("Optimizer",
                         fmt::format("'{}' and '{}': expected every parameter and every path once", parameters[k].name,
                                     parameters[i].name),
                         where);
  require_positive_option("clip_value", clip_value_, where);
  require_positive_option("clip_norm", clip_norm_, where);
  for (const Group<T>& group : options.groups) {
    if (std::none_of(paths.begin(), paths.end(), [&](const auto& named) { return matches(group.path, named.name); }))
      throw ValueError("Optimizer",
                       fmt::format("group '{}' matches no parameter: the parameters are {}", group.path, listed(paths)),
                       where);
    if (rules_.front().rate() == 0 && group.rule.rate() != 0)
      throw ValueError("Optimizer",
                       fmt::format("group '{}' has rate {} and the optimiser 0: expected a positive rate, to which the "
                                   "group's rate is proportional",
                                   group.path, group.rule.rate()),
                       where);
    rules_.push_back(group.rule);
    group_paths_.push_back(group.path);
  }
  for (NamedParameter<T>& named : parameters) {
    const auto has_parameter = [&](const Group<T>& group) {
      return std::any_of(paths.begin(), paths.end(), [&](const NamedParameter<T>& path) {
        return path.parameter == named.parameter && matches(group.path, path.name);
      });
    };
    const auto group = std::find_if(options.groups.begin(), options.groups.end(), has_parameter);
    const std::size_t number =
        group == options.groups.end() ? 0 : 1 + static_cast<std::size_t>(group - options.groups.begin());
    start(trained_.emplace_back(Trained{named, number, scalar<T>(0, named.name + ".step"), {}}));
  }
  for (std::size_t number = 1; number < rules_.size(); ++number) require_members(number, paths, options.groups, where);
  std::vector<Parameter<T>> claimed;
  for (const NamedParameter<T>& named : parameters_) claimed.push_back(named.parameter);
  claim_ = std::make_shared<const wengert::detail::OptimiserClaim<T>>(std::move(claimed));
}

template <class T>
Optimizer<T>::Optimizer(std::vector<NamedParameter<T>> parameters, Rule<T> rule, OptimizerOptions<T> options,
                        const Location& where)
    : Optimizer(parameters, parameters, {}, std::move(rule), options, where) {}

// Throws ValueError unless a group has a parameter that no earlier group matches.
template <class T>
void Optimizer<T>::require_members(std::size_t number, const std::vector<NamedParameter<T>>& paths,
                                   const std::vector<Group<T>>& groups, const Location& where) const {
  if (std::any_of(trained_.begin(), trained_.end(), [&](const Trained& trained) { return trained.rule == number; }))
    return;
  const std::string& group = groups[number - 1].path;
  const auto path =
      std::find_if(paths.begin(), paths.end(), [&](const auto& named) { return matches(group, named.name); });
  const auto taken = std::find_if(trained_.begin(), trained_.end(),
                                  [&](const Trained& trained) { return trained.named.parameter == path->parameter; });
  throw ValueError(
      "Optimizer",
      fmt::format(
          "group '{}' has no parameters left: '{}' belongs to the earlier group '{}'; put the narrower group first",
          group, path->name, groups[taken->rule - 1].path),
      where);
}

template <class T>
void Optimizer<T>::start(Trained& trained) {
  Tape<T> tape;
  for (const auto& [name, part] : rules_[trained.rule].start(tape.borrow(trained.named.parameter.value()))) {
    const std::string path = trained.named.name + "." + name;
    auto& kept = trained.state.emplace_back();
    if (!part.empty()) kept = NamedParameter<T>{path, Parameter<T>(part.value(), path, false)};
  }
}

template <class T>
double Optimizer<T>::ratio_of(const Trained& trained) const {
  const double whole = rules_.front().rate();
  return trained.rule == 0 || whole == 0 ? 1 : rules_[trained.rule].rate() / whole;
}

template <class T>
std::vector<const typename Optimizer<T>::Trained*> Optimizer<T>::active() const {
  std::vector<const Trained*> result;
  for (const Trained& trained : trained_)
    if (trained.named.parameter.trainable()) result.push_back(&trained);
  return result;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

template <class T>
std::vector<Var<T>> Optimizer<T>::gradients_of(Var<T> loss, const Location& where) const {
  std::vector<Parameter<T>> wanted;
  for (const Trained* trained : active()) wanted.push_back(trained->named.parameter);
  return grad<T>({loss, where}, wanted);
}

// The step count of the optimiser, then of each parameter. All depend on one node, so that a Program fuses them.
template <class T>
std::vector<std::pair<Parameter<T>, Var<T>>> Optimizer<T>::counts(Tape<T>& tape,
                                                                  const std::vector<const Trained*>& trained,
                                                                  const Location& where) const {
  const Var<T> step = tape.variable(step_, where) + 1, one = minimum(step, 1);
  std::vector<std::pair<Parameter<T>, Var<T>>> result{{step_, step}};
  for (const Trained* k : trained) result.emplace_back(k->step, tape.variable(k->step, where) + one);
  return result;
}

template <class T>
void Optimizer<T>::queue(Tape<T>& tape, std::vector<Var<T>> gradients, const Location& where) {
  for (const auto& queued : tape.updates())
    if (queued.parameter == step_)
      throw ValueError("Optimizer", "a step is already queued: expected `tape.commit()` before the next", where);
  if (std::isfinite(clip_value_)) clip_by_value(gradients, clip_value_, where);
  if (std::isfinite(clip_norm_) && !gradients.empty()) clip_by_global_norm(gradients, clip_norm_, where);
  const Var<T> rate = tape.variable(rate_, where);
  const std::vector<const Trained*> trained = active();
  std::vector<std::pair<Parameter<T>, Var<T>>> updates = counts(tape, trained, where);
  for (std::size_t k = 0; k < trained.size(); ++k) {
    const auto& [named, rule, own_step, parts] = *trained[k];
    const double ratio = ratio_of(*trained[k]);
    std::vector<Var<T>> state;
    for (const auto& part : parts) state.push_back(part ? tape.variable(part->parameter, where) : Var<T>());
    const Var<T> next = rules_[rule](tape.variable(named.parameter, where), gradients[k], state,
                                     {ratio == 1 ? rate : ratio * rate, updates[k + 1].second});
    updates.emplace_back(named.parameter, next);
    for (std::size_t i = 0; i < state.size(); ++i)
      if (parts[i]) updates.emplace_back(parts[i]->parameter, state[i]);
  }
  for (const auto& [parameter, value] : updates) tape.update(parameter, value, where);
}

template <class T>
std::vector<Var<T>> Optimizer<T>::gradients(Var<T> loss, const Location& where) const {
  return atomically(tape_of(loss, "Optimizer", where), where, [&] { return gradients_of(loss, where); });
}

template <class T>
void Optimizer<T>::update(Var<T> loss, const Location& where) {
  Tape<T>& tape = tape_of(loss, "Optimizer", where);
  atomically(tape, where, [&] {
    std::vector<Var<T>> gradients = gradients_of(loss, where);
    std::vector<Parameter<T>> wanted;
    for (const Trained* trained : active()) wanted.push_back(trained->named.parameter);
    require_all_trained("Optimizer", loss, wanted, parameters_, where);
    queue(tape, std::move(gradients), where);
  });
}

template <class T>
void Optimizer<T>::update(std::vector<Var<T>> gradients, const Location& where) {
  const std::vector<const Trained*> wanted = active();
  require_any_trained("Optimizer", wanted, parameters_, where);
  if (gradients.size() != wanted.size())
    throw ShapeError(
        "Optimizer",
        fmt::format("{} gradients: expected one for each of {} trainable parameters", gradients.size(), wanted.size()),
        where);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const NamedParameter<T>& named = wanted[i]->named;
    if (&tape_of(gradients[i], "Optimizer", where) != &gradients.front().tape())
      throw HandleError("Optimizer", "the gradients belong to different tapes: expected one", where);
    if (gradients[i].shape() != named.parameter.shape())
      throw ShapeError("Optimizer",
                       fmt::format("a gradient of shape {} for '{}' of shape {}: expected equal shapes",
                                   to_string(gradients[i].shape()), named.name, to_string(named.parameter.shape())),
                       where);
  }
  Tape<T>& tape = gradients.front().tape();
  atomically(tape, where, [&] { queue(tape, std::move(gradients), where); });
}

// ---- rate, groups and state ----------------------------------------------------------------------------------------

template <class T>
void Optimizer<T>::set_rate(double rate, const Location& where) {
  require_not_negative("Optimizer", "rate", rate, where);
  if (program::RecordingScope::under_way())
    throw HandleError("Optimizer",
                      "set_rate while a Program is recorded, which happens once for many replays: call it before each "
                      "replay, outside the compiled function",
                      where);
  rate_.assign(Tensor<T>(static_cast<T>(rate)));
}

template <class T>
std::vector<Group<T>> Optimizer<T>::groups() const {
  std::vector<Group<T>> result;
  for (std::size_t i = 0; i < group_paths_.size(); ++i) result.push_back({group_paths_[i], rules_[i + 1]});
  return result;
}

template <class T>
std::vector<NamedParameter<T>> Optimizer<T>::parameters() const {
  return parameters_;
}

template <class T>
std::vector<NamedParameter<T>> Optimizer<T>::trainable() const {
  std::vector<NamedParameter<T>> result;
  for (const Trained* trained : active()) result.push_back(trained->named);
  return result;
}

template <class T>
std::vector<NamedParameter<T>> Optimizer<T>::state() const {
  std::vector<NamedParameter<T>> result{{"rate", rate_}, {"step", step_}};
  for (const Trained& trained : trained_) {
    for (const auto& part : trained.state)
      if (part) result.push_back(*part);
    result.push_back({trained.step.name(), trained.step});
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

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace wengert::optim
