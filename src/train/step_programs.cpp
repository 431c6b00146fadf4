// Compiles and caches the Programs of steps, gradient accumulation and evaluation, and traces failed batches.
#include "train/step_programs.hpp"

#include "program/graph.hpp"
#include "train/batch.hpp"
#include "train/first_recording.hpp"
#include "train/reduced_loss.hpp"
#include <wengert/inspect/graph.hpp>
#include <wengert/nn/module_trace.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>

#include <algorithm>
#include <functional>
#include <limits>

#include <fmt/format.h>

namespace wengert::train {
namespace {

template <class T>
std::vector<ProgramVar<T>> results(const RecordedLoss<T>& recorded) {
  std::vector<ProgramVar<T>> outputs{recorded.loss};
  for (const LossTerm<T>& term : recorded.terms) outputs.push_back(term.value);
  for (const auto& [name, output] : recorded.outputs) outputs.push_back(output);
  return outputs;
}

template <class T>
std::vector<std::pair<std::string, Shape>> shapes_of(const RecordedLoss<T>& recorded) {
  std::vector<std::pair<std::string, Shape>> shapes;
  for (const auto& [name, output] : recorded.outputs) shapes.emplace_back(name, output.shape());
  return shapes;
}

CompileOptions without_updates(CompileOptions options) {
  options.apply_updates = false;
  return options;
}

}  // namespace

// A batch as leaf nodes.
template <class T>
struct StepPrograms<T>::Leaves {
  BatchVars<T> vars;
  Var<T> weights{};  // empty if the batch has none
  std::size_t samples = 0;

