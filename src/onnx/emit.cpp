// Emit: what the function that exports an op sees of its node; all such functions.
#include "onnx/emit.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace wengert::onnx::detail {

template <class T>
bool Emit<T>::dynamic(std::size_t axis) const {
  const auto& shapes = traced_.shapes;
  return std::any_of(shapes.begin(), shapes.end(), [&](const Shape& s) { return s[axis] != shapes.front()[axis]; });
}

template <class T>
bool Emit<T>::is_result_of(std::size_t i, std::string_view op, std::size_t j) const {
  const TracedNode<T>& node = operand(i);
  return node.kind == TracedNode<T>::Kind::op && trace_.op(node).name == op &&
         node.operands.front() == traced_.operands[first_ + j];
}

template <class T>
void Emit<T>::check_attributes(std::size_t bytes) const {
  if (op().sized_attributes || op().attribute_bytes != bytes)
    fail(fmt::format("its attributes have {} bytes where the exporter expects {}", op().attribute_bytes, bytes));
  for (std::size_t r = 1; r < trace_.recordings(); ++r)
    if (std::memcmp(attributes_in(0), attributes_in(r), bytes) != 0) fail_as_dynamic("attributes", r);
}

template <class T>
void Emit<T>::fail_as_dynamic(std::string_view what, std::size_t recording) const {
  fail(fmt::format("its {} depend{} on the extent of {}: {}", what, what.ends_with('s') ? "" : "s",
                   trace_.longer_axes(recording), trace_.advice(recording)));
}

template <class T>
double Emit<T>::parameter(std::size_t i) const {
  const double value = trace_.parameters(traced_)[i];
  for (std::size_t r = 1; r < trace_.recordings(); ++r)
    if (trace_.parameters(traced_, r)[i] != value) fail_as_dynamic("parameter", r);
  return value;
}

template <class T>
std::string Emit<T>::reshape(const std::string& x) const {
  std::vector<std::ptrdiff_t> to;
  std::size_t open = 0;
  for (std::size_t axis = 0; axis < rank(); ++axis) {
    const bool is_open = dynamic(axis);
    open += is_open;
    to.push_back(is_open ? -1 : static_cast<std::ptrdiff_t>(shape()[axis]));
  }
  const bool has_zero = std::find(to.begin(), to.end(), 0) != to.end();
  Attributes attributes;
  if (has_zero) attributes["allowzero"] = std::int64_t{1};
  return node("Reshape", {x, open <= 1 && !(has_zero && open == 1) ? integers(to) : graph.shape_tensor(extents())},
              attributes);
}

template <class T>
std::string Emit<T>::transpose(const std::string& x, const std::vector<std::ptrdiff_t>& order) const {
  return node("Transpose", {x}, {{"perm", std::vector<std::int64_t>(order.begin(), order.end())}});
}

template <class T>
void Emit<T>::fail(const std::string& reason) const {
  trace_.fail(traced_.index, fmt::format("the op {} cannot be exported: {}", op().name, reason), where());
}

template <class T>
const std::map<std::string_view, Mapping<T>>& mappings() {
  static const auto all = [] {
    std::map<std::string_view, Mapping<T>> map;
    for (const auto family :
         {elementwise_mappings<T>(), shape_mappings<T>(), index_mappings<T>(), cumulative_mappings<T>(),
          reduction_mappings<T>(), normalisation_mappings<T>(), linear_mappings<T>(), network_mappings<T>(),
          pooling_mappings<T>(), recurrent_mappings<T>(), loss_mappings<T>(), optimiser_mappings<T>()})
      for (const Mapping<T>& mapping : family) map.emplace(mapping.op, mapping);
    return map;
  }();
  return all;
}

template const std::map<std::string_view, Mapping<float>>& mappings<float>();
template const std::map<std::string_view, Mapping<double>>& mappings<double>();
template class Emit<float>;
template class Emit<double>;

}  // namespace wengert::onnx::detail
