// ONNX's ops that write elements at indices.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include "onnx/operand.hpp"
#include "ops/positions.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// Where updates go: row-major positions from 0 on, and their values if they are constant.
template <class T>
struct Places {
  IndexVar<T> positions;
  std::optional<Indices> known;
};

// From the indices of axes, which `lists_on` records on a tape.
template <class T, class F>
Places<T> places_of(const Call<T>& c, const F& lists_on) {
  const auto positions_on = [&](Tape<T>& tape) {
    std::vector<IndicesOfAxis<T>> lists = lists_on(tape);
    // Joined indices are counted from the front: a first axis of one element joins the only list.
    const IndexVar<T> zero = tape.indices(Indices(xt::zeros<std::int64_t>({1})), c.where);
    if (lists.size() < 2) lists.insert(lists.begin(), {zero, 0, 1});
    return reshape(row_major_positions<T>("onnx", lists, c.where), {-1}, c.where);
  };
  if (!c.value(1).constant()) return {positions_on(c.tape), std::nullopt};
  Tape<T> scratch;
  const Indices known = positions_on(scratch).value(c.where);
  return {c.tape.indices(known, c.where), known};
}

template <class T>
Var<T> combined(const Call<T>& c, const std::string& reduction, Var<T> x, Var<T> update) {
  const Operand<T> a = at(c, x);
  if (reduction == "mul") return multiply(a, update);
  if (reduction == "max") return maximum(a, update);
  if (reduction == "min") return minimum(a, update);
  c.fail(fmt::format("reduction '{}': expected 'none', 'add', 'mul', 'max' or 'min'", reduction));
}

// The same rows of a matrix, replaced by those of another: row positions[i] by row i.
template <class T>
Var<T> with_rows(const Call<T>& c, Var<T> x, IndexVar<T> positions, Var<T> rows) {
  const Shape shape = x.shape();
  Indices columns = Indices::from_shape({1, shape[1]});
  std::iota(columns.begin(), columns.end(), 0);
  const IndexVar<T> places = row_major_positions<T>(
      "onnx",
      {{reshape(positions, {-1, 1}, c.where), 0, shape[0]}, {c.tape.indices(std::move(columns), c.where), 1, shape[1]}},
      c.where);
  const Var<T> y = scatter(reshape(x, {-1}, c.where), 0, IndexOperand<T>(reshape(places, {-1}, c.where), c.where),
                           at(c, reshape(rows, {-1}, c.where)), c.where);
  return reshape(y, shape, c.where);
}

// The rows of a matrix x combined with those of a matrix of updates, of which number i belongs to row positions[i].
template <class T>
Var<T> with_known_updates(const Call<T>& c, Var<T> x, const std::vector<std::int64_t>& positions, Var<T> updates) {
  // Each round writes to a row at most once, in the order of the updates.
  std::vector<std::size_t> written(x.shape()[0], 0);
  std::vector<std::vector<std::int64_t>> rows, sources;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const std::size_t round = written[static_cast<std::size_t>(positions[i])]++;
    if (round == rows.size()) {
      rows.emplace_back();
      sources.emplace_back();
    }
    rows[round].push_back(positions[i]);
    sources[round].push_back(static_cast<std::int64_t>(i));
  }
  const std::string reduction = c.text("reduction", "none");
  for (std::size_t round = 0; round < rows.size(); ++round) {
    const IndexVar<T> targets = IndexOperand<T>(rows[round], c.where).on(c.tape);
    const Var<T> update =
        rows.size() == 1 ? updates : take(updates, IndexOperand<T>(sources[round], c.where), 0, c.where);
    const Var<T> before = take(x, IndexOperand<T>(targets, c.where), 0, c.where);
    x = with_rows(c, x, targets, combined(c, reduction, before, update));
  }
  return x;
}

// The same for any places. A recording that does not know them writes one row after another where their order matters.
template <class T>
Var<T> with_updates(const Call<T>& c, Var<T> x, const Places<T>& places, Var<T> updates) {
  const std::string reduction = c.text("reduction", "none");
  if (reduction == "none") return with_rows(c, x, places.positions, updates);
  if (reduction == "add") return index_add(x, 0, IndexOperand<T>(places.positions, c.where), at(c, updates), c.where);
  if (places.known || c.tape.computes_values()) {
    const Indices known = places.known ? *places.known : places.positions.value(c.where);
    return with_known_updates(c, x, {known.begin(), known.end()}, updates);
  }
  for (std::size_t i = 0; i < updates.shape()[0]; ++i) {
    const Slice one(xt::range(i, i + 1));
    const IndexVar<T> target = slice(places.positions, 0, one, c.where);
    const Var<T> before = take(x, IndexOperand<T>(target, c.where), 0, c.where);
    x = with_rows(c, x, target, combined(c, reduction, before, slice(updates, 0, one, c.where)));
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
  const auto lists_on = [&](Tape<T>& tape) {
    std::vector<IndicesOfAxis<T>> lists;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      Shape along(std::vector<std::size_t>(shape.rank(), 1));
      along[i] = written[i];
      lists.push_back({i == axis ? c.value(1).indices(tape, c.where)
                                 : tape.indices(Indices(xt::cast<std::int64_t>(counted<double>(along))), c.where),
                       i, shape[i]});
    }
    return lists;
  };
  const Places<T> positions = places_of(c, lists_on);
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

  const auto lists_on = [&](Tape<T>& tape) {
    std::vector<IndicesOfAxis<T>> lists;
    const IndexVar<T> indices = c.value(1).indices(tape, c.where);
    for (std::size_t axis = 0; axis < depth; ++axis)
      lists.push_back({reshape(slice(indices, -1, Slice(axis), c.where), {-1}, c.where), axis, shape[axis]});
    if (depth == 0) lists.push_back({tape.indices(Indices(xt::zeros<std::int64_t>({count})), c.where), 0, 1});
    return lists;
  };
  const Places<T> positions = places_of(c, lists_on);
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
