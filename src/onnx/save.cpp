// save and save_step: names of ports, shapes of samples, the step, and the file.
#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include "onnx/emit.hpp"
#include "onnx/limits.hpp"
#include "onnx/trace.hpp"
#include "onnx/whole_layers.hpp"
#include "onnx/write_model.hpp"
#include <wengert/base/error.hpp>
#include <wengert/base/version.hpp>
#include <wengert/onnx/save.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace wengert::onnx::detail {

Shape grown_shape(Shape shape, std::size_t i, const std::vector<DynamicAxis>& axes, std::span<const std::size_t> grown,
                  std::string_view caller, const Location& where) {
  for (std::size_t k = 0; k < axes.size(); ++k) {
    std::vector<DynamicAxis::Place> places = axes[k].places;
    if (places.empty() && shape.size() > 0) places.push_back({i, 0});
    for (const auto& [input, axis] : places) {
      if (input != i) continue;
      if (axis >= shape.size())
        throw ValueError(caller,
                         fmt::format("the dynamic axis '{}' is axis {} of input {}, whose shape is {}", axes[k].name,
                                     axis, i, to_string(shape)),
                         where);
      // An extent of 1 would broadcast where larger ones do not.
      shape[axis] = std::max<std::size_t>(shape[axis], 2) + grown[k];
    }
  }
  double elements = 1;
  for (const std::size_t extent : shape) elements *= static_cast<double>(extent);
  if (elements > static_cast<double>(most_elements))
    throw ValueError(
        caller,
        fmt::format("input {} of shape {}: a sample has at most {} elements; a small one shows the same, since "
                    "the values are not read",
                    i, to_string(shape), most_elements),
        where);
  return shape;
}

template <class T>
void name_ports(std::span<RecordedPort<T>> ports, const std::vector<std::string>& given, std::string_view kind,
                std::string_view caller, const Location& where) {
  if (!given.empty() && given.size() != ports.size())
    throw ValueError(caller, fmt::format("{} {} names given for {} {}s", given.size(), kind, ports.size(), kind),
                     where);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (!given.empty())
      ports[i].name = given[i];
    else if (ports[i].name.empty())
      ports[i].name = ports.size() == 1 ? std::string(kind) : fmt::format("{}_{}", kind, i);
    else if (ports[i].name.find_first_not_of("0123456789") == std::string::npos)  // an element of a tuple
      ports[i].name = fmt::format("{}_{}", kind, ports[i].name);
  }
}

namespace {

template <class T>
void check_axes(const RecordedCall<T>& call, const std::vector<DynamicAxis>& axes, const Location& where) {
  std::set<std::string> names;
  for (const DynamicAxis& axis : axes) {
    if (!names.insert(axis.name).second)
      throw ValueError(call.caller, fmt::format("two dynamic axes have the name '{}'", axis.name), where);
    for (const DynamicAxis::Place& place : axis.places)
      if (place.input >= call.inputs.size())
        throw ValueError(call.caller,
                         fmt::format("the dynamic axis '{}' is one of input {}: there are {} inputs, counted from 0",
                                     axis.name, place.input, call.inputs.size()),
                         where);
  }
}

// Throws ValueError unless all texts of the file are UTF-8, as ONNX demands, but for names of ports and Parameters.
void check_texts(const SaveOptions& options, std::string_view caller, const Location& where) {
  require_utf8(options.doc, "the description", caller, where);
  for (const DynamicAxis& axis : options.axes) require_utf8(axis.name, "the name of a dynamic axis", caller, where);
  for (const auto& [key, text] : options.metadata) {
    require_utf8(key, "a key of the metadata", caller, where);
    require_utf8(text, fmt::format("the metadata under {}", io::in_quotes(key)), caller, where);
  }
}

template <class T>
void check_port_names(const RecordedCall<T>& call, const std::vector<NamedParameter<T>>& parameters,
                      const Location& where) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    require_utf8(name, "the name of an input, output or Parameter", call.caller, where);
    if (name.empty()) throw ValueError(call.caller, "an input, output or Parameter has an empty name", where);
    if (!names.insert(name).second)
      throw ValueError(call.caller,
                       fmt::format("the name '{}' is used twice: inputs, outputs and Parameters need different ones; "
                                   "name inputs and outputs by the options, Parameters by the members that hold them",
                                   name),
                       where);
  };
  const auto is_input = [&](const Parameter<T>& parameter) {
    return std::any_of(call.inputs.begin(), call.inputs.end(),
                       [&](const auto& port) { return port.initial && *port.initial == parameter; });
  };
  for (const auto& [name, parameter] : parameters)
    if (!is_input(parameter)) add(name);
  for (const auto& port : call.inputs) add(port.name);
  for (const auto& port : call.outputs) add(port.name);
  if (call.outputs.empty()) throw ValueError(call.caller, "the network returns no Var", where);
}

