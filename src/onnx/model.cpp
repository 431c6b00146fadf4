// Model: loading, the check of inputs, and the call.
#include "io/in_quotes.hpp"
#include "onnx/graph.hpp"
#include "onnx/run.hpp"
#include <wengert/base/error.hpp>
#include <wengert/onnx/model.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace wengert::onnx {

namespace {

using detail::ModelFile;

// "float (batch, 3, 224)"
std::string text_of(const Port& port) {
  std::string text(name_of(port.type));
  if (!port.shape) return text;
  text += " (";
  for (const Dimension& dimension : *port.shape) {
    if (text.back() != '(') text += ", ";
    text += dimension.extent ? std::to_string(*dimension.extent) : dimension.name.empty() ? "?" : dimension.name;
  }
  return text + (port.shape->size() == 1 ? ",)" : ")");
}

std::string text_of(const std::vector<Port>& ports) {
  std::string text;
  for (const Port& port : ports)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", io::in_quotes(port.name), text_of(port));
  return text;
}

// Throws unless a value has the type and the extents that the model declares; extents of one name must be equal.
template <class T>
void check_input(const Port& port, const Value<T>& value, std::map<std::string, std::size_t>& named,
                 const Location& where) {
  const auto fail = [&](const std::string& what) {
    throw ShapeError(
        "onnx", fmt::format("input {} is declared as {}: {}", io::in_quotes(port.name), text_of(port), what), where);
  };
  if (value.absent()) throw ValueError("onnx", fmt::format("input {} is missing", io::in_quotes(port.name)), where);
  const bool integers = value.template holds<IndexVar<T>>() || value.template holds<Indices>();
  if (integers && is_floating(port.type)) fail("it takes a Var, not integers");
  if (!port.shape) return;
  const Shape shape = value.shape();
  if (shape.size() != port.shape->size()) fail(fmt::format("got the shape {}", to_string(shape)));
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const Dimension& dimension = (*port.shape)[axis];
    if (dimension.extent && *dimension.extent != shape[axis])
      fail(fmt::format("got the shape {}, whose axis {} is not {}", to_string(shape), axis, *dimension.extent));
    if (dimension.name.empty()) continue;
    const auto [found, is_new] = named.emplace(dimension.name, shape[axis]);
    if (!is_new && found->second != shape[axis])
      fail(fmt::format("got the shape {}, but the axis '{}' has {} elements in another input", to_string(shape),
                       dimension.name, found->second));
  }
}

// What becomes of the initialisers of a graph and its bodies: some are running statistics, which are not trained; some
// only set options of ops, such as the limits of Clip, and stay constants.
struct InitialiserUses {
  std::set<std::string> statistics, options, others;

  explicit InitialiserUses(const detail::Graph& graph) { collect(graph); }

 private:
  static bool is_option(const std::string& op, std::size_t input) {
    static const std::set<std::string> all{"If", "MelWeightMatrix", "NonMaxSuppression", "NonZero", "Range"};
    static const std::set<std::string> later{"Clip", "Dropout", "OneHot", "Pad", "Resize", "RoiAlign", "Upsample"};
    if (op == "Pow" || op == "Compress") return input == 1;
    if (op == "Loop") return input < 2;
    return all.contains(op) || (input > 0 && later.contains(op));
  }
  void collect(const detail::Graph& graph) {
    for (const detail::Node& node : graph.nodes) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const bool is_statistic = node.op == "BatchNormalization" && i >= 3;
        (is_statistic ? statistics : is_option(node.op, i) ? options : others).insert(node.inputs[i]);
      }
      for (const auto& [name, attribute] : node.attributes)
        if (const auto* const body = std::get_if<std::shared_ptr<const detail::Graph>>(&attribute); body != nullptr)
          collect(**body);
    }
  }
};

// Throws ValueError for the first op that is not supported.
template <class T>
void check_ops(const detail::Graph& graph, const Location& where) {
  for (const detail::Node& node : graph.nodes) {
    detail::entry_of<T>(node, where);
    for (const auto& [name, attribute] : node.attributes)
      if (const auto* const body = std::get_if<std::shared_ptr<const detail::Graph>>(&attribute); body != nullptr)
        check_ops<T>(**body, where);
  }
}

