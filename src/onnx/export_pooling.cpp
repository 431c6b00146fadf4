// How pooling, unpooling and resizing are exported, and their gradients.
#include "kernel/resize.hpp"
#include "onnx/export_windows.hpp"
#include "ops/attributes/axes.hpp"
#include "ops/attributes/windows.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace wengert::onnx::detail {

namespace {

using attributes::AveragePooling;
using attributes::Pooling;
using attributes::Unpooling;
using kernel::PoolAxis;
using parts::as_signed;
using parts::Numbers;

// ---- windows -------------------------------------------------------------------------------------------------------

const Pooling& pooling_in(const Pooling& a) { return a; }
const Pooling& pooling_in(const AveragePooling& a) { return a.pool; }

template <class A, class T>
std::size_t axes_of_pooling(const Emit<T>& e) {
  return e.template fixed<A>([](const A& a) { return pooling_in(a).rank; });
}

// `f` of each spatial axis; must not depend on the dynamic axes.
template <class A, class T, class F>
auto by_pooled_axis(const Emit<T>& e, const F& f) {
  std::vector<decltype(f(PoolAxis{}))> result;
  for (std::size_t i = 3 - axes_of_pooling<A>(e); i < 3; ++i)
    result.push_back(e.template fixed<A>([&](const A& a) { return f(pooling_in(a).window.axes[i]); }));
  return result;
}

// Whether `f` of a spatial axis in some recording.
template <class A, class T, class F>
bool any_pooled_axis(const Emit<T>& e, const F& f) {
  for (std::size_t i = 3 - axes_of_pooling<A>(e); i < 3; ++i)
    if (e.template any<A>([&](const A& a) { return f(pooling_in(a).window.axes[i]); })) return true;
  return false;
}

template <class A, class T>
bool is_global(const Emit<T>& e) {
  return !any_pooled_axis<A>(e, [](const PoolAxis& a) { return !a.adaptive || a.output != 1; });
}

// Adaptive windows of equal extents as others.
PoolAxis with_kernel(PoolAxis a) {
  if (a.adaptive && a.input % a.output == 0) {
    a.kernel = a.stride = a.input / a.output;
    a.adaptive = false;
  }
  return a;
}

// The padding after the last element: that before the first, unless windows go beyond it (ceil mode).
std::ptrdiff_t padding_beyond(const PoolAxis& a) {
  const std::ptrdiff_t span = as_signed((a.kernel - 1) * a.dilation + 1);
  const std::ptrdiff_t beyond = as_signed((a.output - 1) * a.stride) + span - as_signed(a.input + a.padding);
  return std::max(beyond, as_signed(a.padding));
}

// Whether windows must be listed one by one: adaptive ones of different extents, and those with more padding than ONNX
// Runtime accepts.
bool is_irregular(const PoolAxis& given) {
  const PoolAxis a = with_kernel(given);
  return a.adaptive || padding_beyond(a) >= as_signed(a.kernel);
}
bool goes_beyond(const PoolAxis& given) {
  const PoolAxis a = with_kernel(given);
  return padding_beyond(a) != as_signed(a.padding);
}

template <class A, class T>
Attributes pooling_attributes(const Emit<T>& e) {
  const auto numbers = [&](const auto& f) {
    const auto values =
        by_pooled_axis<A>(e, [&](const PoolAxis& a) { return static_cast<std::int64_t>(f(with_kernel(a))); });
    return Numbers(values.begin(), values.end());
  };
  Attributes attributes{
      {"kernel_shape", numbers([](const PoolAxis& a) { return a.kernel; })},
      {"strides", numbers([](const PoolAxis& a) { return a.stride; })},
      {"pads", parts::pads(numbers([](const PoolAxis& a) { return a.padding; }), numbers(padding_beyond))}};
  if (Numbers dilations = numbers([](const PoolAxis& a) { return a.dilation; });
      dilations != Numbers(dilations.size(), 1))
    attributes["dilations"] = std::move(dilations);
  return attributes;
}

// ---- max pooling ---------------------------------------------------------------------------------------------------

// The axes before the planes: batch and channels, or only the channels of a single sample.
template <class T>
std::size_t axes_before(const Emit<T>& e, std::size_t spatial) {
  return e.rank() - spatial;
}

// MaxPool of x, with or without a batch: its output 0 or 1.
template <class T>
std::string max_pool_node(const Emit<T>& e, std::size_t output) {
  const parts::Integers added =
      axes_before(e, axes_of_pooling<Pooling>(e)) == 1 ? parts::Integers{0} : parts::Integers{};
  const std::string x = parts::unsqueeze(e, e.x(0), added);
  return parts::squeeze(e, e.nodes("MaxPool", {x}, pooling_attributes<Pooling>(e), output + 1)[output], added);
}

// The positions in its plane of the elements of each window, in one list, with as many for each window: the first is
// repeated, which changes no maximum.
struct WindowPositions {
  std::vector<std::ptrdiff_t> all;
  std::size_t windows = 0, each = 0;
};

WindowPositions window_positions(const kernel::PoolWindow& window) {
  std::vector<std::vector<std::ptrdiff_t>> lists;
  WindowPositions result;
  const auto& [depth, rows, columns] = window.axes;
  for (std::size_t o = 0; o < window.output_size(); ++o) {
    const PoolAxis::InputRange d = depth.inputs_of(o / (rows.output * columns.output)),
                               r = rows.inputs_of(o / columns.output % rows.output),
                               c = columns.inputs_of(o % columns.output);
    std::vector<std::ptrdiff_t>& list = lists.emplace_back();
    for (std::size_t i = d.first; i < d.last; i += depth.dilation)
      for (std::size_t j = r.first; j < r.last; j += rows.dilation)
        for (std::size_t k = c.first; k < c.last; k += columns.dilation)
          list.push_back(as_signed((i * rows.input + j) * columns.input + k));
    result.each = std::max(result.each, list.size());
  }
  result.windows = lists.size();
  for (std::vector<std::ptrdiff_t>& list : lists) {
    list.resize(result.each, list.front());
    result.all.insert(result.all.end(), list.begin(), list.end());
  }
  return result;
}

// The positions of the largest elements of windows that are listed one by one.
template <class T>
std::string listed_positions(const Emit<T>& e, const std::string& planes, std::size_t plane) {
  const std::size_t rank = axes_of_pooling<Pooling>(e);
  kernel::PoolWindow window;
  for (std::size_t i = 3 - rank; i < 3; ++i)
    for (const auto part : {&PoolAxis::input, &PoolAxis::output, &PoolAxis::kernel, &PoolAxis::stride,
                            &PoolAxis::dilation, &PoolAxis::padding})
      window.axes[i].*part = e.template fixed<Pooling>([&](const Pooling& a) { return a.window.axes[i].*part; });
  for (std::size_t i = 3 - rank; i < 3; ++i)
    window.axes[i].adaptive = e.template fixed<Pooling>([&](const Pooling& a) { return a.window.axes[i].adaptive; });
  const WindowPositions positions = window_positions(window);
  const std::string list = e.integers(positions.all);
  const std::string elements = e.node("Gather", {planes, list}, {{"axis", as_signed(plane)}});
  parts::Integers to(plane, 0), first;
  to.insert(to.end(), {as_signed(positions.windows), as_signed(positions.each)});
  for (std::size_t o = 0; o < positions.windows; ++o) first.push_back(as_signed(o * positions.each));
  const std::string largest = e.node("ArgMax", {e.node("Reshape", {elements, e.integers(to)})},
                                     {{"axis", as_signed(plane + 1)}, {"keepdims", std::int64_t{0}}});
  return e.node("Gather", {list, e.node("Add", {largest, e.integers(first)})}, {{"axis", std::int64_t{0}}});
}

template <class T>
std::string export_max_pool_positions(const Emit<T>& e) {
  const std::size_t plane = axes_before(e, axes_of_pooling<Pooling>(e));
  const std::string planes = parts::flatten_from(e, e.x(), plane);
  if (is_global<Pooling>(e)) return e.reshape(e.node("ArgMax", {planes}, {{"axis", as_signed(plane)}}));
  if (any_pooled_axis<Pooling>(e, is_irregular)) return e.reshape(listed_positions(e, planes, plane));
  // ONNX counts positions in the whole tensor.
  const Extents x = e.extents(0);
  const std::string extents = e.graph.shape_tensor(Extents(x.begin() + as_signed(plane), x.end()));
  return e.node("Mod", {max_pool_node(e, 1), e.node("ReduceProd", {extents})});
}

template <class T>
std::string export_max_pool(const Emit<T>& e) {
  const std::size_t plane = axes_before(e, axes_of_pooling<Pooling>(e));
  if (e.is_result_of(1, "max_pool_positions", 0)) {
    if (is_global<Pooling>(e)) {
      Numbers axes;
      for (std::size_t axis = plane; axis < e.rank(); ++axis) axes.push_back(as_signed(axis));
      return e.node("ReduceMax", {e.x(0)}, {{"axes", axes}});
    }
    if (!any_pooled_axis<Pooling>(e, is_irregular)) return max_pool_node(e, 0);
  }
  const std::string positions = parts::flatten_from(e, e.x(1), plane);
  return e.reshape(parts::elements_at(e, parts::flatten_from(e, e.x(0), plane), positions, plane));
}

// The elements of x at their positions in planes of zeros.
template <class T>
std::string at_positions(const Emit<T>& e, std::size_t spatial, const char* reduction) {
  const std::size_t plane = axes_before(e, spatial);
  const std::string zeros = parts::flatten_from(e, parts::zeros(e, e.extents()), plane);
  return e.reshape(parts::put_elements(e, zeros, parts::flatten_from(e, e.x(1), plane),
                                       parts::flatten_from(e, e.x(0), plane), plane, reduction));
}

template <class T>
std::size_t axes_of_unpooling(const Emit<T>& e) {
  return e.template fixed<Unpooling>([](const Unpooling& a) { return a.rank; });
}

// Of several elements for one position, one was used: it is found by writing their numbers in the same way.
template <class T>
std::string export_max_unpool_gradient(const Emit<T>& e) {
  const std::size_t plane = axes_before(e, axes_of_unpooling(e));
  const Extents elements = e.extents(1);
  std::ptrdiff_t count = 1;
  for (std::size_t axis = plane; axis < elements.size(); ++axis) {
    for (std::size_t k = 0; k < elements[axis].factors.size(); ++k)
      if (elements[axis].factors[k] != 0) e.fail_as_dynamic("planes", 1 + k);
    count *= elements[axis].constant;
  }
  const std::string g = parts::flatten_from(e, e.x(0), plane), positions = parts::flatten_from(e, e.x(1), plane);
  const std::string numbers = e.node("Expand", {parts::count(e, Extent{count, {}}), e.node("Shape", {positions})});
  const std::string none = e.node("Expand", {e.integers({0}), e.node("Shape", {g})});
  const std::string used = parts::put_elements(e, none, positions, numbers, plane, "none");
  const std::string is_used = e.node("Equal", {parts::elements_at(e, used, positions, plane), numbers});
  return e.reshape(e.node("Where", {is_used, parts::elements_at(e, g, positions, plane), e.scalar(0)}));
}

// ---- linear maps of axes -------------------------------------------------------------------------------------------

// A matrix of numbers, row by row.
struct AxisMatrix {
  std::size_t rows, columns;
  std::vector<double> elements;

