// GraphWriter: Parameters and constants of a trace.
#include "onnx/emit.hpp"
#include "onnx/extent_values.hpp"
#include "onnx/repeats.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>

namespace wengert::onnx::detail {

template <class T>
std::string GraphWriter<T>::parameter(const TracedNode<T>& node) {
  const Parameter<T> value = *trace_.tape().parameter(node.index);
  const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                  [&](const NamedParameter<T>& named) { return named.parameter == value; });
  const std::string name =
      found != parameters_.end() ? found->name : new_name(value.name().empty() ? "parameter" : value.name());
  add_parameter(name, value);
  return name;
}

template <class T>
void GraphWriter<T>::add_parameter(const std::string& name, const Parameter<T>& parameter) {
  const Tensor<T>& value = parameter.value();
  TensorData tensor{name, element_type<T>, parameter.shape(), {}};
  tensor.bytes.assign(reinterpret_cast<const char*>(value.data()), value.size() * sizeof(T));
  graph_.initialisers.push_back(std::move(tensor));
}

// A constant that is longer along an axis in some recordings is stored once for an axis along which it repeats.
template <class T>
std::string GraphWriter<T>::constant(const TracedNode<T>& node) {
  const TapeNode<T>& first = trace_.node(node);
  const std::size_t width = first.holds_indices ? sizeof(std::int64_t) : sizeof(T);
  const auto stored = [&](std::size_t r) {
    const TapeNode<T>& n = trace_.node(node, r);
    if (!n.layout->contiguous) throw ValueError("onnx::save", "a constant with strides cannot be exported", n.where);
    TensorData tensor;
    tensor.type = first.holds_indices ? ElementType::int64 : element_type<T>;
    tensor.shape = node.shapes[r];
    tensor.bytes.assign(reinterpret_cast<const char*>(trace_.value_of(node, r)), n.layout->size * width);
    for (std::size_t axis = 0; axis < tensor.shape.rank(); ++axis) {
      const auto differs = [&](const Shape& shape) { return shape[axis] != node.shapes.front()[axis]; };
      if (std::none_of(node.shapes.begin(), node.shapes.end(), differs)) continue;
      const auto once = without_repeats(tensor.bytes, tensor.shape, axis, width);
      if (!once) break;
      tensor.bytes = *once;
      tensor.shape[axis] = 1;
    }
    return tensor;
  };
  TensorData tensor = stored(0);
  bool is_same = true, is_scalar = is_floating(tensor.type);
  for (std::size_t r = 0; r < trace_.recordings(); ++r) {
    const TensorData other = stored(r);
    is_same = is_same && other.shape == tensor.shape && other.bytes == tensor.bytes;
    is_scalar = is_scalar && other.bytes.size() == width;
  }
  const auto expanded = [&](const std::string& name) {
    return nodes("Expand", {name, shape_tensor(trace_.extents(node))}, {}, 1).front();
  };
  if (is_same) {
    const bool is_whole = tensor.shape == node.shapes.front();
    const std::string name = initialiser(std::move(tensor));
    return is_whole ? name : expanded(name);
  }
  const Emit<T> e(*this, trace_, node, {}, first.where);
  const auto value = [&](std::size_t r) { return static_cast<double>(*trace_.value_of(node, r)); };
  if (const auto number = is_scalar ? scalar_of_recordings(e, value) : std::nullopt)
    return node.shapes.front().empty() ? *number : expanded(*number);
  throw ValueError("onnx::save",
                   "a constant depends on the extent of a dynamic axis: compute it by ops, make it an input, or leave "
                   "the axis fixed (SaveOptions::axes)",
                   first.where);
}

#define WENGERT_INSTANTIATE(T)                                                          \
  template std::string GraphWriter<T>::parameter(const TracedNode<T>&);                 \
  template void GraphWriter<T>::add_parameter(const std::string&, const Parameter<T>&); \
  template std::string GraphWriter<T>::constant(const TracedNode<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::onnx::detail
