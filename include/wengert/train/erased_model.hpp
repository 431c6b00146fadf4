// The erased model: a network and its loss without their types. `fit` passes it to the training loop, which is compiled
// once, in the library.
#pragma once

#include <wengert/nn/call.hpp>
#include <wengert/nn/mode.hpp>
#include <wengert/nn/summary.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/program/program.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/train/samples.hpp>

#include <concepts>
#include <functional>
#include <initializer_list>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::train {

/// A term of a loss: its name in the history, its value, and its weight in the total.
template <class T>
struct LossTerm {
  std::string name;   ///< without commas, quotes and line breaks
  Var<T> value;       ///< as a loss: a scalar, or one value per sample
  double weight = 1;  ///< the total is the sum of weight · value
};

/// A loss of several terms, each of which has its own column in the history:
/// `return train::LossTerms<float>{{"class", cross_entropy(…)}, {"box", l1_loss(…), 0.5}};`
template <class T>
struct LossTerms {
  std::vector<LossTerm<T>> terms;  ///< with distinct names
  /// A loss of these terms.
  LossTerms(std::initializer_list<LossTerm<T>> of) : terms(of) {}
  /// The same for terms that are computed.
  explicit LossTerms(std::vector<LossTerm<T>> of) : terms(std::move(of)) {}
};

/// What a loss that calls the network itself may return, so that metrics need not call the network again:
/// `return train::LossAndOutputs{loss, logits};`
template <class Loss, class Outputs>
struct LossAndOutputs {
  Loss loss;        ///< a Var or LossTerms
  Outputs outputs;  ///< what the network returned
};
template <class Loss, class Outputs>
LossAndOutputs(Loss, Outputs) -> LossAndOutputs<Loss, Outputs>;

/// A recorded loss, and the outputs that it was computed from.
template <class T>
struct RecordedLoss {
  Var<T> loss{};                                          ///< empty if there are terms
  std::vector<LossTerm<T>> terms{};                       ///< empty for a single loss
  std::vector<std::pair<std::string, Var<T>>> outputs{};  ///< for metrics, with their paths; empty if not known
};

/// The leaf nodes of a batch.
template <class T>
struct BatchVars {
  std::vector<ProgramVar<T>> inputs;   ///< in the order of the batch
  std::vector<ProgramVar<T>> targets;  ///< likewise
};

/// The erased model: everything the training loop needs of a network and its loss.
template <class T>
struct ErasedModel {
  std::vector<std::pair<std::string, Parameter<T>>> parameters;  ///< all parameters, with their paths
  std::vector<Generator> generators;                             ///< those whose positions are saved in checkpoints
  std::function<void(bool training)> set_training;               ///< sets the mode of the network
  /// Records the loss of a batch. With `want_outputs`, also calls a network that the loss takes itself, in evaluation
  /// mode, unless the loss returns its outputs.
  std::function<RecordedLoss<T>(const BatchVars<T>& batch, bool want_outputs)> record;
  std::function<std::string(const Batch<T>& batch)> summary;  ///< the table of layers; may be empty
};