  AxisMatrix transposed() const {
    AxisMatrix result{columns, rows, std::vector<double>(elements.size())};
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) result.elements[j * rows + i] = elements[i * columns + j];
    return result;
  }
  template <class T>
  Tensor<T> tensor() const {
    Tensor<T> result = Tensor<T>::from_shape({rows, columns});
    std::transform(elements.begin(), elements.end(), result.begin(), [](double x) { return static_cast<T>(x); });
    return result;
  }
};

// x with each vector along an axis multiplied by a matrix.
template <class T>
std::string multiplied(const Emit<T>& e, const AxisMatrix& matrix, const std::string& x, std::size_t axis) {
  const std::size_t last = e.rank() - 1;
  if (axis + 1 == last) return e.node("MatMul", {e.graph.constant(matrix.tensor<T>()), x});
  parts::Integers order;
  for (std::size_t i = 0; i <= last; ++i) order.push_back(as_signed(i == axis ? last : i == last ? axis : i));
  const std::string y =
      e.node("MatMul", {parts::transpose(e, x, order), e.graph.constant(matrix.transposed().tensor<T>())});
  return parts::transpose(e, y, order);
}

// Averages along an axis as a matrix.
AxisMatrix averages_along(const PoolAxis& a, bool padding_counts) {
  AxisMatrix matrix{a.output, a.input, std::vector<double>(a.output * a.input)};
  for (std::size_t o = 0; o < a.output; ++o) {
    const PoolAxis::InputRange range = a.inputs_of(o);
    const std::size_t count = padding_counts ? range.padded_count : range.last - range.first;
    for (std::size_t i = range.first; i < range.last; ++i)
      matrix.elements[o * a.input + i] = 1.0 / static_cast<double>(count);
  }
  return matrix;
}

