// save and save_step: names of ports, shapes of samples, the step, and the file.
#include "onnx/emit.hpp"
#include "onnx/trace.hpp"
#include "onnx/write_model.hpp"
#include <wengert/base/error.hpp>
#include <wengert/base/version.hpp>
#include <wengert/onnx/save.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace wengert::onnx::detail {

Shape grown_shape(Shape shape, std::size_t i, const std::vector<DynamicAxis>& axes, std::span<const std::size_t> grown,
                  const Location& where) {
  for (std::size_t k = 0; k < axes.size(); ++k) {
    std::vector<DynamicAxis::Place> places = axes[k].places;
    if (places.empty() && shape.size() > 0) places.push_back({i, 0});
    for (const auto& [input, axis] : places) {
      if (input != i) continue;
      if (axis >= shape.size())
        throw ValueError("onnx::save",
                         fmt::format("the dynamic axis '{}' is axis {} of input {}, whose shape is {}", axes[k].name,
                                     axis, i, to_string(shape)),
                         where);
      // An extent of 1 would broadcast where larger ones do not.
      shape[axis] = std::max<std::size_t>(shape[axis], 2) + grown[k];
    }
  }
  return shape;
}

template <class T>
void name_ports(std::span<RecordedPort<T>> ports, const std::vector<std::string>& given, std::string_view kind,
                const Location& where) {
  if (!given.empty() && given.size() != ports.size())
    throw ValueError("onnx::save", fmt::format("{} {} names given for {} {}s", given.size(), kind, ports.size(), kind),
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
      throw ValueError("onnx::save", fmt::format("two dynamic axes have the name '{}'", axis.name), where);
    for (const DynamicAxis::Place& place : axis.places)
      if (place.input >= call.inputs.size())
        throw ValueError("onnx::save",
                         fmt::format("the dynamic axis '{}' is one of input {}: there are {} inputs, counted from 0",
                                     axis.name, place.input, call.inputs.size()),
                         where);
  }
}

template <class T>
void check_port_names(const RecordedCall<T>& call, const std::vector<NamedParameter<T>>& parameters,
                      const Location& where) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name.empty()) throw ValueError("onnx::save", "an input, output or Parameter has an empty name", where);
    if (!names.insert(name).second)
      throw ValueError("onnx::save",
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
  if (call.outputs.empty()) throw ValueError("onnx::save", "the network returns no Var", where);
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

}  // namespace

template <class T>
void record_step(RecordedCall<T>& call, Var<T> loss, optim::Optimizer<T>& optimizer,
                 const std::vector<NamedParameter<T>>& parameters, const StepOptions& options, const Location& where) {
  Tape<T>& tape = tape_of(loss, "onnx::save_step", where);
  call.defaults = options.defaults;
  if (loss.rank(where) != 0) loss = mean(loss, {}, KeepDims::no, where);
  optimizer.update(loss, where);
  call.outputs.push_back({"loss", loss, false, {}});

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
  for (const auto& [name, parameter] : parameters) {
    const auto update = update_of(parameter);
    const bool is_updated = update != updates.end();
    const bool is_setting = std::find(options.settings.begin(), options.settings.end(), name) != options.settings.end();
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
  for (const std::string& setting : options.settings)
    if (std::none_of(parameters.begin(), parameters.end(), [&](const auto& named) { return named.name == setting; }))
      throw ValueError("onnx::save_step",
                       fmt::format("no Parameter has the name of the setting '{}': expected a path in the network or a "
                                   "name in the optimiser's state()",
                                   setting),
                       where);
}

template <class T>
void save_recording(const Recording<T>& recording, const std::vector<NamedParameter<T>>& parameters,
                    const std::filesystem::path& path, const SaveOptions& options, const Location& where,
                    const std::filesystem::path& initial) {
  if (!initial.empty() && initial == path)
    throw ValueError("onnx::save", "the step and its initial values would be written to the same file", where);
  const Trace<T> trace(recording, options.axes.size(), where);
  check_axes(trace.call(), options.axes, where);
  check_port_names(trace.call(), parameters, where);
  write_model(GraphWriter<T>(trace, parameters).write(options), path, where);
  if (!initial.empty()) write_model(initial_values(trace.call()), initial, where);
}

template void name_ports(std::span<RecordedPort<float>>, const std::vector<std::string>&, std::string_view,
                         const Location&);
template void name_ports(std::span<RecordedPort<double>>, const std::vector<std::string>&, std::string_view,
                         const Location&);
template void record_step(RecordedCall<float>&, Var<float>, optim::Optimizer<float>&,
                          const std::vector<NamedParameter<float>>&, const StepOptions&, const Location&);
template void save_recording(const Recording<float>&, const std::vector<NamedParameter<float>>&,
                             const std::filesystem::path&, const SaveOptions&, const Location&,
                             const std::filesystem::path&);
template void record_step(RecordedCall<double>&, Var<double>, optim::Optimizer<double>&,
                          const std::vector<NamedParameter<double>>&, const StepOptions&, const Location&);
template void save_recording(const Recording<double>&, const std::vector<NamedParameter<double>>&,
                             const std::filesystem::path&, const SaveOptions&, const Location&,
                             const std::filesystem::path&);

}  // namespace wengert::onnx::detail
