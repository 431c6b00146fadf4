// Saves the state of a training run and its model as checkpoint entries, and restores them.
#include "train/fit_state.hpp"

#include "base/join.hpp"

#include <algorithm>
#include <type_traits>

#include <fmt/format.h>

namespace wengert::train {

Tensor<double> as_tensor(const std::vector<double>& numbers) {
  auto result = Tensor<double>::from_shape({numbers.size()});
  std::ranges::copy(numbers, result.begin());
  return result;
}

namespace {

std::vector<double> as_vector(const Tensor<double>& tensor) { return {tensor.begin(), tensor.end()}; }

// An epoch as numbers: the fixed ones, then three lists, each preceded by its length.
std::vector<double> packed(const report::EpochRecord& e) {
  std::vector<double> numbers{
      static_cast<double>(e.epoch), static_cast<double>(e.steps), e.seconds, e.rate, e.loss, e.validation_loss};
  for (const auto* list : {&e.metrics, &e.validation_metrics, &e.gradient_norms}) {
    numbers.push_back(static_cast<double>(list->size()));
    numbers.insert(numbers.end(), list->begin(), list->end());
  }
  return numbers;
}
std::size_t unpack(const std::vector<double>& numbers, std::size_t at, report::EpochRecord& e) {
  const auto next = [&] { return numbers.at(at++); };
  e.epoch = static_cast<std::size_t>(next());
  e.steps = static_cast<std::size_t>(next());
  e.seconds = next();
  e.rate = next();
  e.loss = next();
  e.validation_loss = next();
  for (auto* list : {&e.metrics, &e.validation_metrics, &e.gradient_norms}) {
    const auto count = static_cast<std::size_t>(next());
    for (std::size_t i = 0; i < count; ++i) list->push_back(next());
  }
  return at;
}

template <class T>
void assign(Parameter<T> parameter, const Tensor<T>& value) {
  parameter.assign(value);
}

// 1 for each parameter that is trainable, otherwise 0.
template <class T>
Indices trainable_of(const ErasedModel<T>& model) {
  auto result = Indices::from_shape({model.parameters.size()});
  for (std::size_t i = 0; i < result.size(); ++i) result(i) = model.parameters[i].second.trainable() ? 1 : 0;
  return result;
}

// The shape of an entry of a checkpoint, with its type if that is not T.
template <class T>
std::string shape_of_entry(const Checkpoint::Value& value) {
  return std::visit(
      []<class V>(const V& v) -> std::string {
        if constexpr (std::is_same_v<V, std::string>)
          return "a text";
        else
          return to_string(Shape(v.shape())) + (std::is_same_v<V, Tensor<T>>        ? ""
                                                : std::is_same_v<V, Tensor<float>>  ? " of float"
                                                : std::is_same_v<V, Tensor<double>> ? " of double"
                                                                                    : " of integers");
      },
      value);
}

// The entries whose names begin with `prefix`, or parameters, that the other side has not, or in another shape.
template <class T, class Named>
std::vector<std::string> differences(const Checkpoint& checkpoint, std::string_view prefix, const Named& expected) {
  std::vector<std::string> found, known;
  for (const auto& [path, parameter] : expected) {
    const std::string name = std::string(prefix) + path, here = to_string(parameter.shape());
    known.push_back(name);
    const std::string there = checkpoint.has(name) ? shape_of_entry<T>(checkpoint.value(name)) : std::string("none");
    if (there != here) found.push_back(fmt::format("{}: {} there and {} here", path, there, here));
  }
  for (const auto& [name, value] : checkpoint.entries())
    if (name.starts_with(prefix) && std::ranges::find(known, name) == known.end())
      found.push_back(fmt::format("{}: {} there and none here", name.substr(prefix.size()), shape_of_entry<T>(value)));
  return found;
}

}  // namespace

void FitState::next_epoch() {
  ++epoch;
  step_in_epoch = 0;
  epoch_begun = false;
  scores.reset();
}

void FitState::save(Checkpoint& checkpoint) const {
  checkpoint.set_number("fit/epoch", std::uint64_t{epoch});
  checkpoint.set_number("fit/group", std::uint64_t{step_in_epoch});
  checkpoint.set_number("fit/epoch_begun", std::uint64_t{epoch_begun});
  checkpoint.set_number("fit/steps", std::uint64_t{steps});
  checkpoint.set_number("fit/seconds", seconds);
  checkpoint.set_number("fit/last_rate", rate);
  checkpoint.set("fit/scores", as_tensor(scores.state()));
  checkpoint.set("fit/norms", as_tensor(norms));
  std::vector<double> epochs;
  for (const report::EpochRecord& e : history.epochs) {
    const std::vector<double> numbers = packed(e);
    epochs.insert(epochs.end(), numbers.begin(), numbers.end());
  }
  checkpoint.set("fit/history", as_tensor(epochs));
  checkpoint.set("fit/losses", as_tensor(losses.losses()));
  const auto incomplete = losses.incomplete();
  checkpoint.set("fit/losses_open", as_tensor({incomplete.begin(), incomplete.end()}));
  checkpoint.set_number("fit/best", best);
  checkpoint.set_number("fit/best_epoch", std::uint64_t{best_epoch});
  checkpoint.set_number("fit/without_improvement", std::uint64_t{without_improvement});
  if (plateau)
    checkpoint.set("fit/plateau",
                   as_tensor({plateau->rate, plateau->best, static_cast<double>(plateau->without_improvement),
                              static_cast<double>(plateau->cooldown_counter)}));
}

void FitState::load(const Checkpoint& checkpoint) {
  epoch = checkpoint.count("fit/epoch", {});
  step_in_epoch = checkpoint.count("fit/group", {});
  epoch_begun = checkpoint.count("fit/epoch_begun", {}) != 0;
  steps = checkpoint.count("fit/steps", {});
  seconds = checkpoint.number("fit/seconds", {});
  rate = checkpoint.number("fit/last_rate", {});
  scores.set_state(as_vector(checkpoint.get<Tensor<double>>("fit/scores", {})));
  norms = as_vector(checkpoint.get<Tensor<double>>("fit/norms", {}));
  const std::vector<double> epochs = as_vector(checkpoint.get<Tensor<double>>("fit/history", {}));
  history.epochs.clear();
  for (std::size_t at = 0; at < epochs.size();) at = unpack(epochs, at, history.epochs.emplace_back());
  const std::vector<double> incomplete = as_vector(checkpoint.get<Tensor<double>>("fit/losses_open", {}));
  losses = report::LossTrace::restored(as_vector(checkpoint.get<Tensor<double>>("fit/losses", {})),
                                       {incomplete.at(0), incomplete.at(1), incomplete.at(2)});
  best = checkpoint.number("fit/best", {});
  best_epoch = checkpoint.count("fit/best_epoch", {});
  without_improvement = checkpoint.count("fit/without_improvement", {});
  if (!plateau || !checkpoint.has("fit/plateau")) return;
  const std::vector<double> of_plateau = as_vector(checkpoint.get<Tensor<double>>("fit/plateau", {}));
  plateau->rate = of_plateau.at(0);
  plateau->best = of_plateau.at(1);
  plateau->without_improvement = static_cast<int>(of_plateau.at(2));
  plateau->cooldown_counter = static_cast<int>(of_plateau.at(3));
}

template <class T>
void ModelState<T>::save(Checkpoint& checkpoint) const {
  checkpoint.set("fit/trainable", trainable_of(model));
  for (const auto& [path, parameter] : model.parameters) checkpoint.set("parameter/" + path, parameter.value());
  for (const auto& [name, parameter] : trainer.optimizer->state())
    checkpoint.set("optimizer/" + name, parameter.value());
  for (std::size_t i = 0; i < best.size(); ++i) checkpoint.set("best/" + model.parameters[i].first, best[i]);
  for (std::size_t i = 0; i < model.generators.size(); ++i) {
    auto position = Indices::from_shape({2});
    position(0) = static_cast<std::int64_t>(model.generators[i].key());
    position(1) = static_cast<std::int64_t>(model.generators[i].counter());
    checkpoint.set(fmt::format("generator/{}", i), std::move(position));
  }
}

template <class T>
void ModelState<T>::require_same_network(const Checkpoint& checkpoint) const {
  const auto refuse = [&](std::string_view what) {
    throw FileError("fit", fmt::format("{}: {}: {}", checkpoint.source(), what, resume_cure));
  };
  const auto itself = [](const std::string& text) { return text; };
  if (const auto found = differences<T>(checkpoint, "parameter/", model.parameters); !found.empty())
    refuse("belongs to another network: " + first_few(found, itself));
  const auto generators_there = static_cast<std::size_t>(std::ranges::count_if(
      checkpoint.entries(), [](const auto& entry) { return entry.first.starts_with("generator/"); }));
  if (generators_there != model.generators.size())
    refuse(fmt::format("has other random generators (of the network and .checkpoint.generators): {} there and {} here",
                       generators_there, model.generators.size()));
  for (std::size_t i = 0; i < model.generators.size(); ++i) {
    const Indices& position = checkpoint.get<Indices>(fmt::format("generator/{}", i), {});
    if (position.size() != 2 || static_cast<std::uint64_t>(position(0)) != model.generators[i].key())
      refuse(fmt::format("random generator {} was made with another seed", i));
  }
}

template <class T>
void ModelState<T>::load(const Checkpoint& checkpoint) {
  require_same_network(checkpoint);
  std::vector<std::pair<Parameter<T>, const Tensor<T>*>> values;
  const auto add = [&](const std::string& name, const Parameter<T>& parameter) {
    values.emplace_back(parameter, &checkpoint.get<Tensor<T>>(name, {}));
  };
  for (const auto& [path, parameter] : model.parameters) add("parameter/" + path, parameter);
  std::vector<NamedParameter<T>> of_line_search;
  if (trainer.line_search == nullptr) {
    const auto state = trainer.optimizer->state();
    if (const auto found = differences<T>(checkpoint, "optimizer/", state); !found.empty())
      throw FileError("fit", fmt::format("{}: holds the state of another optimiser: {}: {}", checkpoint.source(),
                                         first_few(found, [](const std::string& text) { return text; }), resume_cure));
    for (const auto& [name, parameter] : state) add("optimizer/" + name, parameter);
  } else {
    for (const auto& [name, value] : checkpoint.entries())
      if (name.starts_with("optimizer/"))
        of_line_search.push_back({name.substr(10), Parameter<T>(checkpoint.get<Tensor<T>>(name, {}))});
  }
  if (trainer.line_search != nullptr)
    trainer.line_search->load_state(of_line_search);  // which throws before it changes
  for (auto& [parameter, value] : values) assign(parameter, *value);
  if (checkpoint.has("fit/trainable")) {  // as observers left it
    const Indices& trainable = checkpoint.get<Indices>("fit/trainable", {});
    for (std::size_t i = 0; i < std::min(trainable.size(), model.parameters.size()); ++i)
      Parameter<T>(model.parameters[i].second).set_trainable(trainable(i) != 0);
  }
  for (std::size_t i = 0; i < model.generators.size(); ++i)
    Generator(model.generators[i])
        .seek(static_cast<std::uint64_t>(checkpoint.get<Indices>(fmt::format("generator/{}", i), {})(1)));
  best.clear();
  for (const auto& [path, parameter] : model.parameters)
    if (checkpoint.has("best/" + path)) best.push_back(checkpoint.get<Tensor<T>>("best/" + path, {}));
}

template <class T>
bool ModelState<T>::has_frozen(const Checkpoint& checkpoint) const {
  return checkpoint.has("fit/trainable") && checkpoint.get<Indices>("fit/trainable", {}) == trainable_of(model);
}

template <class T>
void ModelState<T>::save_best() {
  best.resize(model.parameters.size());
  for (std::size_t i = 0; i < best.size(); ++i) best[i] = model.parameters[i].second.value();
}

template <class T>
void ModelState<T>::restore_best() const {
  for (std::size_t i = 0; i < best.size(); ++i) assign(model.parameters[i].second, best[i]);
}

template struct ModelState<float>;
template struct ModelState<double>;

}  // namespace wengert::train
