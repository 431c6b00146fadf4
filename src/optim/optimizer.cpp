// Optimizer: assigns parameters to groups and records update steps.
#include "optim/assignment.hpp"
#include "optim/checks.hpp"
#include "optim/weight_average.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/optim/clip.hpp>
#include <wengert/optim/optimizer.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cmath>

namespace wengert::optim {
namespace {

void require_positive_option(const char* option, double limit, const Location& where) {
  if (limit > 0) return;
  throw ValueError("Optimizer", fmt::format("{} {}: expected a positive limit", option, limit), where);
}

}  // namespace

template <class T>
Optimizer<T>::Optimizer(std::vector<NamedParameter<T>> parameters, std::vector<NamedParameter<T>> paths,
                        const std::vector<Parameter<T>>& buffers, Rule<T> rule, const OptimizerOptions<T>& options,
                        const Location& where)
    : AnyOptimizer<T>("Optimizer", std::move(parameters), buffers, rule.rate(), where),
      rules_{std::move(rule)},
      rate_factors_(options.rate_factors),
      clip_value_(options.clip_value),
      clip_norm_(options.clip_norm),
      average_(options.average) {
  paths = wengert::detail::without(std::move(paths), buffers);
  require_positive_option("clip_value", clip_value_, where);
  require_positive_option("clip_norm", clip_norm_, where);
  check(average_, where);
  std::vector<std::string> factor_paths;
  for (const Group<T>& group : options.groups) {
    group_paths_.push_back(group.path);
    rules_.push_back(group.rule);
  }
  for (const RateFactor& each : rate_factors_) {
    factor_paths.push_back(each.path);
    if (std::isfinite(each.factor) && each.factor > 0) continue;
    throw ValueError("Optimizer",
                     fmt::format("rate factor {} of '{}': expected a positive number; freeze parameters that must not "
                                 "be trained",
                                 each.factor, each.path),
                     where);
  }
  const std::vector<std::size_t> groups = assigned("group", group_paths_, this->trained_, paths, where),
                                 factors = assigned("rate factor", factor_paths, this->trained_, paths, where);
  for (const Group<T>& group : options.groups)
    if (rules_.front().rate() == 0 && group.rule.rate() != 0)
      throw ValueError("Optimizer",
                       fmt::format("group '{}' has rate {} and the optimiser 0: expected a positive rate, to which the "
                                   "group's rate is proportional",
                                   group.path, group.rule.rate()),
                       where);
  if (average_.kind != Average::Kind::none) swapped_ = scalar_parameter<T>(0, "swapped");
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const NamedParameter<T>& named = this->trained_[i];
    const std::size_t number = groups[i] == group_paths_.size() ? 0 : groups[i] + 1;
    const double factor = factors[i] == rate_factors_.size() ? 1 : rate_factors_[factors[i]].factor;
    start(
        slots_.emplace_back(Trained{named, number, factor, scalar_parameter<T>(0, named.name + ".step"), {}, {}, {}}));
  }
}

template <class T>
Optimizer<T>::Optimizer(std::vector<NamedParameter<T>> parameters, Rule<T> rule, OptimizerOptions<T> options,
                        const Location& where)
    : Optimizer(parameters, parameters, {}, std::move(rule), options, where) {}

template <class T>
void Optimizer<T>::start(Trained& trained) {
  Tape<T> tape;
  for (const auto& [name, part] : rules_[trained.rule].start(tape.borrow(trained.named.parameter.value()))) {
    const std::string path = trained.named.name + "." + name;
    auto& kept = trained.state.emplace_back();
    if (!part.empty()) kept = NamedParameter<T>{path, Parameter<T>(part.value(), path, false)};
  }
  if (average_.kind == Average::Kind::none) return;
  trained.average = Parameter<T>(trained.named.parameter.value(), trained.named.name + ".average", false);
  trained.averaged = scalar_parameter<T>(0, trained.named.name + ".averaged");
}

template <class T>
double Optimizer<T>::ratio_of(const Trained& trained) const {
  const double whole = rules_.front().rate();
  return trained.factor * (trained.rule == 0 || whole == 0 ? 1 : rules_[trained.rule].rate() / whole);
}

