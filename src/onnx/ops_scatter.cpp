// ONNX's ops that write elements at indices.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/shape.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// `index`, counted from the end if negative.
template <class T>
std::int64_t position_of(const Call<T>& c, std::int64_t index, std::size_t extent, std::size_t axis) {
  const auto n = static_cast<std::int64_t>(extent);
  if (index < -n || index >= n) c.fail(fmt::format("index {}: axis {} has {} elements", index, axis, n));
  return index < 0 ? index + n : index;
}

template <class T>
Var<T> combined(const Call<T>& c, const std::string& reduction, Var<T> x, Var<T> update) {
  const Operand<T> a = at(c, x);
  if (reduction == "mul") return multiply(a, update);
  if (reduction == "max") return maximum(a, update);
  if (reduction == "min") return minimum(a, update);
  c.fail(fmt::format("reduction '{}': expected 'none', 'add', 'mul', 'max' or 'min'", reduction));
}

// The rows of a matrix x combined with those of a matrix of updates, of which number i belongs to row positions[i].
template <class T>
Var<T> with_updates(const Call<T>& c, Var<T> x, const std::vector<std::int64_t>& positions, Var<T> updates) {
  const std::string reduction = c.text("reduction", "none");
  if (reduction == "add") return index_add(x, 0, IndexOperand<T>(positions, c.where), at(c, updates), c.where);

  // Each round writes to a row at most once, in the order of the updates.
  std::vector<std::size_t> written(x.shape()[0], 0);
  std::vector<std::vector<std::int64_t>> rows, sources;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const std::size_t round = reduction == "none" ? 0 : written[static_cast<std::size_t>(positions[i])]++;
    if (round == rows.size()) {
      rows.emplace_back();
      sources.emplace_back();
    }
    rows[round].push_back(positions[i]);
    sources[round].push_back(static_cast<std::int64_t>(i));
  }
  const std::size_t width = x.shape()[1];
  for (std::size_t round = 0; round < rows.size(); ++round) {
    const IndexOperand<T> targets(rows[round], c.where);
    const Var<T> update =
        rows.size() == 1 ? updates : take(updates, IndexOperand<T>(sources[round], c.where), 0, c.where);
    const Var<T> result = reduction == "none" ? update : combined(c, reduction, take(x, targets, 0, c.where), update);
    Indices places = Indices::from_shape({rows[round].size(), width});
    for (std::size_t i = 0; i < places.size(); ++i) places.data()[i] = rows[round][i / width];
    x = scatter(x, 0, IndexOperand<T>(places, c.where), at(c, result), c.where);
  }
  return x;
}

template <class T>
Outputs<T> scatter_elements_of(const Call<T>& c) {
  const Shape shape = c.shape(0), written = c.shape(1);
  const std::size_t axis = c.axis(static_cast<std::ptrdiff_t>(c.integer("axis", 0)), shape.rank());
  const std::string reduction = c.text("reduction", "none");
  if (reduction == "none" || reduction == "add") {
    const auto write = reduction == "none" ? scatter<T> : scatter_add<T>;
    return write(c.x(0), static_cast<std::ptrdiff_t>(axis), IndexOperand<T>(c.indices(1), c.where), operand(c, 2),
                 c.where);
  }
  if (written.rank() != shape.rank() || c.shape(2) != written)
    c.fail(fmt::format("indices of shape {} and updates of shape {} for shape {}: expected equal shapes of that rank",
                       to_string(written), to_string(c.shape(2)), to_string(shape)));
  const Indices indices = c.value(1).integers(c.where);
  std::vector<std::int64_t> positions;
  for (std::size_t element = 0; element < indices.size(); ++element) {
    Shape place = unravel(element, written);
    place[axis] = static_cast<std::size_t>(position_of(c, indices.data()[element], shape[axis], axis));
    std::int64_t position = 0;
    for (std::size_t i = 0; i < shape.rank(); ++i)
      position = position * static_cast<std::int64_t>(shape[i]) +
                 position_of(c, static_cast<std::int64_t>(place[i]), shape[i], i);
    positions.push_back(position);
  }
  const Var<T> y = with_updates(c, reshape(c.x(0), {-1, 1}, c.where), positions, reshape(c.x(2), {-1, 1}, c.where));
  return reshape(y, shape, c.where);
}

template <class T>
Outputs<T> scatter_nd_of(const Call<T>& c) {
  const Shape shape = c.shape(0), tuples = c.shape(1);
  if (tuples.empty() || tuples.back() > shape.rank())
    c.fail(fmt::format("indices of shape {} for shape {}: expected at most {} indices along the last axis",
                       to_string(tuples), to_string(shape), shape.rank()));
  const std::size_t depth = tuples.back();
  Shape expected;
  for (std::size_t axis = 0; axis + 1 < tuples.rank(); ++axis) expected.push_back(tuples[axis]);
  const std::size_t count = expected.elements();
  std::size_t rows = 1, width = 1;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    (axis < depth ? rows : width) *= shape[axis];
    if (axis >= depth) expected.push_back(shape[axis]);
  }
  if (c.shape(2) != expected)
    c.fail(fmt::format("updates of shape {}: expected {}", to_string(c.shape(2)), to_string(expected)));

  // Rows are numbered in integers, because a float holds no larger ones than 2²⁴.
  const Indices indices = c.value(1).integers(c.where);
  std::vector<std::int64_t> positions(count, 0);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t axis = 0; axis < depth; ++axis)
      positions[i] = positions[i] * static_cast<std::int64_t>(shape[axis]) +
                     position_of(c, indices.data()[i * depth + axis], shape[axis], axis);
  const auto as_rows = [&](const auto& x) { return reshape(x[0], Shape{rows, width}, c.where); };
  const Var<T> x = moved(c, 1, as_rows).var(c.tape, c.where);
  const Var<T> y = with_updates(c, x, positions, reshape(c.x(2), Shape{count, width}, c.where));
  return reshape(y, shape, c.where);
}

}  // namespace

template <class T>
std::span<const Entry<T>> scatter_entries() {
  static constexpr Entry<T> entries[] = {
      {"Scatter", scatter_elements_of<T>},
      {"ScatterElements", scatter_elements_of<T>},
      {"ScatterND", scatter_nd_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> scatter_entries<float>();
template std::span<const Entry<double>> scatter_entries<double>();

}  // namespace wengert::onnx::detail
