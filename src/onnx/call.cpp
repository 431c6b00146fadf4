// Call: the inputs and attributes of a node.
#include "onnx/call.hpp"

#include "onnx/limits.hpp"
#include "onnx/run.hpp"
#include <wengert/base/error.hpp>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// The attribute of this name and type, or null if there is none. Throws if it has another type.
template <class X, class T>
const X* attribute_of(const Call<T>& call, std::string_view name) {
  const auto found = call.node.attributes.find(name);
  if (found == call.node.attributes.end()) return nullptr;
  const X* const x = std::get_if<X>(&found->second);
  if (x == nullptr) call.fail(fmt::format("the attribute '{}' has another type than the op expects", name));
  return x;
}

template <class To, class X, class T>
std::vector<To> list_of(const Call<T>& call, std::string_view name) {
  const auto* const list = attribute_of<std::vector<X>>(call, name);
  return list == nullptr ? std::vector<To>{} : std::vector<To>(list->begin(), list->end());
}

template <class List, class T>
auto only_element(const Call<T>& call, const List& list, std::size_t input) {
  if (list.size() != 1) call.fail(fmt::format("input {} has {} elements where the op takes one", input, list.size()));
  return list.front();
}

}  // namespace

template <class T>
const Value<T>& Call<T>::value(std::size_t i) const {
  if (!has(i)) fail(fmt::format("input {} is missing", i));
  return inputs_[i];
}

template <class T>
const Value<T>& Call<T>::readable(std::size_t i) const {
  const Value<T>& input = value(i);
  if (!tape.computes_values() && input.template holds<Parameter<T>>() && input.template get<Parameter<T>>().trainable())
    throw HandleError(node.op,
                      fmt::format("input {} is the parameter '{}', whose value decides what is recorded: a Program "
                                  "would keep it when the parameter changes; freeze it",
                                  i, input.template get<Parameter<T>>().name()),
                      where);
  return input;
}

template <class T>
std::vector<std::ptrdiff_t> Call<T>::integers(std::size_t i) const {
  const Indices known = readable(i).integers(where);
  return {known.begin(), known.end()};
}
template <class T>
std::vector<double> Call<T>::numbers(std::size_t i) const {
  const Tensor<double> known = readable(i).numbers(where);
  return {known.begin(), known.end()};
}
template <class T>
std::ptrdiff_t Call<T>::integer(std::size_t i) const {
  return only_element(*this, integers(i), i);
}
template <class T>
double Call<T>::number(std::size_t i) const {
  return only_element(*this, numbers(i), i);
}

template <class T>
std::int64_t Call<T>::integer(std::string_view attribute, std::int64_t otherwise) const {
  const auto* const x = attribute_of<std::int64_t>(*this, attribute);
  return x == nullptr ? otherwise : *x;
}
template <class T>
double Call<T>::number(std::string_view attribute, double otherwise) const {
  const auto* const x = attribute_of<double>(*this, attribute);
  return x == nullptr ? otherwise : *x;
}
template <class T>
std::string Call<T>::text(std::string_view attribute, std::string_view otherwise) const {
  const auto* const x = attribute_of<std::string>(*this, attribute);
  return x == nullptr ? std::string(otherwise) : *x;
}
template <class T>
std::vector<std::ptrdiff_t> Call<T>::integers(std::string_view attribute) const {
  return list_of<std::ptrdiff_t, std::int64_t>(*this, attribute);
}
template <class T>
std::vector<double> Call<T>::numbers(std::string_view attribute) const {
  return list_of<double, double>(*this, attribute);
}
template <class T>
std::vector<std::string> Call<T>::texts(std::string_view attribute) const {
  return list_of<std::string, std::string>(*this, attribute);
}
template <class T>
const TensorData& Call<T>::tensor(std::string_view attribute) const {
  const auto* const x = attribute_of<TensorData>(*this, attribute);
  if (x == nullptr) fail(fmt::format("the attribute '{}' is missing", attribute));
  return *x;
}
template <class T>
const Graph& Call<T>::graph(std::string_view attribute) const {
  const auto* const x = attribute_of<std::shared_ptr<const Graph>>(*this, attribute);
  if (x == nullptr) fail(fmt::format("the attribute '{}' is missing", attribute));
  return **x;
}

template <class T>
std::size_t Call<T>::axis(std::ptrdiff_t axis, std::size_t rank) const {
  const auto axes = static_cast<std::ptrdiff_t>(rank);
  if (axis < -axes || axis >= axes) fail(fmt::format("axis {} is out of range for a tensor of rank {}", axis, rank));
  return static_cast<std::size_t>(axis < 0 ? axis + axes : axis);
}

template <class T>
std::vector<Value<T>> Call<T>::run(const Graph& body, std::span<const Value<T>> inputs) const {
  if (inputs.size() != body.inputs.size())
    fail(fmt::format("its body '{}' takes {} inputs and is given {}", body.name, body.inputs.size(), inputs.size()));
  if (!run_.count_body())
    fail(fmt::format("more than {} runs of bodies in one call: check the trip counts and conditions", most_body_runs));
  Run<T> inner(tape, where, &run_);
  for (std::size_t i = 0; i < inputs.size(); ++i) inner.set(body.inputs[i].name, inputs[i]);
  return inner.compute(body);
}

template <class T>
void Call<T>::fail(const std::string& message) const {
  throw ValueError(node.op, message, where);
}

template class Call<float>;
template class Call<double>;

}  // namespace wengert::onnx::detail