// The first input on a tape; an empty handle if there is none.
template <class T>
Var<T> handle_of(const std::vector<Value<T>>& inputs) {
  for (const Value<T>& input : inputs) {
    if (input.template holds<Var<T>>()) return input.template get<Var<T>>();
    if (input.template holds<IndexVar<T>>()) return input.template get<IndexVar<T>>().handle();
  }
  return {};
}

template <class T>
Tape<T>& tape_of_inputs(const std::vector<Value<T>>& inputs, const Location& where) {
  if (const Var<T> handle = handle_of(inputs); !handle.empty()) return handle.tape("onnx", where);
  throw ValueError("onnx", "no input is on a tape: pass a Var or an IndexVar, or the tape itself to `run`", where);
}

// A Model from a file's content, which gives up the initialisers that become weights.
template <class T>
Model<T> model_from(ModelFile file, const Location& where) {
  check_ops<T>(file.graph, where);
  const InitialiserUses uses(file.graph);
  Model<T> model;
  std::erase_if(file.graph.initialisers, [&](detail::TensorData& tensor) {
    if (!is_floating(tensor.type) || (uses.options.contains(tensor.name) && !uses.others.contains(tensor.name)))
      return false;
    const bool is_statistic = uses.statistics.contains(tensor.name) || file.buffers.contains(tensor.name);
    Parameter<T> value(tensor.template numbers<T>(), tensor.name, !is_statistic);
    if (is_statistic)
      model.statistics.push_back({tensor.name, {std::move(value)}});
    else
      model.weights.push_back({tensor.name, std::move(value)});
    tensor.bytes = {};  // frees the memory before the next weight takes its own
    return true;
  });
  model.graph = ModelGraph(std::make_shared<const ModelFile>(std::move(file)));
  return model;
}

}  // namespace

const detail::ModelFile& ModelGraph::file(const Location& where) const {
  if (file_ == nullptr) throw HandleError("onnx", "the model is empty: `onnx::load` makes one", where);
  return *file_;
}

template <class T>
const std::vector<Port>& Model<T>::inputs() const {
  return graph.file().graph.inputs;
}
template <class T>
const std::vector<Port>& Model<T>::outputs() const {
  return graph.file().graph.outputs;
}
template <class T>
const std::map<std::string, std::string>& Model<T>::metadata() const {
  return graph.file().metadata;
}

template <class T>
std::vector<Value<T>> Model<T>::run(const std::vector<Value<T>>& inputs, Location where) const {
  return run(tape_of_inputs(inputs, where), inputs, where);
}

template <class T>
std::vector<Value<T>> Model<T>::run(Tape<T>& tape, const std::vector<Value<T>>& inputs, Location where) const {
  const ModelFile& file = graph.file(where);
  const std::vector<Port>& ports = file.graph.inputs;
  if (inputs.size() != ports.size())
    throw ValueError(
        "onnx", fmt::format("{} inputs given: the model takes {}: {}", inputs.size(), ports.size(), text_of(ports)),
        where);
  std::map<std::string, std::size_t> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) check_input(ports[i], inputs[i], named, where);
  return atomically(tape, where, [&] {
    detail::Run<T> run(tape, where);
    for (std::size_t i = 0; i < inputs.size(); ++i) run.set(ports[i].name, inputs[i].as(ports[i].type));
    for (const Weight<T>& weight : weights) run.set(weight.name, Value<T>(weight.parameter));
    for (const Statistic<T>& statistic : statistics) run.set(statistic.name, Value<T>(statistic.buffer.parameter));
    const nn::Scope scope(*this, handle_of(inputs));
    return run.compute(file.graph);
  });
}

template <class T>
Var<T> Model<T>::call(const std::vector<Value<T>>& inputs, const Location& where) const {
  const std::size_t count = outputs().size();
  if (count != 1)
    throw ValueError("onnx", fmt::format("the model has {} outputs: `run` returns all of them", count), where);
  Tape<T>& tape = tape_of_inputs(inputs, where);
  return atomically(tape, where, [&] { return run(tape, inputs, where).front().var(tape, where); });
}

template <class T>
Model<T> load(const std::filesystem::path& path, Location where) {
  return model_from<T>(detail::read_model(path, where), where);
}

template struct Model<float>;
template struct Model<double>;
template Model<float> load(const std::filesystem::path&, Location);
template Model<double> load(const std::filesystem::path&, Location);

}  // namespace wengert::onnx
