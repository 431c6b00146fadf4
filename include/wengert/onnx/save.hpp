// save and save_step: a network, and a step of its training, as ONNX files.
#pragma once

#include <wengert/nn/call.hpp>
#include <wengert/nn/mode.hpp>
#include <wengert/nn/module.hpp>
#include <wengert/nn/module_trace.hpp>
#include <wengert/optim/optimizer.hpp>
#include <wengert/reflect/fields.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::onnx {

/// An axis whose extent the file leaves open, such as the batch.
struct DynamicAxis {
  /// An axis of an input.
  struct Place {
    std::size_t input = 0;  ///< the input's position, from 0
    std::size_t axis = 0;   ///< its axis
  };
  std::string name = "batch";  ///< the name in the file
  std::vector<Place> places;   ///< the inputs that have it; empty: axis 0 of every input
};

/// Options of `save`.
struct SaveOptions {
  /// The names of the inputs, in order; by default their paths in a struct, otherwise `input`, or `input_0` ….
  std::vector<std::string> inputs = {};
  /// The names of the outputs, in order; by default their paths in a struct, otherwise `output`, or `output_0` ….
  std::vector<std::string> outputs = {};
  /// The axes whose extents are open. The network is recorded at several extents to find how shapes follow from them.
  std::vector<DynamicAxis> axes = {DynamicAxis{}};
  /// Whether recurrent layers are written step by step, in ordinary ops, which fixes the length of the sequences,
  /// instead of as ONNX's LSTM, GRU and RNN, which ONNX Runtime has in float only. Layers whose gradients the network
  /// computes are always written step by step.
  bool step_by_step = false;
  /// The description of the network.
  std::string doc = {};
  /// Arbitrary text by key, such as class names or the preprocessing.
  std::map<std::string, std::string> metadata = {};
};

/// Options of `save_step`.
struct StepOptions {
  /// The names of the network's inputs, as in SaveOptions.
  std::vector<std::string> inputs = {};
  /// The names of the targets, in order; by default their paths in a struct, otherwise `target`, or `target_0` ….
  std::vector<std::string> targets = {};
  /// The Parameters that are inputs although a step does not change them, so that they can be set for each step: by the
  /// optimiser's names (`Optimizer::state`) or, for those that it does not have, by their paths in the network.
  std::vector<std::string> settings = {"rate"};
  /// The axes whose extents are open; targets are numbered after the inputs. By default there are none, since layers
  /// and losses may read the size of the batch in ways that the file cannot express, as batch normalisation does for
  /// the unbiased variance.
  std::vector<DynamicAxis> axes = {};
  /// Whether the inputs that have current values, such as the weights, have them as defaults. Some runtimes, such as
  /// ONNX Runtime for JavaScript, ignore values that are given for an input with a default.
  bool defaults = true;
  /// If not empty, the file of a graph without inputs, whose outputs are the current values of these inputs, under
  /// their names: the first values for a step without defaults.
  std::filesystem::path initial = {};
  /// The description of the step.
  std::string doc = {};
  /// Arbitrary text by key.
  std::map<std::string, std::string> metadata = {};
};

namespace detail {

/// An input or output of a recorded call.
template <class T>
struct RecordedPort {
  std::string name;
  Var<T> handle;
  bool integers = false;
  std::optional<Parameter<T>> initial{};  // an input that stands for a Parameter
};
/// A recorded call of a network, or a step.
template <class T>
struct RecordedCall {
  std::string_view caller, options;  // the function that was called, and the type of its options, for errors
  std::vector<RecordedPort<T>> inputs{}, outputs{};
  std::vector<std::pair<std::string, std::string>> state{};  // inputs, and the outputs that are their next values
  nn::detail::ModuleTrace<T> layers{};                       // of the network
  bool defaults = true;  // whether inputs that stand for Parameters have their values unless they are given others
};
/// Records a call on a tape. `grown[k]`: the number of elements by which dynamic axis k is longer than the sample's.
template <class T>
using Recording = std::function<RecordedCall<T>(Tape<T>& tape, std::span<const std::size_t> grown)>;

/// The shape of input `i` with longer dynamic axes. Throws ValueError if a place does not exist.
Shape grown_shape(Shape shape, std::size_t i, const std::vector<DynamicAxis>& axes, std::span<const std::size_t> grown,
                  std::string_view caller, const Location& where);

/// The map for `rebuild` that records zeros of the grown shape of each input.
template <class T>
struct RecordGrown {
  using Scalar = T;
  Tape<T>& tape;
  const std::vector<DynamicAxis>& axes;
  std::span<const std::size_t> grown;
  const Location& where;
  RecordedCall<T>& call;

