// The erased model: a network and its loss without their types. `fit` passes it to the training loop, which is compiled
// once, in the library.
#pragma once

#include <wengert/nn/mode.hpp>
#include <wengert/nn/sequential.hpp>
#include <wengert/nn/summary.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/program/program.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/train/samples.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::train {

/// A recorded loss, and the outputs that it was computed from; they are empty if they are not a single Var.
template <class T>
struct RecordedLoss {
  Var<T> loss;       ///< a scalar
  Var<T> outputs{};  ///< for metrics
};

/// The erased model: everything the training loop needs of a network and its loss.
template <class T>
struct ErasedModel {
  std::vector<std::pair<std::string, Parameter<T>>> parameters;  ///< all parameters, with their paths
  std::vector<Generator> generators;                             ///< those whose positions are saved in checkpoints
  std::function<void(bool training)> set_training;               ///< sets the mode of the network
  /// Records the loss of a batch.
  std::function<RecordedLoss<T>(const ProgramVar<T>& x, const ProgramVar<T>& y)> record;
  std::function<std::string(const Batch<T>& batch)> summary;  ///< the table of layers; may be empty
};

namespace detail {

// Converts an input of a step to the type that the network takes: a Var, or an IndexVar for integer indices.
template <class X, class T>
auto as_input(const ProgramVar<T>& var) {
  if constexpr (std::same_as<X, Indices>)
    return IndexVar<T>(var.handle());
  else
    return var.handle();
}

template <class X, class T>
using InputVar = decltype(as_input<X, T>(std::declval<const ProgramVar<T>&>()));

// Builds the erased model. `where` is the line passed to the network's call, if it accepts one.
template <class T, class Data, class Module, class Loss>
ErasedModel<T> erased_model(const Module& module, const Loss& loss, const Location& where) {
  using X = typename Access<Data>::Inputs;
  using Y = typename Access<Data>::Targets;
  ErasedModel<T> result;
  for_each_parameter(module, [&](const std::string& path, const Parameter<T>& parameter) {
    result.parameters.emplace_back(path.empty() ? parameter.name() : path, parameter);
  });
  for_each_member<Generator>(
      module, [&](const std::string&, const Generator& generator) { result.generators.push_back(generator); });
  result.set_training = [&module](bool training) {
    if (training)
      nn::train_mode(module);
    else
      nn::eval_mode(module);
  };
  result.record = [&module, &loss, where](const ProgramVar<T>& x, const ProgramVar<T>& y) -> RecordedLoss<T> {
    static_cast<void>(where);  // read in one branch
    if constexpr (std::is_invocable_v<const Loss&, const Module&, InputVar<X, T>, InputVar<Y, T>>) {
      return {loss(module, as_input<X, T>(x), as_input<Y, T>(y))};
    } else {
      const auto outputs = nn::detail::call(module, as_input<X, T>(x), where);
      const Var<T> value = loss(outputs, as_input<Y, T>(y));
      if constexpr (std::same_as<std::remove_cvref_t<decltype(outputs)>, Var<T>>)
        return {value, outputs};
      else
        return {value};
    }
  };
  if constexpr (std::same_as<ModuleScalar<Module>, T> && std::is_invocable_r_v<Var<T>, const Module&, InputVar<X, T>>)
    result.summary = [&module, where](const Batch<T>& batch) {
      return nn::summary(module, std::get<X>(batch.inputs), where).to_string();
    };
  return result;
}

}  // namespace detail

}  // namespace wengert::train
