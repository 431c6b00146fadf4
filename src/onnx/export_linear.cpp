// How products and determinants of matrices are exported, and the views that einsum and tensordot take of their
// operands.
#include "onnx/emit.hpp"
#include "onnx/export_parts.hpp"
#include "onnx/written.hpp"
#include "ops/attributes/linalg.hpp"
#include "ops/attributes/views.hpp"

#include <algorithm>

namespace wengert::onnx::detail {

namespace {

using AxisList = parts::Integers;

// How the axes of a tensor become those of its view: axes with the same target are a diagonal, dropped ones have the
// extent 1.
struct MappedAxes {
  AxisList first;     // by axis of the view: the first axis of the tensor that it maps to, or −1
  AxisList dropped;   // of the tensor
  AxisList added;     // of the view: those that no axis of the tensor has
  AxisList repeated;  // of the tensor: those whose axis of the view an earlier one has
};
MappedAxes mapped_axes(const wengert::detail::AxisMap& map, std::size_t rank) {
  MappedAxes axes;
  axes.first.assign(map.rank, -1);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const auto here = static_cast<std::ptrdiff_t>(axis);
    if (map.to[axis] == wengert::detail::AxisMap::dropped)
      axes.dropped.push_back(here);
    else if (std::ptrdiff_t& first = axes.first[map.to[axis]]; first < 0)
      first = here;
    else
      axes.repeated.push_back(here);
  }
  for (std::size_t axis = 0; axis < axes.first.size(); ++axis)
    if (axes.first[axis] < 0) axes.added.push_back(static_cast<std::ptrdiff_t>(axis));
  return axes;
}

// Axes as they are numbered once `removed` are.
AxisList renumbered(AxisList axes, const AxisList& removed) {
  for (std::ptrdiff_t& axis : axes)
    axis -= std::count_if(removed.begin(), removed.end(), [&](std::ptrdiff_t other) { return other < axis; });
  return axes;
}

template <class T>
std::string map_axes_of(const Emit<T>& e) {
  const wengert::detail::AxisMap& map = e.template attributes<attributes::MapAxes>().map;
  const std::size_t rank = e.rank(0);
  const MappedAxes axes = mapped_axes(map, rank);
  if (!axes.repeated.empty()) {
    std::string equation, result;
    for (std::size_t axis = 0; axis < rank; ++axis)
      equation += map.to[axis] == wengert::detail::AxisMap::dropped ? static_cast<char>('A' + axis)
                                                                    : static_cast<char>('a' + map.to[axis]);
    for (std::size_t axis = 0; axis < map.rank; ++axis)
      if (axes.first[axis] >= 0) result += static_cast<char>('a' + axis);
    const std::string diagonals = e.node("Einsum", {e.x()}, {{"equation", equation + "->" + result}});
    return parts::unsqueeze(e, diagonals, axes.added);
  }
  AxisList order = axes.first;
  std::erase(order, -1);
  const std::string kept = parts::squeeze(e, e.x(), axes.dropped);
  return parts::unsqueeze(e, parts::transpose(e, kept, renumbered(order, axes.dropped)), axes.added);
}

// x where the positions along the axes of each diagonal are equal, elsewhere 0.
template <class T>
std::string spread_axes_of(const Emit<T>& e) {
  using A = attributes::SpreadAxes;  // its shape may depend on the dynamic axes
  const auto to = e.template fixed<A>([](const A& a) { return a.map.to; });
  const MappedAxes axes = mapped_axes({to, static_cast<std::uint8_t>(e.rank(0))}, e.rank());

  AxisList order, absent = axes.dropped;
  absent.insert(absent.end(), axes.repeated.begin(), axes.repeated.end());
  std::sort(absent.begin(), absent.end());
  for (std::size_t axis = 0; axis < e.rank(); ++axis)
    if (!std::binary_search(absent.begin(), absent.end(), static_cast<std::ptrdiff_t>(axis))) order.push_back(to[axis]);
  const std::string x = parts::transpose(e, parts::squeeze(e, e.x(), axes.added), renumbered(order, axes.added));

  const Extents extents = e.extents();
  const auto along = [&](std::ptrdiff_t axis) {  // the positions along an axis, beside the result
    AxisList trailing;
    for (std::ptrdiff_t k = 1; axis + k < static_cast<std::ptrdiff_t>(e.rank()); ++k) trailing.push_back(k);
    return parts::unsqueeze(e, parts::count(e, extents[static_cast<std::size_t>(axis)]), trailing);
  };
  std::string on_diagonals;
  for (const std::ptrdiff_t axis : axes.repeated) {
    const std::string equal = e.node("Equal", {along(axes.first[to[static_cast<std::size_t>(axis)]]), along(axis)});
    on_diagonals = on_diagonals.empty() ? equal : e.node("And", {on_diagonals, equal});
  }
  return e.node("Where", {on_diagonals, parts::unsqueeze(e, x, absent), e.scalar(0)});
}

// The elements on one side of diagonal k, itself included; zeros elsewhere.
template <class T>
std::string triangle_of(const Emit<T>& e, const std::string& x, bool upper, std::ptrdiff_t k) {
  return e.node("Trilu", {x, e.graph.integer(k)}, {{"upper", static_cast<std::int64_t>(upper)}});
}

// The sum of the weighted parts. Those with the weight 0 are left out: 0 times an infinity would be NaN.
template <class T>
std::string weigh_triangles_of(const Emit<T>& e) {
  using A = attributes::WeighTriangles;
  const A weights{.below = e.template fixed<A>([](const A& a) { return a.below; }),
                  .on = e.template fixed<A>([](const A& a) { return a.on; }),
                  .above = e.template fixed<A>([](const A& a) { return a.above; })};
  std::string sum;
  const auto add_part = [&](const std::string& part, double weight) {
    if (weight == 0) return;
    const std::string weighted = weight == 1 ? part : e.node("Mul", {part, e.scalar(weight)});
    sum = sum.empty() ? weighted : e.node("Add", {sum, weighted});
  };
  const bool with_below = weights.on == weights.below, with_above = !with_below && weights.on == weights.above;
  add_part(triangle_of(e, e.x(), false, with_below ? 0 : -1), weights.below);
  add_part(triangle_of(e, e.x(), true, with_above ? 0 : 1), weights.above);
  if (!with_below && !with_above) add_part(triangle_of(e, triangle_of(e, e.x(), false, 0), true, 0), weights.on);
  return sum.empty() ? triangle_of(e, triangle_of(e, e.x(), false, -1), true, 1) : sum;
}

// The sign and ln |det| side by side. Unlike in the op, the determinant itself may overflow or underflow.
template <class T>
std::string slogdet_of(const Emit<T>& e) {
  const std::string det = e.node("Det", {e.x()});
  const std::string sign = e.node("Sign", {det}), logarithm = e.node("Log", {e.node("Abs", {det})});
  return e.node("Concat", {parts::unsqueeze(e, sign, {-1}), parts::unsqueeze(e, logarithm, {-1})},
                {{"axis", std::int64_t{-1}}});
}

}  // namespace

