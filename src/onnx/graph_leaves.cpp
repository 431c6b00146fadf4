// GraphWriter: Parameters and constants of a trace.
#include "onnx/emit.hpp"
#include "onnx/extent_values.hpp"
#include "onnx/repeats.hpp"
#include "onnx/write_model.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// A matrix, with any axes of extent 1 before it, of one number on and below the diagonal and another above it, as the
// mask of causal attention is.
template <class T>
struct TriangularConstant {
  T lower, upper;

  friend bool operator==(const TriangularConstant&, const TriangularConstant&) = default;
};
template <class T>
std::optional<TriangularConstant<T>> triangular(const T* x, const Shape& shape) {
  if (shape.rank() < 2) return std::nullopt;
  const std::size_t rows = shape[shape.rank() - 2], columns = shape.back();
  if (columns < 2 || rows == 0 || shape.elements() != rows * columns) return std::nullopt;
  const TriangularConstant<T> found{x[0], x[1]};
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      if (x[i * columns + j] != (j <= i ? found.lower : found.upper)) return std::nullopt;
  return found;
}

}  // namespace

template <class T>
std::string GraphWriter<T>::parameter(const TracedNode<T>& node) {
  const Parameter<T> value = *trace_.tape().parameter(node.index);
  const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                  [&](const NamedParameter<T>& named) { return named.parameter == value; });
  std::string name;
  if (found != parameters_.end()) {
    name = found->name;
  } else {
    require_utf8(value.name(), "the name of a Parameter", trace_.caller(), trace_.node(node).where);
    name = new_name(value.name().empty() ? "parameter" : value.name());
  }
  add_parameter(name, value);
  return name;
}

template <class T>
void GraphWriter<T>::add_parameter(const std::string& name, const Parameter<T>& parameter) {
  const Tensor<T>& value = parameter.value();
  TensorData tensor{name, element_type<T>, parameter.shape(), {}};
  tensor.bytes.assign(reinterpret_cast<const char*>(value.data()), value.size() * sizeof(T));
  graph_.initialisers.push_back(std::move(tensor));
  if (std::find(buffers_.begin(), buffers_.end(), parameter) != buffers_.end()) buffer_names_.push_back(name);
}

// A constant that is longer along an axis in some recordings is stored once for an axis along which it repeats.
template <class T>
std::string GraphWriter<T>::constant(const TracedNode<T>& node) {
  const TapeNode<T>& first = trace_.node(node);
  const std::size_t width = first.holds_indices ? sizeof(std::int64_t) : sizeof(T);
  const auto stored = [&](std::size_t r) {
    const TapeNode<T>& n = trace_.node(node, r);
    if (!n.layout->contiguous) trace_.fail(node.index, "a constant with strides cannot be exported", n.where);
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
  std::size_t differing = 1;  // the first recording in which it differs
  for (std::size_t r = 0; r < trace_.recordings(); ++r) {
    const TensorData other = stored(r);
    if (is_same && r > 0) differing = r;
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
  if (const std::string matrix = triangle(node); !matrix.empty()) return matrix;
  trace_.fail(node.index,
              fmt::format("a constant depends on the extent of {}: compute it by ops, make it an input, or {}",
                          trace_.longer_axes(differing), trace_.advice(differing)),
              first.where);
}

// A constant that is triangular in all recordings, computed from the extents; otherwise empty.
template <class T>
std::string GraphWriter<T>::triangle(const TracedNode<T>& node) {
  if (trace_.node(node).holds_indices) return {};
  const auto first = triangular(trace_.value_of(node), node.shapes.front());
  for (std::size_t r = 0; r < trace_.recordings(); ++r) {
    const auto other = triangular(trace_.value_of(node, r), node.shapes[r]);
    if (!first || !other || *other != *first) return {};
  }
  // The mask of attention within a window is triangular up to the extent of the window.
  for (std::size_t k = 0; k < trace_.axes(); ++k) {
    if (node.shapes[1 + k] == node.shapes.front()) continue;
    const Tape<T>& longest = trace_.longest(k);
    if (triangular(longest.value_of(node.index).data, longest.node(std::size_t{node.index}).layout->shape) != first)
      return {};
  }
  const auto scalar = [&](T value) { return constant(Tensor<T>(value)); };
  const std::string ones = nodes("Expand", {scalar(1), shape_tensor(trace_.extents(node))}, {}, 1).front();
  const std::string lower = nodes("Trilu", {ones}, {{"upper", std::int64_t{0}}}, 1).front();
  if (first->lower == 1 && first->upper == 0) return lower;
  return nodes("Where", {boolean(lower), scalar(first->lower), scalar(first->upper)}, {}, 1).front();
}

#define WENGERT_INSTANTIATE(T)                                                          \
  template std::string GraphWriter<T>::parameter(const TracedNode<T>&);                 \
  template void GraphWriter<T>::add_parameter(const std::string&, const Parameter<T>&); \
  template std::string GraphWriter<T>::constant(const TracedNode<T>&);                  \
  template std::string GraphWriter<T>::triangle(const TracedNode<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::onnx::detail