  Var<T> operator()(const Shape& shape) const { return values(shape); }
  template <class X>
  requires std::derived_from<X, xt::xexpression<X>>
  auto operator()(const X& x) const {
    using Element = typename X::value_type;
    static_assert(std::same_as<Element, T> || std::integral<Element>,
                  "wengert: the tensors must have the network's scalar type");
    if constexpr (std::same_as<Element, T>) {
      return values(Shape(x.shape()));
    } else {
      const Shape shape = grown_shape(Shape(x.shape()), call.inputs.size(), axes, grown, call.caller, where);
      const IndexVar<T> indices = tape.indices(Indices::from_shape(xt::dynamic_shape<std::size_t>(shape)), where);
      call.inputs.push_back({{}, indices.handle(), true, {}});
      return indices;
    }
  }

 private:
  Var<T> values(const Shape& sample) const {
    const Shape shape = grown_shape(sample, call.inputs.size(), axes, grown, call.caller, where);
    const Var<T> x = tape.constant(Tensor<T>(xt::zeros<T>(xt::dynamic_shape<std::size_t>(shape))), where);
    call.inputs.push_back({{}, x, false, {}});
    return x;
  }
};

/// Names the ports that have none: by `given`, or as `input`, or `input_0` ….
template <class T>
void name_ports(std::span<RecordedPort<T>> ports, const std::vector<std::string>& given, std::string_view kind,
                std::string_view caller, const Location& where);

/// Records zeros as inputs of the sample's structure, and appends their ports, named like `name_ports`.
template <class T, class Sample>
auto record_inputs(const Sample& sample, const RecordGrown<T>& map, const std::vector<std::string>& names,
                   std::string_view kind) {
  static_assert(!std::same_as<wengert::detail::Rebuilt<const RecordGrown<T>, Sample>, Sample>,
                "wengert: samples are Shapes, tensors, Indices, or tuples or structs of them; a struct must be a "
                "template over the types of its members: template <class V> struct Inputs { V picture, table; }");
  std::vector<RecordedPort<T>>& ports = map.call.inputs;
  const std::size_t first = ports.size();
  auto inputs = wengert::detail::rebuild(sample, map);
  if constexpr (wengert::detail::kind_of<decltype(inputs)> == wengert::detail::Kind::aggregate) {
    std::size_t i = first;
    wengert::detail::visit_parts(inputs, {}, [&]<class X>(const std::string& name, const X&) {
      constexpr bool is_input = std::is_same_v<X, Var<T>> || std::is_same_v<X, IndexVar<T>>;
      if constexpr (is_input) ports[i++].name = name;
      return !is_input;
    });
  }
  name_ports(std::span(ports).subspan(first), names, kind, map.call.caller, map.where);
  return inputs;
}

/// Writes the file. `parameters`: all Parameters of the network with their paths; `buffers`: those that are Buffers.
/// `initial`: as in StepOptions.
template <class T>
void save_recording(const Recording<T>& recording, const std::vector<NamedParameter<T>>& parameters,
                    const std::vector<Parameter<T>>& buffers, const std::filesystem::path& path,
                    const SaveOptions& options, const Location& where, const std::filesystem::path& initial = {});

/// The result of a loss function: a Var, or terms.
template <class T>
struct StepLoss {
  struct Term {
    std::string name;
    Var<T> value;
    double weight;
  };
  Var<T> loss{};  // empty if there are terms
  std::optional<std::vector<Term>> terms{};
};
/// From a Var, train::LossTerms or train::LossAndOutputs; the last two by their members, since `train` is another
/// component.
template <class T, class Loss>
StepLoss<T> step_loss(const Loss& loss) {
  if constexpr (std::is_convertible_v<const Loss&, Var<T>>) {
    return {loss, {}};
  } else if constexpr (requires { loss.outputs; }) {
    return step_loss<T>(loss.loss);
  } else {
    constexpr bool has_terms = requires { loss.terms; };
    static_assert(has_terms,
                  "wengert: the loss of save_step returns a Var of the network's scalar type, train::LossTerms or "
                  "train::LossAndOutputs");
    StepLoss<T> result;
    result.terms.emplace();
    if constexpr (has_terms)
      for (const auto& [name, value, weight] : loss.terms) result.terms->push_back({name, value, weight});
    return result;
  }
}

/// The Parameters of a network and of its optimiser's state, whose names are `optimizer.rate` … where the network has a
/// Parameter `rate` ….
template <class T>
std::vector<NamedParameter<T>> step_parameters(std::vector<NamedParameter<T>> network,
                                               const optim::Optimizer<T>& optimizer);

/// Queues the optimiser's step for a loss and adds its ports: the loss with its terms, the Parameters that it updates
/// with their next values, and the settings. `parameters`: those of the network and the optimiser.
template <class T>
void record_step(RecordedCall<T>& call, const StepLoss<T>& loss, optim::Optimizer<T>& optimizer,
                 const std::vector<NamedParameter<T>>& parameters, const StepOptions& options, const Location& where);

}  // namespace detail

