// Run: the nodes of a graph in order, on a tape or, where all inputs are constant, without it.
#include "onnx/run.hpp"

#include "io/in_quotes.hpp"
#include "onnx/limits.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// An initialiser as a value: integers are known, numbers are constants of the graph.
template <class T>
Value<T> constant_of(const TensorData& tensor) {
  if (is_integral(tensor.type)) return Value<T>(tensor.integers(), tensor.type);
  return Value<T>(tensor.template numbers<double>(), tensor.type);
}

template <class U, class T>
std::vector<Value<U>> known_as(std::span<const Value<T>> values) {
  std::vector<Value<U>> result;
  for (const Value<T>& value : values) {
    if (value.absent())
      result.emplace_back();
    else if (value.template holds<Indices>())
      result.emplace_back(value.template get<Indices>(), value.type());
    else
      result.emplace_back(value.template get<Tensor<double>>(), value.type());
  }
  return result;
}

// The value off the tape.
Value<double> without_tape(const Value<double>& value, const Location& where) {
  if (value.absent() || value.constant()) return value;
  if (is_integral(value.type())) return Value<double>(value.integers(where), value.type());
  return Value<double>(value.numbers(where), value.type());
}

template <class T>
std::vector<Value<T>> values_of(Outputs<T> outputs, std::span<const Value<T>> inputs) {
  const auto first = std::find_if(inputs.begin(), inputs.end(), [](const auto& input) { return !input.absent(); });
  return std::move(outputs).values(first == inputs.end() ? element_type<T> : first->type());
}

// Whether nothing but constants enters a node, which then gives constants.
template <class T>
bool is_constant(std::span<const Value<T>> inputs) {
  return std::all_of(inputs.begin(), inputs.end(),
                     [](const auto& input) { return input.absent() || input.constant(); });
}

// Runs `compute`; its errors name the node.
template <class F>
auto naming(const Node& node, const Location& where, F&& compute) try {
  return compute();
} catch (Error& error) {
  if (!std::string_view(error.what()).starts_with("[onnx] node")) {
    error.locate(where);
    error.prefix("onnx", node.description());
  }
  throw;
} catch (const std::bad_alloc&) {
  throw MemoryError("onnx", fmt::format("{}: memory cannot be allocated", node.description()), where);
} catch (const std::exception& error) {
  throw Error("onnx", fmt::format("{}: {}", node.description(), error.what()), where);
}

// Throws if a result that is known has more elements than any input and than the limit.
template <class T>
void check_size(const Node& node, std::span<const Value<T>> inputs, const std::vector<Value<T>>& outputs,
                const Location& where) {
  std::size_t most = most_known_elements;
  for (const Value<T>& input : inputs)
    if (!input.absent()) most = std::max(most, input.shape().elements());
  // Constants are as large as the file.
  if (inputs.empty()) return;
  for (const Value<T>& output : outputs)
    if (output.constant() && output.shape().elements() > most)
      throw ValueError(
          node.op, fmt::format("a constant of shape {}: expected at most {} elements", to_string(output.shape()), most),
          where);
}

}  // namespace

template <class T>
std::vector<std::span<const Entry<T>>> all_entries() {
  return {elementwise_entries<T>(),   activation_entries<T>(),     comparison_entries<T>(), constant_entries<T>(),
          shape_entries<T>(),         reduction_entries<T>(),      linear_entries<T>(),     index_entries<T>(),
          scatter_entries<T>(),       data_dependent_entries<T>(), network_entries<T>(),    pooling_entries<T>(),
          normalisation_entries<T>(), recurrent_entries<T>(),      loss_entries<T>(),       resize_entries<T>(),
          sampling_entries<T>(),      signal_entries<T>(),         control_entries<T>(),    training_entries<T>()};
}

template <class T>
const Entry<T>& entry_of(const Node& node, const Location& where) {
  static const auto by_name = [] {
    std::unordered_map<std::string, const Entry<T>*> map;
    for (const auto entries : all_entries<T>())
      for (const Entry<T>& entry : entries) map.emplace(fmt::format("{}.{}", entry.domain, entry.op), &entry);
    return map;
  }();
  const auto found = by_name.find(fmt::format("{}.{}", node.domain == "ai.onnx" ? "" : node.domain, node.op));
  if (found != by_name.end()) return *found->second;
  throw ValueError("onnx",
                   fmt::format("{}: the op{} is not supported; docs/onnx.md lists those that are", node.description(),
                               node.domain.empty() ? "" : " of the domain " + io::in_quotes(node.domain)),
                   where);
}

template <class T>
const Value<T>& Run<T>::get(const std::string& name) const {
  for (const Run* run = this; run != nullptr; run = run->outer_)
    if (const auto found = run->values_.find(name); found != run->values_.end()) return found->second;
  throw ValueError("onnx", fmt::format("no value has the name {}", io::in_quotes(name)), where_);
}

template <class T>
bool Run<T>::count_body() {
  Run* outermost = this;
  while (outermost->outer_ != nullptr) outermost = outermost->outer_;
  return ++outermost->bodies_ <= most_body_runs;
}

template <class T>
std::vector<Value<T>> Run<T>::compute(const Node& node) {
  static const Value<T> absent;
  std::vector<Value<T>> inputs;
  inputs.reserve(node.inputs.size());
  for (const std::string& name : node.inputs) inputs.push_back(name.empty() ? absent : get(name));
  const Entry<T>& entry = entry_of<T>(node, where_);
  if (entry.known || inputs.empty() || !is_constant<T>(inputs)) {
    std::vector<Value<T>> results = values_of<T>(entry.compute(Call<T>(node, inputs, *this, tape_, where_)), inputs);
    check_size<T>(node, inputs, results, where_);
    return results;
  }

  Tape<double> scratch;
  Run<double> run(scratch, where_);
  const auto known = known_as<double, T>(inputs);
  const Outputs<double> outputs =
      entry_of<double>(node, where_).compute(Call<double>(node, known, run, scratch, where_));
  std::vector<Value<double>> results = values_of<double>(outputs, known);
  for (Value<double>& result : results) result = without_tape(result, where_);
  check_size<double>(node, known, results, where_);
  return known_as<T, double>(results);
}

template <class T>
std::vector<Value<T>> Run<T>::compute(const Graph& graph) {
  for (const TensorData& tensor : graph.initialisers)
    if (!values_.contains(tensor.name)) set(tensor.name, constant_of<T>(tensor));
  for (const Node& node : graph.nodes)
    naming(node, where_, [&] {
      std::vector<Value<T>> outputs = compute(node);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i].empty()) continue;
        if (i >= outputs.size())
          throw ValueError(node.op, fmt::format("output {} ({}) is not supported", i, io::in_quotes(node.outputs[i])),
                           where_);
        set(node.outputs[i], std::move(outputs[i]));
      }
    });
  std::vector<Value<T>> results;
  for (const Port& output : graph.outputs) results.push_back(get(output.name));
  return results;
}

template std::vector<std::span<const Entry<float>>> all_entries<float>();
template std::vector<std::span<const Entry<double>>> all_entries<double>();
template const Entry<float>& entry_of<float>(const Node&, const Location&);
template const Entry<double>& entry_of<double>(const Node&, const Location&);
template class Run<float>;
template class Run<double>;

}  // namespace wengert::onnx::detail