  std::vector<ProgramVar<T>> all() const {
    std::vector<ProgramVar<T>> result = vars.inputs;
    result.insert(result.end(), vars.targets.begin(), vars.targets.end());
    if (!weights.empty()) result.push_back(weights);
    return result;
  }
};

template <class T>
typename StepPrograms<T>::Leaves StepPrograms<T>::leaves(Tape<T>& tape, const Batch<T>& batch) const {
  Leaves result{{leaf_nodes(tape, batch.inputs), leaf_nodes(tape, batch.targets)}, {}, batch.samples};
  if (batch.weights.dimension() != 0) result.weights = tape.borrow(batch.weights);
  return result;
}

template <class T>
std::vector<ProgramInput<T>>& StepPrograms<T>::bound(const Batch<T>& batch) {
  bound_.clear();
  append_inputs(batch.inputs, bound_);
  append_inputs(batch.targets, bound_);
  if (batch.weights.dimension() != 0) bound_.emplace_back(batch.weights);
  return bound_;
}

template <class T>
StepPrograms<T>::StepPrograms(const ErasedModel<T>& model, std::optional<Trainer<T>> trainer, bool want_outputs,
                              const Location& where, std::size_t max_programs)
    : model_(model),
      trainer_(trainer),
      want_outputs_(want_outputs),
      where_(where),
      options_{.max_programs = max_programs},
      steps_(options_, where),
      steps_with_norms_(options_, where),
      accumulations_(options_, where),
      applications_(options_, where),
      gradients_(without_updates(options_), where),
      first_gradients_(options_, where),
      evaluations_(without_updates(options_), where) {
  if (!trainer) return;
  for (const auto& [name, parameter] : trainer->optimizer->parameters())
    trainable_.emplace_back(parameter, parameter.trainable());
}

// A recorded step fixes which parameters are frozen, so steps are recorded again when that changes.
template <class T>
void StepPrograms<T>::notice_frozen() {
  bool changed = false, any = false;
  for (auto& [parameter, was_trainable] : trainable_) {
    any = any || parameter.trainable();
    changed = changed || parameter.trainable() != was_trainable;
    was_trainable = parameter.trainable();
  }
  if (!any)
    throw ValueError("fit", "all parameters of the optimiser were frozen during training: to end it, set status.stop",
                     where_);
  if (!changed) return;
  for (ProgramCache<T>* programs :
       {&steps_, &steps_with_norms_, &accumulations_, &applications_, &gradients_, &first_gradients_}) {
    compiled_before_ += programs->compilations();
    recompiled_before_ += programs->recompilations();
    *programs = ProgramCache<T>(programs == &gradients_ ? without_updates(options_) : options_, where_);
  }
  sums_.clear();
}

template <class T>
template <class Count>
std::size_t StepPrograms<T>::of_all(Count count) const {
  std::size_t total = 0;
  for (const ProgramCache<T>* programs :
       {&steps_, &steps_with_norms_, &accumulations_, &applications_, &gradients_, &first_gradients_, &evaluations_})
    total += std::invoke(count, *programs);
  return total;
}
template <class T>
std::size_t StepPrograms<T>::compilations() const {
  return compiled_before_ + of_all(&ProgramCache<T>::compilations);
}
template <class T>
std::size_t StepPrograms<T>::recompilations() const {
  return recompiled_before_ + of_all(&ProgramCache<T>::recompilations);
}

template <class T>
RecordedLoss<T> StepPrograms<T>::record(const Leaves& leaves, bool finite) const {
  RecordedLoss<T> recorded = model_.record(leaves.vars, want_outputs_);
  check_reducible(recorded, leaves.samples, leaves.weights, subject(), where_);
  reduce_loss(recorded, leaves.weights);
  if (finite) recorded.loss = finite_loss(recorded.loss, where_);
  return recorded;
}

template <class T>
std::vector<Var<T>> StepPrograms<T>::norms(const std::vector<Var<T>>& gradients) const {
  std::vector<Var<T>> result;
  for (const Var<T>& g : gradients) result.push_back(sqrt(sum(square(g))));
  return result;
}

// Records the loss on a tape that computes no values.
template <class T>
RecordedLoss<T> StepPrograms<T>::record_checked(const Leaves& leaves) const {
  RecordedLoss<T> recorded = model_.record(leaves.vars, want_outputs_);
  if (!recorded.loss.empty()) check_broadcasts(recorded.loss, leaves.vars.targets, subject(), where_);
  for (const LossTerm<T>& term : recorded.terms) check_broadcasts(term.value, leaves.vars.targets, subject(), where_);
  check_reducible(recorded, leaves.samples, leaves.weights, subject(), where_);
  reduce_loss(recorded, leaves.weights);
  return recorded;
}

template <class T>
std::vector<std::pair<std::string, Shape>> StepPrograms<T>::outputs_of(const Batch<T>& batch, bool training) {
  model_.set_training(training);
  const nn::detail::GeneratorPositions positions(model_.generators);
  Tape<T> tape;
  tape.compute_values(false);
  auto shapes = shapes_of(record_checked(leaves(tape, batch)));
  model_.set_training(true);
  return shapes;
}

template <class T>
ModelInfo StepPrograms<T>::model_info(const Batch<T>& batch) {
  model_.set_training(true);
  const nn::detail::GeneratorPositions positions(model_.generators);
  Tape<T> tape;
  tape.compute_values(false);
  const Leaves recorded_leaves = leaves(tape, batch);
  const RecordedLoss<T> recorded = record_checked(recorded_leaves);
  if (trainer_ && trainer_->line_search != nullptr) require_known_generators(tape);
  if (trainer_) check_trained(recorded.loss, model_, *trainer_->optimizer, where_);
  ModelInfo info;
  for (const LossTerm<T>& term : recorded.terms) info.terms.push_back(term.name);
  info.outputs = shapes_of(recorded);
  info.dot = to_dot(recorded.loss, where_);
  return info;
}

template <class T>
void StepPrograms<T>::require_known_generators(const Tape<T>& tape) const {
  for (const program::Stream& stream : program::streams_of(tape).streams)
    if (std::ranges::none_of(model_.generators, [&](const Generator& g) { return g.state() == stream.state; }))
      throw ValueError(subject(),
                       fmt::format("LBFGS with a loss that draws from a generator of key {} outside of the network: "
                                   "its line search needs the same numbers at each evaluation: add the generator to "
                                   ".checkpoint.generators",
                                   stream.state->key),
                       where_);
}

template <class T>
Program<T>& StepPrograms<T>::step(const Batch<T>& batch, bool with_norms) {
  notice_frozen();
  const auto record_step = [&](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
    model_.set_training(true);
    const Leaves of_batch = leaves(tape, batch);
    inputs = of_batch.all();
    const RecordedLoss<T> recorded = record(of_batch);
    std::vector<ProgramVar<T>> outputs = results(recorded);
    const std::vector<Var<T>> gradients = trainer_->optimizer->gradients(recorded.loss, where_);
    if (with_norms)
      for (const Var<T>& norm : norms(gradients)) outputs.push_back(norm);
    trainer_->stepwise->update(gradients, where_);
    return outputs;
  };
  return (with_norms ? steps_with_norms_ : steps_).run(bound(batch), record_step);
}

template <class T>
Program<T>& StepPrograms<T>::accumulate(const Batch<T>& batch) {
  notice_frozen();
  if (sums_.empty())
    for (const auto& [name, parameter] : trainer_->optimizer->trainable())
      sums_.emplace_back(xt::zeros_like(parameter.value()), "sum of gradients", false);
  const auto record_step = [&](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
    model_.set_training(true);
    const Leaves of_batch = leaves(tape, batch);
    inputs = of_batch.all();
    const RecordedLoss<T> recorded = record(of_batch);
    const std::vector<Var<T>> gradients = trainer_->optimizer->gradients(recorded.loss, where_);
    const Var<T> weight =
        of_batch.weights.empty() ? tape.constant(Tensor<T>(static_cast<T>(batch.samples))) : sum(of_batch.weights);
    for (std::size_t i = 0; i < gradients.size(); ++i)
      tape.update(sums_[i], tape.variable(sums_[i]) + weight * gradients[i]);
    return results(recorded);
  };
  return accumulations_.run(bound(batch), record_step);
}

template <class T>
Program<T>& StepPrograms<T>::apply(double weight) {
  const Tensor<T> divisor(std::max(static_cast<T>(weight), std::numeric_limits<T>::min()));  // 0 / 0 is 0
  const ProgramInput<T> inputs[] = {divisor};
  return applications_.run(inputs, [&](Tape<T>& tape, std::vector<ProgramVar<T>>& leaf) {
    const Var<T> n = tape.borrow(divisor);
    leaf = {n};
    std::vector<Var<T>> gradients;
    for (const Parameter<T>& sum : sums_) {
      gradients.push_back(tape.variable(sum) / n);
      tape.update(sum, optim::zeros_like(gradients.back()));
    }
    const std::vector<Var<T>> of_gradients = norms(gradients);
    trainer_->stepwise->update(gradients, where_);
    return std::vector<ProgramVar<T>>(of_gradients.begin(), of_gradients.end());
  });
}

template <class T>
Program<T>& StepPrograms<T>::gradients(const Batch<T>& batch, bool first) {
  notice_frozen();
  const auto record_gradients = [&](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
    model_.set_training(true);
    const Leaves of_batch = leaves(tape, batch);
    inputs = of_batch.all();
    const RecordedLoss<T> recorded = record(of_batch, first);
    std::vector<ProgramVar<T>> outputs = results(recorded);
    for (const Var<T>& gradient : trainer_->optimizer->gradients(recorded.loss, where_)) outputs.push_back(gradient);
    return outputs;
  };
  return (first ? first_gradients_ : gradients_).run(bound(batch), record_gradients);
}

template <class T>
void StepPrograms<T>::forget_sums() {
  for (Parameter<T>& sum : sums_) sum.assign(xt::zeros_like(sum.value()));
}

template <class T>
Program<T>& StepPrograms<T>::evaluate(const Batch<T>& batch) {
  const auto record_evaluation = [&](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
    model_.set_training(false);
    const Leaves of_batch = leaves(tape, batch);
    inputs = of_batch.all();
    return results(record(of_batch));
  };
  return evaluations_.run(bound(batch), record_evaluation);
}

template <class T>
void StepPrograms<T>::trace(const Batch<T>& batch, bool training, bool with_gradients) {
  model_.set_training(training);
  const nn::detail::GeneratorPositions positions(model_.generators);
  Tape<T> tape;
  const TraceNaN<T> stop(tape);
  const Leaves of_batch = leaves(tape, batch);
  RecordedLoss<T> recorded = model_.record(of_batch.vars, false);
  reduce_loss(recorded, of_batch.weights);
  if (trainer_ && with_gradients) trainer_->optimizer->gradients(recorded.loss, where_);
}

template <class T>
void StepPrograms<T>::trace(const Batch<T>& batch) {
  trace(batch, true, true);
}

template <class T>
void StepPrograms<T>::trace_evaluation(const Batch<T>& batch) {
  trace(batch, false, false);
}

template <class T>
bool StepPrograms<T>::fails(const Batch<T>& batch, bool with_gradients) {
  try {
    trace(batch, false, with_gradients);
    return false;
  } catch (const ValueError&) {
    return true;
  }
}

template class StepPrograms<float>;
template class StepPrograms<double>;

}  // namespace wengert::train