template <class T>
bool padding_counts_in(const Emit<T>& e) {
  return e.template fixed<AveragePooling>([](const AveragePooling& a) { return a.padding_counts; });
}

template <class T>
std::string by_averages(const Emit<T>& e, bool adjoint) {
  const std::size_t rank = axes_of_pooling<AveragePooling>(e);
  std::string x = e.x();
  for (std::size_t i = 0; i < rank; ++i) {
    const auto matrix = [&](const AveragePooling& a) {
      return averages_along(a.pool.window.axes[3 - rank + i], a.padding_counts).elements;
    };
    const std::size_t axis = e.rank() - rank + i, in = e.shape(0)[axis], out = e.shape()[axis];
    const AxisMatrix averages{adjoint ? in : out, adjoint ? out : in, e.template fixed<AveragePooling>(matrix)};
    x = multiplied(e, adjoint ? averages.transposed() : averages, x, axis);
  }
  return x;
}

template <class T>
std::string export_avg_pool(const Emit<T>& e) {
  if (is_global<AveragePooling>(e)) return e.node("GlobalAveragePool", {e.x()});
  const bool padding_counts = padding_counts_in(e);
  // ONNX counts the elements beyond the padding, too.
  if (any_pooled_axis<AveragePooling>(e, is_irregular) ||
      (padding_counts && any_pooled_axis<AveragePooling>(e, goes_beyond)))
    return by_averages(e, false);
  Attributes attributes = pooling_attributes<AveragePooling>(e);
  attributes["count_include_pad"] = std::int64_t{padding_counts};
  return e.node("AveragePool", {e.x()}, std::move(attributes));
}

