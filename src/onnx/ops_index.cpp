// ONNX's ops that select elements by indices.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include "onnx/limits.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

template <class T>
std::ptrdiff_t axis_attribute(const Call<T>& c, std::int64_t otherwise) {
  return static_cast<std::ptrdiff_t>(c.integer("axis", otherwise));
}

template <class T>
IndexOperand<T> index_input(const Call<T>& c, std::size_t i) {
  return IndexOperand<T>(c.indices(i), c.where);
}

// The result of `select(x, indices)` for inputs 0 and 1; constants are moved without rounding.
template <class T, class F>
Outputs<T> selected(const Call<T>& c, const F& select) {
  if (!c.value(0).constant() || !c.value(1).constant()) return Value<T>(select(c.x(0), index_input(c, 1)), c.type(0));
  const Indices indices = c.value(1).integers(c.where);
  return moved(c, 1, [&](const auto& x) { return select(x[0], indices); });
}

template <class T>
Outputs<T> gather_of(const Call<T>& c) {
  const Shape from = c.shape(0);
  if (from.rank() != 0) {
    const std::size_t axis = c.axis(axis_attribute(c, 0), from.rank());
    std::vector<std::size_t> extents{c.shape(1).elements()};
    for (std::size_t i = 0; i < from.rank(); ++i)
      if (i != axis) extents.push_back(from[i]);
    require_elements(c, extents);
  }
  return selected(c, [&](auto x, const auto& indices) { return take(x, indices, axis_attribute(c, 0), c.where); });
}

template <class T>
Outputs<T> gather_elements_of(const Call<T>& c) {
  return selected(c, [&](auto x, const auto& indices) { return gather(x, axis_attribute(c, 0), indices, c.where); });
}

template <class T>
Outputs<T> gather_nd_of(const Call<T>& c) {
  const Shape shape = c.shape(0), tuples = c.shape(1);
  const std::int64_t given = c.integer("batch_dims", 0);
  const auto batch = static_cast<std::size_t>(given);
  if (given < 0 || (given > 0 && batch >= std::min(shape.rank(), tuples.rank())))
    c.fail(fmt::format("batch_dims {} for shapes {} and {}: expected a number from 0 to below both ranks", given,
                       to_string(shape), to_string(tuples)));
  if (tuples.empty() || shape.empty() || tuples.back() + batch > shape.rank() || tuples.back() == 0)
    c.fail(
        fmt::format("indices of shape {} for shape {} with batch_dims {}: expected 1 to {} indices along the last axis",
                    to_string(tuples), to_string(shape), given, static_cast<std::int64_t>(shape.rank()) - given));
  std::vector<IndexOperand<T>> lists;
  for (std::size_t axis = 0; axis < batch; ++axis) {
    if (shape[axis] != tuples[axis])
      c.fail(fmt::format("shapes {} and {}: axis {} of the batch differs", to_string(shape), to_string(tuples), axis));
    Shape along(std::vector<std::size_t>(tuples.rank() - 1, 1));
    along[axis] = shape[axis];
    lists.emplace_back(Indices(xt::cast<std::int64_t>(counted<double>(along))), c.where);
  }
  const Var<T> indices = c.x(1);
  for (std::size_t i = 0; i < tuples.back(); ++i) {
    const Var<T> component = slice(indices, -1, Slice(i), c.where);
    lists.emplace_back(Value<T>(component, c.type(1)).indices(c.tape, c.where), c.where);
  }
  return index(c.x(0), lists, {}, c.where);
}

template <class T>
Outputs<T> one_hot_of(const Call<T>& c) {
  const double depth = std::trunc(c.number(1));
  if (!(depth >= 0 && depth < 9e15)) c.fail(fmt::format("depth {}: expected a number of classes from 0 on", depth));
  const std::size_t rank = c.rank(0) + 1;
  const std::size_t axis = c.axis(axis_attribute(c, -1), rank);
  const Var<T> k = c.integral(0) ? c.x(0) : trunc(at(c, c.x(0)));
  const Var<T> counted_from_end = add(at(c, k), depth);
  const Var<T> labels = wengert::where(at(c, less(at(c, k), 0)), counted_from_end, k);
  std::vector<double> extents{depth};
  for (const std::size_t extent : c.shape(0)) extents.push_back(static_cast<double>(extent));
  require_elements(c, extents);
  Shape along(std::vector<std::size_t>(rank, 1));
  along[axis] = static_cast<std::size_t>(depth);
  const Var<T> classes = c.tape.constant(counted<T>(along), c.where);
  const Var<T> hits = equal(at(c, expand_dims(labels, static_cast<std::ptrdiff_t>(axis), c.where)), classes);
  const auto value = [&](std::size_t i) {  // on a hit or not
    if (c.value(2).constant()) return at(c, c.numbers(2).at(i));
    return at(c, slice(c.x(2), 0, Slice(i), c.where));
  };
  return Value<T>(wengert::where(at(c, hits), value(1), value(0)), c.type(2));
}

template <class T>
Outputs<T> reverse_sequence_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const std::size_t batch_axis = c.axis(static_cast<std::ptrdiff_t>(c.integer("batch_axis", 1)), shape.rank());
  const std::size_t time_axis = c.axis(static_cast<std::ptrdiff_t>(c.integer("time_axis", 0)), shape.rank());
  if (batch_axis == time_axis) c.fail(fmt::format("axis {} is both batch_axis and time_axis", time_axis));
  const Shape ones(std::vector<std::size_t>(shape.rank(), 1));
  Shape along_batch = ones, along_time = ones;
  along_batch[batch_axis] = shape[batch_axis];
  along_time[time_axis] = shape[time_axis];
  const Var<T> lengths = reshape(c.x(1), along_batch, c.where);
  const Var<T> steps = c.tape.constant(counted<T>(along_time), c.where);
  const Var<T> mirrored = subtract(at(c, subtract(at(c, lengths), 1)), steps);
  const Var<T> source = wengert::where(at(c, less(at(c, steps), lengths)), mirrored, steps);
  const IndexVar<T> indices = Value<T>(source, ElementType::int64).indices(c.tape, c.where);
  return take_along_axis(c.x(0), IndexOperand<T>(indices, c.where), static_cast<std::ptrdiff_t>(time_axis), c.where);
}

template <class T>
Outputs<T> top_k_of(const Call<T>& c) {
  const std::int64_t k = c.opset() >= 10 ? c.integer(1) : c.integer("k", 0);
  if (k < 0) c.fail(fmt::format("k {}: expected a number from 0 on", k));
  const SortOrder order = c.integer("largest", 1) != 0 ? SortOrder::descending : SortOrder::ascending;
  const auto [values, indices] = topk(c.x(0), static_cast<std::size_t>(k), axis_attribute(c, -1), order, c.where);
  return std::vector<Value<T>>{Value<T>(values, c.type(0)), Value<T>(indices)};
}

}  // namespace

template <class T>
std::span<const Entry<T>> index_entries() {
  static constexpr Entry<T> entries[] = {
      {"Gather", gather_of<T>, true}, {"GatherElements", gather_elements_of<T>, true}, {"GatherND", gather_nd_of<T>},
      {"OneHot", one_hot_of<T>},      {"ReverseSequence", reverse_sequence_of<T>},     {"TopK", top_k_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> index_entries<float>();
template std::span<const Entry<double>> index_entries<double>();

}  // namespace wengert::onnx::detail
