// How an op comes to be a node: its operands are checked, its value is computed, and only then it joins the tape.
#include "kernel/elementwise.hpp"
#include <wengert/op.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include <fmt/format.h>

namespace wengert {

template <class T>
Var<T> Tape<T>::append(const Op<T>* op, T* data, const Layout* layout, Storage* storage, const void* attributes,
                       std::span<const Var<T>> inputs, const Location& where) {
  const auto first_edge = static_cast<std::uint32_t>(edges_.size());
  for (const Var<T>& input : inputs) edges_.push_back(input.index_);
  nodes_.push_back({op, data, layout, storage, attributes, sweep_location_ != nullptr ? *sweep_location_ : where,
                    first_edge, generation_, false});
  return at(nodes_.size() - 1);
}

template <class T>
const Node<T>& Tape<T>::operand(const Op<T>& op, Var<T> var, std::size_t position, const Location& where) const {
  if (var.tape_ != this) [[unlikely]]
    throw HandleError(op.name,
                      fmt::format("operand {} {}", position + 1,
                                  var.empty() ? "is an empty handle: it was never recorded on a tape"
                                              : "belongs to another tape: record all operands on one tape"),
                      where);
  if (var.index_ >= nodes_.size() || nodes_[var.index_].generation != var.generation_) [[unlikely]]
    throw HandleError(
        op.name,
        fmt::format("operand {} is a stale handle: its node {} was given back by rewind(); record it again",
                    position + 1, var.index_),
        where);
  const Node<T>& n = nodes_[var.index_];
  if (n.storage->version != nullptr && *n.storage->version != n.storage->recorded_version) [[unlikely]]
    throw HandleError(op.name,
                      fmt::format("operand {} is parameter '{}', which was changed after it was recorded: take "
                                  "gradients before the update, or record the step again",
                                  position + 1, name(var.index_)),
                      where);
  return n;
}

template <class T>
Var<T> Tape<T>::record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes,
                       std::span<const Var<T>> inputs, const Location& where) {
  return atomically(*this, sweep_location_ != nullptr ? *sweep_location_ : where, [&] {
    if (attribute_bytes > 0) attributes = std::memcpy(arena_.allocate(attribute_bytes), attributes, attribute_bytes);
    if (op.kernels[0] != nullptr) return record_elementwise(op, attributes, inputs, where);
    if (op.view != nullptr) return record_view(op, attributes, inputs.front(), where);
    return record_structural(op, attributes, inputs, where);
  });
}

template <class T>
Var<T> Tape<T>::record_view(const Op<T>& op, const void* attributes, Var<T> input, const Location& where) {
  const Node<T>* n = &operand(op, input, 0, where);
  Layout layout;
  std::ptrdiff_t offset = 0;
  if (!op.view(attributes, *n->layout, layout, offset)) {
    input = contiguous(input, where);
    n = &nodes_[input.index_];
    [[maybe_unused]] const bool possible = op.view(attributes, *n->layout, layout, offset);
    assert(possible && "a view of a contiguous value must be possible");
  }
  pool_.retain(n->storage);
  return append(&op, n->data + offset, keep(layout), n->storage, attributes, {&input, 1}, where);
}

template <class T>
Var<T> Tape<T>::record_structural(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                                  const Location& where) {
  constexpr std::size_t few = 8;
  const std::size_t arity = inputs.size();
  assert(arity <= few);
  std::array<Var<T>, few> operands;
  std::array<const Shape*, few> shapes{};
  std::array<Value<const T>, few> values;
  for (std::size_t i = 0; i < arity; ++i) {
    shapes[i] = &operand(op, inputs[i], i, where).layout->shape;
    operands[i] = inputs[i];
  }
  const Layout* layout = keep(contiguous_layout(op.shape(attributes, {shapes.data(), arity})));
  for (std::size_t i = 0; i < arity; ++i) {
    if (!op.takes_strides && !nodes_[operands[i].index_].layout->contiguous)
      operands[i] = contiguous(operands[i], where);
    const Node<T>& n = nodes_[operands[i].index_];
    values[i] = {n.data, n.layout};
  }
  Storage* storage = pool_.allocate(layout->size * sizeof(T));
  auto* data = reinterpret_cast<T*>(storage->data);
  try {
    op.forward(attributes, {values.data(), arity}, {data, layout});
  } catch (...) {
    pool_.release(storage);
    throw;
  }
  return append(&op, data, layout, storage, attributes, {operands.data(), arity}, where);
}