template <class T>
std::vector<const typename Optimizer<T>::Trained*> Optimizer<T>::active() const {
  std::vector<const Trained*> result;
  for (const Trained& trained : slots_)
    if (trained.named.parameter.trainable()) result.push_back(&trained);
  return result;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

template <class T>
std::string Optimizer<T>::why_rate_is_unused() const {
  const auto reads = [](const Rule<T>& rule) { return !rule.rate_is_initial(); };
  if (this->steps() == 0 || std::any_of(rules_.begin(), rules_.end(), reads)) return {};
  return fmt::format(
      "{} reads it at the first step only, and {} steps were taken; set it before, or use a rule that "
      "follows a schedule",
      rules_.front().name(), this->steps());
}

template <class T>
void Optimizer<T>::require_not_swapped(const Location& where) const {
  if (average_swapped()) throw ValueError("Optimizer", network_holds_averages, where);
}

// The step count of the optimiser, then of each parameter. All depend on one node, so that a Program fuses them.
template <class T>
std::vector<std::pair<Parameter<T>, Var<T>>> Optimizer<T>::counts(Tape<T>& tape,
                                                                  const std::vector<const Trained*>& trained,
                                                                  const Location& where) const {
  Var<T> before = tape.variable(this->step_, where);
  if (swapped_) before = with_weights(before, tape.variable(*swapped_, where), where);
  const Var<T> step = before + 1, one = minimum(step, 1);
  std::vector<std::pair<Parameter<T>, Var<T>>> result{{this->step_, step}};
  for (const Trained* k : trained) result.emplace_back(k->step, tape.variable(k->step, where) + one);
  return result;
}

template <class T>
void Optimizer<T>::queue(Tape<T>& tape, std::vector<Var<T>> gradients, const Location& where) {
  for (const auto& queued : tape.updates())
    if (queued.parameter == this->step_)
      throw ValueError("Optimizer", "a step is already queued: expected `tape.commit()` before the next", where);
  if (std::isfinite(clip_value_)) clip_by_value(gradients, clip_value_, where);
  if (std::isfinite(clip_norm_) && !gradients.empty()) clip_by_global_norm(gradients, clip_norm_, where);
  const Var<T> rate = tape.variable(this->rate_, where);
  const std::vector<const Trained*> trained = active();
  std::vector<std::pair<Parameter<T>, Var<T>>> updates = counts(tape, trained, where);
  const Var<T> active = swapped_ ? is_averaged(average_, updates.front().second) : Var<T>();
  for (std::size_t k = 0; k < trained.size(); ++k) {
    const auto& [named, rule, factor, own_step, parts, average, averaged] = *trained[k];
    const double ratio = ratio_of(*trained[k]);
    std::vector<Var<T>> state;
    for (const auto& part : parts) state.push_back(part ? tape.variable(part->parameter, where) : Var<T>());
    const Var<T> next = rules_[rule](tape.variable(named.parameter, where), gradients[k], state,
                                     {ratio == 1 ? rate : ratio * rate, updates[k + 1].second});
    updates.emplace_back(named.parameter, next);
    for (std::size_t i = 0; i < state.size(); ++i)
      if (parts[i]) updates.emplace_back(parts[i]->parameter, state[i]);
    if (!average) continue;
    const Var<T> n = tape.variable(*averaged, where) + active;
    updates.emplace_back(*averaged, n);
    updates.emplace_back(*average,
                         moved_average(tape.variable(*average, where), next, average_fraction(average_, n, active)));
  }
  for (const auto& [parameter, value] : updates) tape.update(parameter, value, where);
}

template <class T>
void Optimizer<T>::update(Var<T> loss, const Location& where) {
  Tape<T>& tape = tape_of(loss, "Optimizer", where);
  require_not_swapped(where);
  atomically(tape, where, [&] {
    std::vector<Var<T>> gradients = this->gradients(loss, where);
    std::vector<Parameter<T>> wanted;
    for (const Trained* trained : active()) wanted.push_back(trained->named.parameter);
    require_all_trained("Optimizer", loss, wanted, this->parameters_, where);
    queue(tape, std::move(gradients), where);
  });
}

template <class T>
void Optimizer<T>::update(std::vector<Var<T>> gradients, const Location& where) {
  const std::vector<const Trained*> wanted = active();
  require_any_trained("Optimizer", wanted, this->parameters_, where);
  require_not_swapped(where);
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

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace wengert::optim