// ---- resizing ------------------------------------------------------------------------------------------------------

// Interpolation along an axis as a matrix: the columns are those of the resized unit vectors.
template <class T>
AxisMatrix interpolation_along(const Emit<T>& e) {
  using attributes::Resize;
  const auto in = e.template fixed<Resize>([](const Resize& a) { return a.small; });
  const auto out = e.template fixed<Resize>([](const Resize& a) { return a.large; });
  const auto how = e.template fixed<Resize>([](const Resize& a) { return a.interpolation; });
  std::vector<double> unit(in * in);
  for (std::size_t i = 0; i < in; ++i) unit[i * in + i] = 1;
  AxisMatrix matrix{out, in, std::vector<double>(out * in)};
  kernel::resize_axis<double>({1, in, out, in, how}, unit.data(), matrix.elements.data());
  return matrix;
}

template <class T>
std::size_t resized_axis(const Emit<T>& e) {
  return e.template fixed<attributes::Resize>([](const attributes::Resize& a) { return a.axis; });
}

// At most two elements enter each element of the result, so they are gathered: Resize of ONNX computes their weights in
// float, and rounds positions between elements in ways that depend on the runtime.
template <class T>
std::string export_resize_axis(const Emit<T>& e) {
  const AxisMatrix matrix = interpolation_along(e);
  const std::size_t axis = resized_axis(e);
  parts::Integers low, high;
  std::vector<double> share;  // of `high`
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    const auto row = matrix.elements.begin() + as_signed(i * matrix.columns), end = row + as_signed(matrix.columns);
    const auto first = std::find_if(row, end, [](double weight) { return weight != 0; });
    const bool is_mixed = first + 1 != end && *(first + 1) != 0;
    low.push_back(first - row);
    high.push_back(first - row + (is_mixed ? 1 : 0));
    share.push_back(is_mixed ? *(first + 1) : 0);
  }
  const auto taken = [&](const parts::Integers& positions) {
    return e.node("Gather", {e.x(), e.integers(positions)}, {{"axis", as_signed(axis)}});
  };
  if (low == high) return taken(low);
  Shape shape{share.size()};
  while (shape.rank() + axis < e.rank()) shape.push_back(1);
  const auto weighted = [&](const parts::Integers& positions, const auto& weight) {
    Tensor<T> weights = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
    std::transform(share.begin(), share.end(), weights.begin(), weight);
    return e.node("Mul", {taken(positions), e.graph.constant(weights)});
  };
  return e.node("Add", {weighted(low, [](double t) { return T(1) - static_cast<T>(t); }),
                        weighted(high, [](double t) { return static_cast<T>(t); })});
}

}  // namespace

template <class T>
std::span<const Mapping<T>> pooling_mappings() {
  using E = const Emit<T>&;
  static constexpr Mapping<T> all[] = {
      {"max_pool_positions", "MaxPool, Mod; Gather, ArgMax", export_max_pool_positions<T>},
      {"max_pool", "MaxPool; ReduceMax; GatherElements", export_max_pool<T>},
      {"max_pool_gradient", "ScatterElements", [](E e) { return at_positions(e, axes_of_pooling<Pooling>(e), "add"); }},
      {"max_unpool", "ScatterElements", [](E e) { return at_positions(e, axes_of_unpooling(e), "none"); }},
      {"max_unpool_gradient", "ScatterElements, GatherElements, Where", export_max_unpool_gradient<T>},
      {"avg_pool", "AveragePool; GlobalAveragePool; MatMul", export_avg_pool<T>},
      {"avg_pool_gradient", "MatMul", [](E e) { return by_averages(e, true); }},
      {"resize_axis", "Gather, Mul, Add", export_resize_axis<T>},
      {"resize_axis_gradient", "MatMul",
       [](E e) { return multiplied(e, interpolation_along(e).transposed(), e.x(), resized_axis(e)); }},
  };
  return all;
}

template std::span<const Mapping<float>> pooling_mappings<float>();
template std::span<const Mapping<double>> pooling_mappings<double>();

}  // namespace wengert::onnx::detail