// A graph without inputs that gives the values of the inputs that stand for Parameters.
template <class T>
ModelFile initial_values(const RecordedCall<T>& call) {
  ModelFile file;
  file.ir_version = 8;
  file.opsets = {{"", 17}};
  file.metadata = {{"producer_name", "wengert"}, {"producer_version", WENGERT_VERSION}};
  file.graph.name = "initial";
  for (const auto& port : call.inputs) {
    if (!port.initial) continue;
    const Tensor<T>& value = port.initial->value();
    TensorData tensor;
    tensor.type = element_type<T>;
    tensor.shape = port.initial->shape();
    tensor.bytes.assign(reinterpret_cast<const char*>(value.data()), value.size() * sizeof(T));
    std::vector<Dimension> shape;
    for (const std::size_t extent : tensor.shape) shape.push_back({extent, {}});
    Node node;
    node.op = "Constant";
    node.name = port.name;
    node.opset = 17;
    node.outputs = {port.name};
    node.attributes.emplace("value", std::move(tensor));
    file.graph.nodes.push_back(std::move(node));
    file.graph.outputs.push_back({port.name, element_type<T>, std::move(shape)});
  }
  return file;
}

template <class T>
Var<T> mean_of_samples(Var<T> loss, const Location& where) {
  return loss.rank(where) != 0 ? mean(loss, {}, KeepDims::no, where) : loss;
}

// Adds the outputs of a loss; returns the number that is minimised.
template <class T>
Var<T> add_loss(RecordedCall<T>& call, const StepLoss<T>& loss, const Location& where) {
  if (!loss.terms) {
    call.outputs.push_back({"loss", mean_of_samples(loss.loss, where), false, {}});
    return call.outputs.back().handle;
  }
  if (loss.terms->empty()) throw ValueError("onnx::save_step", "a loss without terms: expected at least one", where);
  const std::size_t position = call.outputs.size();
  call.outputs.push_back({"loss", {}, false, {}});
  Var<T> total;
  for (const auto& [name, value, weight] : *loss.terms) {
    if (!std::isfinite(weight))
      throw ValueError("onnx::save_step", fmt::format("term '{}' has the weight {}: expected a number", name, weight),
                       where);
    const Var<T> term = mean_of_samples(value, where);
    const Var<T> part = weight == 1 ? term : multiply(Operand<T>(term, where), Operand<T>(weight, where));
    total = total.empty() ? part : add(Operand<T>(total, where), Operand<T>(part, where));
    call.outputs.push_back({name, term, false, {}});
  }
  return call.outputs[position].handle = total;
}

template <class T>
const Parameter<T>* find(const std::vector<NamedParameter<T>>& parameters, const std::string& name) {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(), [&](const auto& named) { return named.name == name; });
  return found != parameters.end() ? &found->parameter : nullptr;
}

// The Parameters that the options name as settings.
template <class T>
std::vector<Parameter<T>> settings_of(const optim::Optimizer<T>& optimizer,
                                      const std::vector<NamedParameter<T>>& parameters, const StepOptions& options,
                                      const Location& where) {
  const std::vector<NamedParameter<T>> state = optimizer.state();
  std::vector<Parameter<T>> result;
  for (const std::string& name : options.settings) {
    const Parameter<T>* setting = find(state, name);
    if (setting == nullptr) setting = find(parameters, name);
    if (setting == nullptr)
      throw ValueError("onnx::save_step",
                       fmt::format("no Parameter has the name of the setting '{}': expected a path in the network or a "
                                   "name in the optimiser's state()",
                                   name),
                       where);
    result.push_back(*setting);
  }
  return result;
}

}  // namespace