template <class T>
Var<T> Tape<T>::record_elementwise(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                                   const Location& where) {
  assert(inputs.size() <= Loops::max_values);
  const Layout* layout = operand(op, inputs[0], 0, where).layout;
  bool direct = layout->contiguous;  // all operands have this shape and no gaps
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Layout* other = operand(op, inputs[i], i, where).layout;
    direct = direct && (other == layout || (other->contiguous && other->shape == layout->shape));
  }
  std::array<Var<T>, Loops::max_values> broadcast;
  if (!direct) {
    layout = broadcast_operands(op, inputs, broadcast.data(), where);
    inputs = {broadcast.data(), inputs.size()};
  }
  std::array<Value<const T>, Loops::max_values> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node<T>& n = nodes_[inputs[i].index_];
    values[i] = {n.data, n.layout};
  }
  Storage* storage = pool_.allocate(layout->size * sizeof(T));
  auto* data = reinterpret_cast<T*>(storage->data);
  kernel::run_elementwise(op, static_cast<const double*>(attributes), {values.data(), inputs.size()},
                          Value<T>{data, layout});
  return append(&op, data, layout, storage, attributes, inputs, where);
}

// Brings operands to one shape, with strides a kernel can read. Returns the layout of the result.
template <class T>
const Layout* Tape<T>::broadcast_operands(const Op<T>& op, std::span<const Var<T>> inputs, Var<T>* operands,
                                          const Location& where) {
  const auto layout_of = [&](Var<T> v) { return nodes_[v.index_].layout; };
  Shape shape = layout_of(inputs[0])->shape;
  for (const Var<T>& input : inputs) {
    const auto common = broadcast_shapes(shape, layout_of(input)->shape);
    if (!common)
      throw ShapeError(
          op.name,
          fmt::format("shapes {} and {} do not broadcast: aligned from the last axis, extents must be equal or 1",
                      to_string(layout_of(inputs[0])->shape), to_string(layout_of(input)->shape)));
    shape = *common;
  }
  const Layout* result = nullptr;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    operands[i] = layout_of(inputs[i])->shape == shape ? inputs[i] : broadcast_to(inputs[i], shape, where);
    if (!kernel::reads_directly(*layout_of(operands[i]))) operands[i] = contiguous(operands[i], where);
    if (layout_of(operands[i])->contiguous) result = layout_of(operands[i]);
  }
  return result != nullptr ? result : keep(contiguous_layout(shape));
}

#define WENGERT_INSTANTIATE(T)                                                                                       \
  template Var<T> Tape<T>::append(const Op<T>*, T*, const Layout*, Storage*, const void*, std::span<const Var<T>>,   \
                                  const Location&);                                                                  \
  template const Node<T>& Tape<T>::operand(const Op<T>&, Var<T>, std::size_t, const Location&) const;                \
  template Var<T> Tape<T>::record(const Op<T>&, const void*, std::size_t, std::span<const Var<T>>, const Location&); \
  template Var<T> Tape<T>::record_view(const Op<T>&, const void*, Var<T>, const Location&);                          \
  template Var<T> Tape<T>::record_structural(const Op<T>&, const void*, std::span<const Var<T>>, const Location&);   \
  template Var<T> Tape<T>::record_elementwise(const Op<T>&, const void*, std::span<const Var<T>>, const Location&);  \
  template const Layout* Tape<T>::broadcast_operands(const Op<T>&, std::span<const Var<T>>, Var<T>*, const Location&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