/// Writes a network as an ONNX file (opset 17) that computes what the network computes in evaluation mode.
///
///     onnx::save(network, Shape{1, 784}, "digits.onnx");
///     onnx::save(network, std::tuple(Shape{1, 16}, Indices{…}), "two_inputs.onnx", {.inputs = {"table", "words"}});
///     onnx::save(lstm, Shape{1, 20, 64}, "lstm.onnx", {.axes = {{"batch", {{0, 0}}}, {"length", {{0, 1}}}}});
///
/// `sample` gives the shapes of the inputs: a Shape or a tensor for a Var, Indices for an IndexVar, or a tuple or
/// struct of them as for `nn::summary`. Parameters become initialisers under their paths; parameters the network does
/// not read are left out. The metadata list the Buffers (`wengert.buffers`), so that `load` does not take them for
/// weights. Elementwise ops without a counterpart are expanded by their formulas. An existing file is replaced only
/// once the new one is complete. Throws ValueError, naming op and line, for an op that cannot be exported and for
/// shapes that do not follow from the dynamic axes; FileError if the file cannot be written.
template <class Module, class Sample>
void save(const Module& module, const Sample& sample, const std::filesystem::path& path,
          const SaveOptions& options = {}, Location where = Location::current()) {
  using T = nn::detail::ScalarOf<Module>;
  const nn::EvaluationMode evaluation(module);
  const nn::detail::GeneratorPositions positions(nn::detail::generators_of(module));
  const detail::Recording<T> recording = [&](Tape<T>& tape, std::span<const std::size_t> grown) {
    detail::RecordedCall<T> call{.caller = "onnx::save", .options = "SaveOptions"};
    const detail::RecordGrown<T> map{tape, options.axes, grown, where, call};
    const auto inputs = detail::record_inputs<T>(sample, map, options.inputs, "input");
    using Inputs = std::remove_const_t<decltype(inputs)>;
    call.layers = nn::detail::trace_module(tape, module, [&] {
      const auto result = nn::detail::CallOf<Module, Inputs>::call(module, inputs, where);
      wengert::detail::visit_parts(result, {}, [&]<class X>(const std::string& name, const X& x) {
        if constexpr (std::is_same_v<X, Var<T>>) call.outputs.push_back({name, x, false, {}});
        if constexpr (std::is_same_v<X, IndexVar<T>>) call.outputs.push_back({name, x.handle(), true, {}});
        return !std::is_same_v<X, Var<T>> && !std::is_same_v<X, IndexVar<T>>;
      });
    });
    detail::name_ports<T>(call.outputs, options.outputs, "output", call.caller, where);
    return call;
  };
  detail::save_recording<T>(recording, named_parameters(module), wengert::detail::buffers_of<T>(module), path, options,
                            where);
}