template <class T>
std::vector<NamedParameter<T>> step_parameters(std::vector<NamedParameter<T>> network,
                                               const optim::Optimizer<T>& optimizer) {
  std::vector<NamedParameter<T>> parts = optimizer.state();
  for (NamedParameter<T>& part : parts)
    if (find(network, part.name) != nullptr) part.name = "optimizer." + part.name;
  network.insert(network.end(), parts.begin(), parts.end());
  return network;
}

template <class T>
void record_step(RecordedCall<T>& call, const StepLoss<T>& loss, optim::Optimizer<T>& optimizer,
                 const std::vector<NamedParameter<T>>& parameters, const StepOptions& options, const Location& where) {
  call.defaults = options.defaults;
  const Var<T> total = add_loss(call, loss, where);
  Tape<T>& tape = tape_of(total, "onnx::save_step", where);
  optimizer.update(total, where);

  std::vector<Update<T>> updates;  // the last of each Parameter
  for (const Update<T>& update : tape.updates()) {
    std::erase_if(updates, [&](const Update<T>& earlier) { return earlier.parameter == update.parameter; });
    updates.push_back(update);
  }
  tape.discard_updates();
  const auto update_of = [&](const Parameter<T>& parameter) {
    return std::find_if(updates.begin(), updates.end(),
                        [&](const auto& update) { return update.parameter == parameter; });
  };
  const std::vector<Parameter<T>> settings = settings_of(optimizer, parameters, options, where);
  for (const auto& [name, parameter] : parameters) {
    const auto update = update_of(parameter);
    const bool is_updated = update != updates.end();
    const bool is_setting = std::find(settings.begin(), settings.end(), parameter) != settings.end();
    if (is_updated || is_setting) call.inputs.push_back({name, tape.recorded(parameter, where), false, parameter});
    if (!is_updated) continue;
    call.outputs.push_back({name + ".next", update->value, false, {}});
    call.state.emplace_back(name, name + ".next");
    updates.erase(update);
  }
  if (!updates.empty())
    throw ValueError(
        "onnx::save_step",
        fmt::format("the step updates a Parameter{} that belongs to neither network nor optimiser: make it a "
                    "member of the network",
                    updates.front().parameter.name().empty() ? "" : " '" + updates.front().parameter.name() + "'"),
        where);
}

template <class T>
void save_recording(const Recording<T>& recording, const std::vector<NamedParameter<T>>& parameters,
                    const std::vector<Parameter<T>>& buffers, const std::filesystem::path& path,
                    const SaveOptions& options, const Location& where, const std::filesystem::path& initial) {
  if (!initial.empty() && initial == path)
    throw ValueError("onnx::save_step", "the step and its initial values would be written to the same file", where);
  const Trace<T> trace = located("onnx::save", where, [&] {
    if (!options.step_by_step) try {
        return Trace<T>(recording, options.axes, false, where);
      } catch (const NeedsSteps&) {
      }
    return Trace<T>(recording, options.axes, true, where);
  });
  check_axes(trace.call(), options.axes, where);
  check_port_names(trace.call(), parameters, where);
  check_texts(options, trace.caller(), where);
  write_model(GraphWriter<T>(trace, parameters, buffers).write(options), path, where);
  if (!initial.empty()) write_model(initial_values(trace.call()), initial, where);
}

#define WENGERT_INSTANTIATE(T)                                                                                         \
  template void name_ports(std::span<RecordedPort<T>>, const std::vector<std::string>&, std::string_view,              \
                           std::string_view, const Location&);                                                         \
  template std::vector<NamedParameter<T>> step_parameters(std::vector<NamedParameter<T>>, const optim::Optimizer<T>&); \
  template void record_step(RecordedCall<T>&, const StepLoss<T>&, optim::Optimizer<T>&,                                \
                            const std::vector<NamedParameter<T>>&, const StepOptions&, const Location&);               \
  template void save_recording(const Recording<T>&, const std::vector<NamedParameter<T>>&,                             \
                               const std::vector<Parameter<T>>&, const std::filesystem::path&, const SaveOptions&,     \
                               const Location&, const std::filesystem::path&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::onnx::detail