namespace detail {

// The map for `rebuild` that replaces the arrays of the data by their leaf nodes.
template <class T>
struct LeafVars {
  using Scalar = T;
  const std::vector<ProgramVar<T>>& vars;
  std::size_t next = 0;
  Var<T> operator()(const Tensor<T>&) { return vars[next++].handle(); }
  IndexVar<T> operator()(const Indices&) { return IndexVar<T>(vars[next++].handle()); }
};
// The inputs or targets as a network or loss takes them: Vars and IndexVars in the structure of X.
template <class X, class T>
auto on_tape(const std::vector<ProgramVar<T>>& vars) {
  constexpr bool can_be_rebuilt = wengert::detail::kind_of<X> != wengert::detail::Kind::aggregate ||
                                  !std::same_as<wengert::detail::Rebuilt<LeafVars<T>, X>, X>;
  static_assert(can_be_rebuilt,
                "wengert: a struct of inputs or targets must be a template over the types of its arrays: template "
                "<class V> struct Inputs { V picture, table; }");
  LeafVars<T> map{vars};
  if constexpr (can_be_rebuilt)
    return wengert::detail::rebuild(X{}, map);
  else
    return X{};
}
template <class X, class T>
using OnTape = decltype(on_tape<X, T>(std::declval<const std::vector<ProgramVar<T>>&>()));

using nn::detail::CallOf;

template <class T, class Outputs>
void add_outputs(const Outputs& outputs, std::vector<std::pair<std::string, Var<T>>>& to) {
  for_each_named_leaf(outputs, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
    if constexpr (std::same_as<Leaf, Var<T>>)
      if (!leaf.empty()) to.emplace_back(path, leaf);
  });
}
template <class T>
void add_loss(const Var<T>& loss, RecordedLoss<T>& to) {
  to.loss = loss;
}
template <class T>
void add_loss(const LossTerms<T>& loss, RecordedLoss<T>& to) {
  to.terms = loss.terms;
}
template <class T, class Loss, class Outputs>
void add_loss(const LossAndOutputs<Loss, Outputs>& loss, RecordedLoss<T>& to) {
  add_loss(loss.loss, to);
  add_outputs(loss.outputs, to.outputs);
}

// Records a loss that takes the network, the inputs and, if there are any, the targets.
template <class T, class X, class Y, class Module, class Loss>
RecordedLoss<T> record_loss(const Module& module, const Loss& loss, const BatchVars<T>& batch, bool want_outputs,
                            const Location& where) {
  using Inputs = OnTape<X, T>;
  using Targets = OnTape<Y, T>;
  const Inputs x = on_tape<X, T>(batch.inputs);
  const Targets y = on_tape<Y, T>(batch.targets);
  RecordedLoss<T> recorded;
  constexpr bool has_targets = !std::same_as<Y, std::tuple<>>;
  constexpr bool takes_network = [] {
    if constexpr (has_targets)
      return std::is_invocable_v<const Loss&, const Module&, Inputs, Targets>;
    else
      return std::is_invocable_v<const Loss&, const Module&, Inputs>;
  }();
  if constexpr (takes_network) {
    if constexpr (has_targets)
      add_loss<T>(loss(module, x, y), recorded);
    else
      add_loss<T>(loss(module, x), recorded);
    if constexpr (CallOf<Module, Inputs>::possible)
      if (want_outputs && recorded.outputs.empty()) {
        const nn::EvaluationMode evaluation(module);
        add_outputs(CallOf<Module, Inputs>::call(module, x, where), recorded.outputs);
      }
  } else {
    const auto outputs = CallOf<Module, Inputs>::call(module, x, where);
    if constexpr (has_targets)
      add_loss<T>(loss(outputs, y), recorded);
    else
      add_loss<T>(loss(outputs), recorded);
    add_outputs(outputs, recorded.outputs);
  }
  return recorded;
}

// Builds the erased model. `where` is the line passed to the network's call, if it accepts one.
template <class T, class Data, class Module, class Loss>
ErasedModel<T> erased_model(const Module& module, const Loss& loss, const Location& where) {
  using X = typename Data::Inputs;
  using Y = typename Data::Targets;
  ErasedModel<T> result;
  if constexpr (!std::is_void_v<ModuleScalar<Module>>)
    for (const auto& [name, parameter] : named_parameters(module)) result.parameters.emplace_back(name, parameter);
  result.generators = nn::detail::generators_of(module);
  result.set_training = [&module](bool training) {
    if (training)
      nn::train_mode(module);
    else
      nn::eval_mode(module);
  };
  result.record = [&module, &loss, where](const BatchVars<T>& batch, bool want_outputs) {
    return record_loss<T, X, Y>(module, loss, batch, want_outputs, where);
  };
  if constexpr (std::same_as<ModuleScalar<Module>, T> && data::detail::is_array<X> &&
                std::is_invocable_r_v<Var<T>, const Module&, OnTape<X, T>>)
    result.summary = [&module, where](const Batch<T>& batch) {
      return nn::summary(module, std::get<X>(batch.inputs[0]), where).to_string();
    };
  return result;
}

}  // namespace detail

}  // namespace wengert::train