/// Writes a step of training as an ONNX file (opset 17) of ordinary ops, without those of ONNX's training domains: the
/// loss in training mode, its gradients, and the optimiser's update.
///
///     onnx::save_step(network, optimizer, [](auto y, auto t) { return cross_entropy(y, t); },
///                     Shape{32, 784}, Indices::from_shape({32}), "step.onnx");
///
/// `inputs` and `targets` give the shapes of a batch, as the sample of `save`; without targets, `std::tuple()`. `loss`
/// takes the outputs and the targets, or the network, the inputs and the targets, and returns one number, or several,
/// of which the mean is taken; or train::LossTerms, whose terms are further outputs under their names, without their
/// weights. Inputs of the file are those of the network, the targets, and the Parameters that the
/// step updates: weights and running statistics under their paths, the optimiser's state as `Optimizer::state` calls
/// it, such as `0.weight.exp_avg` and `step`, or `optimizer.step` in a network that has a Parameter `step`. Each has
/// the current value as its default (see StepOptions), as the learning rate has, which is the input `rate`. The outputs
/// are `loss` and the next values, such as `0.weight.next`, which are to be the inputs of the next step; the entry
/// `state` of the metadata lists these pairs as JSON:
/// `{"0.weight":"0.weight.next",…}`. Neither the network nor the optimiser changes. Throws as `save` does, also for
/// dropout and other ops that draw random numbers, and ValueError for a setting that does not exist.
template <class Network, class T, class Loss, class Inputs, class Targets>
void save_step(const Network& network, optim::Optimizer<T>& optimizer, const Loss& loss, const Inputs& inputs,
               const Targets& targets, const std::filesystem::path& path, const StepOptions& options = {},
               Location where = Location::current()) {
  const nn::EvaluationMode mode(network);  // restores the mode of each layer
  nn::train_mode(network);
  const nn::detail::GeneratorPositions positions(nn::detail::generators_of(network));
  const auto parameters = detail::step_parameters<T>(named_parameters(network), optimizer);
  const detail::Recording<T> recording = [&](Tape<T>& tape, std::span<const std::size_t> grown) {
    detail::RecordedCall<T> call{.caller = "onnx::save_step", .options = "StepOptions"};
    const detail::RecordGrown<T> map{tape, options.axes, grown, where, call};
    const auto x = detail::record_inputs<T>(inputs, map, options.inputs, "input");
    using X = std::remove_const_t<decltype(x)>;
    const auto of = [&](const auto&... y) {
      if constexpr (std::is_invocable_v<const Loss&, const Network&, X, decltype(y)...>)
        return detail::step_loss<T>(loss(network, x, y...));
      else
        return detail::step_loss<T>(loss(nn::detail::CallOf<Network, X>::call(network, x, where), y...));
    };
    detail::StepLoss<T> result;
    call.layers = nn::detail::trace_module(tape, network, [&] {
      if constexpr (std::same_as<Targets, std::tuple<>>)
        result = of();
      else
        result = of(detail::record_inputs<T>(targets, map, options.targets, "target"));
    });
    detail::record_step<T>(call, result, optimizer, parameters, options, where);
    return call;
  };
  const SaveOptions written{
      .axes = options.axes, .step_by_step = true, .doc = options.doc, .metadata = options.metadata};
  std::vector<Parameter<T>> buffers = wengert::detail::buffers_of<T>(network);
  for (const auto& part : optimizer.state()) buffers.push_back(part.parameter);
  detail::save_recording<T>(recording, parameters, buffers, path, written, where, options.initial);
}

}  // namespace wengert::onnx