template <class T>
std::string gemm(const Emit<T>& e) {
  const auto product = e.rank() == 2 ? inputs_of(e, "MatMul", e.x(0)) : std::nullopt;
  const Node* const transposed = product ? e.graph.node_of((*product)[1]) : nullptr;
  if (transposed == nullptr || transposed->op != "Transpose") return {};
  const std::string weight = transposed->inputs.front();
  const bool swaps_axes = std::get<std::vector<std::int64_t>>(transposed->attributes.at("perm")).front() == 1;
  if (!swaps_axes || !stored_shape(e, weight) || stored_shape(e, e.x(1)) != Shape{e.shape()[1]}) return {};
  return e.node("Gemm", {product->front(), weight, e.x(1)}, {{"transB", std::int64_t{1}}});
}

template <class T>
std::span<const Mapping<T>> linear_mappings() {
  using E = const Emit<T>&;
  static constexpr Mapping<T> all[] = {
      {"matmul", "MatMul",
       [](E e) {
         return e.node("MatMul", {e.x(0), e.x(1)});
       }},
      {"det", "Det", [](E e) { return e.node("Det", {e.x()}); }},
      {"slogdet", "Det, Sign, Abs, Log, Concat", slogdet_of<T>},
      {"map_axes", "Squeeze, Transpose, Unsqueeze; Einsum for diagonals", map_axes_of<T>},
      {"spread_axes", "Unsqueeze, Equal, Where", spread_axes_of<T>},
      {"weigh_triangles", "Trilu, Mul, Add", weigh_triangles_of<T>},
  };
  return all;
}

template std::string gemm(const Emit<float>&);
template std::string gemm(const Emit<double>&);
template std::span<const Mapping<float>> linear_mappings<float>();
template std::span<const Mapping<double>> linear_mappings<double>();

}  // namespace wengert::onnx::detail
