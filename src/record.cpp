// Records ops: checks the operands, computes the value, and only then appends the node to the tape.
#include "grow.hpp"
#include "kernel/elementwise.hpp"
#include "kernel/parallel.hpp"
#include <wengert/op.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <fmt/format.h>

namespace wengert {

// Appends the inputs of the next node. Handles are a sequence of Vars, which are read in place, member by member:
// copying one that was just written would wait for the write.
template <class T>
template <class Handles>
std::uint32_t Tape<T>::append_edges(Handles inputs) {
  const auto first = static_cast<std::uint32_t>(edges_.size());
  if (edges_.capacity() - edges_.size() < inputs.size()) [[unlikely]]
    detail::grow(edges_);
  for (std::size_t i = 0; i < inputs.size(); ++i) edges_.push_back(inputs[i].index_);
  return first;
}

template <class T>
Var<T> Tape<T>::append(const Op<T>* op, T* data, const Layout* layout, Storage* storage, const void* attributes,
                       std::uint32_t first_edge, const Location& where) {
  if (trace_nan_ && computing_ && op != nullptr && op->view == nullptr && !op->index_output) [[unlikely]]
    try {
      require_finite(*op, data, *layout, std::span<const std::uint32_t>(edges_).subspan(first_edge), where);
    } catch (...) {
      edges_.resize(first_edge);
      pool_.release(storage);
      throw;
    }
  if (nodes_.size() == nodes_.capacity()) [[unlikely]]
    detail::grow(nodes_);
  Node<T>& n = nodes_.emplace_back();
  n.op = op;
  n.layout = layout;
  n.attributes = attributes;
  n.where = sweep_location_ != nullptr ? *sweep_location_ : where;
  n.first_edge = first_edge;
  n.generation = generation_;
  n.repeated = repeating_;
  n.versioned = storage->version != nullptr;
  n.computed = computing_ || op == nullptr;
  n.data_ = data;
  n.storage_ = storage;
  return Var<T>(this, static_cast<std::uint32_t>(nodes_.size() - 1), generation_);
}

// The first element of a contiguous value that is not finite, as `element (0, 2) is nan`; empty if there is none.
template <class T>
static std::string first_not_finite(const T* data, const Layout& layout) {
  for (std::size_t i = 0; i < layout.size; ++i) {
    if (std::isfinite(data[i])) continue;
    const T shown = std::isnan(data[i]) ? std::abs(data[i]) : data[i];  // the sign of a NaN has no meaning
    return fmt::format("element {} is {}", to_string(unravel(i, layout.shape)), shown);
  }
  return {};
}

template <class T>
[[gnu::noinline]] void Tape<T>::require_finite(const Op<T>& op, const T* data, const Layout& layout,
                                               std::span<const std::uint32_t> inputs, const Location& where) const {
  std::string message = first_not_finite(data, layout);
  if (message.empty()) return;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node<T>& n = nodes_[inputs[i]];
    std::string finding = "finite";
    if (n.holds_indices) {
      finding = "indices";
    } else {
      std::vector<T> elements(n.layout->size);
      copy_elements<T>({n.data_, n.layout}, elements.data());
      if (const std::string bad = first_not_finite(elements.data(), contiguous_layout(n.layout->shape)); !bad.empty())
        finding = bad;
    }
    message += fmt::format("; input {} of shape {}: {}", i + 1, to_string(n.layout->shape), finding);
  }
  throw ValueError(op.subject(), sweep_location_ != nullptr ? "in a gradient, " + message : message,
                   sweep_location_ != nullptr ? *sweep_location_ : where);
}

// Whether a handle is a valid operand.
template <class T>
bool Tape<T>::is_current(const Var<T>& var) const {
  if (var.tape_ != this || var.index_ >= nodes_.size() || nodes_[var.index_].generation != var.generation_)
    return false;
  const Node<T>& n = nodes_[var.index_];
  return (!n.versioned && n.computed) || usable(n);
}

// Whether a node still has the value that it was recorded with, or needs none.
template <class T>
bool Tape<T>::usable(const Node<T>& n) const {
  if (n.versioned && *n.storage_->version != n.storage_->recorded_version) return false;
  return n.computed || !computing_;
}

// Protects the memory of a value that is not computed.
template <class T>
void Tape<T>::hide(Storage* storage, [[maybe_unused]] std::size_t bytes) noexcept {
#if !defined(NDEBUG)
  constexpr std::size_t enough = 4096;  // the rest of its memory is never touched
  std::fill_n(reinterpret_cast<T*>(storage->data), std::min(bytes, enough) / sizeof(T),
              std::numeric_limits<T>::signaling_NaN());
#endif
  Pool::forbid(storage);
}

template <class T>
const Node<T>& Tape<T>::operand(const Op<T>& op, Var<T> var, std::size_t position) const {
  if (is_current(var)) return nodes_[var.index_];
  const auto refuse = [&](const std::string& reason) {
    throw HandleError(op.subject(), fmt::format("operand {} {}", position + 1, reason));
  };
  if (var.empty()) refuse("is an empty handle: it was never recorded on a tape");
  if (var.tape_ != this) refuse("belongs to another tape: record all operands on one tape");
  if (var.index_ >= nodes_.size() || nodes_[var.index_].generation != var.generation_)
    refuse(fmt::format("is a stale handle: its node {} was given back by rewind(); record it again", var.index_));
  if (!nodes_[var.index_].computed && computing_) refuse("was recorded while the tape computed no values");
  const Storage* storage = nodes_[var.index_].storage_;  // of the parameter; the operand may be a view of it
  const auto parameter = std::find_if(nodes_.begin(), nodes_.end(),
                                      [&](const Node<T>& n) { return n.op == nullptr && n.storage_ == storage; });
  refuse(
      fmt::format("is parameter '{}', which was changed after it was recorded: take gradients before the update, or "
                  "record the step again",
                  name(static_cast<std::size_t>(parameter - nodes_.begin()))));
  return nodes_[var.index_];
}

template <class T>
Var<T> Tape<T>::record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes,
                       std::span<const Var<T>> inputs, const Location& where) {
  if (op.kernels[0] != nullptr) {
    const Var<T> result = record_direct(op, attributes, inputs, where);
    if (!result.empty()) [[likely]]
      return result;
  }
  return atomically(*this, sweep_location_ != nullptr ? *sweep_location_ : where, [&] {
    if (attribute_bytes > 0) attributes = std::memcpy(arena_.allocate(attribute_bytes), attributes, attribute_bytes);
    if (op.kernels[0] != nullptr) return record_elementwise(op, attributes, inputs, where);
    if (op.view != nullptr) return record_view(op, attributes, inputs.front(), where);
    return record_structural(op, attributes, inputs, where);
  });
}

// The handles of operands, in place.
template <class T>
struct HandlesOf {
  std::span<const Operand<T>* const> operands;
  std::size_t size() const { return operands.size(); }
  const Var<T>& operator[](std::size_t i) const { return operands[i]->handle(); }
};

template <class T>
Var<T> Tape<T>::record(const Op<T>& op, std::span<const Operand<T>* const> operands,
                       std::span<const double> parameters) {
  const Location& where = operands.front()->where();
  // Operands that are not Vars have empty handles and take the slow path.
  const Var<T> result = record_direct(op, parameters.data(), HandlesOf<T>{operands}, where);
  if (!result.empty()) [[likely]]
    return result;
  return atomically(*this, where, [&] {
    std::array<Var<T>, Loops::max_values> inputs;
    for (std::size_t i = 0; i < operands.size(); ++i) inputs[i] = operands[i]->on(*this);
    return record(op, parameters.data(), parameters.size_bytes(), {inputs.data(), operands.size()}, where);
  });
}

// The common case of an elementwise op, which cannot fail: all operands have one shape and no gaps. Returns an empty
// handle in any other case.
template <class T>
template <class Handles>
[[gnu::flatten]] Var<T> Tape<T>::record_direct(const Op<T>& op, const void* attributes, Handles inputs,
                                               const Location& where) {
  kernel::Plane<T> planes[Loops::max_values];  // NOLINT: filled below
  const Layout* layout = nullptr;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_current(inputs[i])) return {};
    const Node<T>& n = nodes_[inputs[i].index_];
    planes[i] = {n.data_, 0, true};
    if (n.layout == layout) continue;
    if (!n.layout->contiguous || (layout != nullptr && n.layout->shape != layout->shape)) return {};
    layout = n.layout;
  }
  const std::size_t bytes = op.parameters * sizeof(double);
  if (bytes > 0) attributes = std::memcpy(arena_.allocate(bytes), attributes, bytes);
  Storage* storage = allocate(layout->size * sizeof(T));
  auto* data = reinterpret_cast<T*>(storage->data);
  const auto* const parameters = static_cast<const double*>(attributes);
  if (!computing_) [[unlikely]]
    return append(&op, data, layout, storage, attributes, append_edges(inputs), where);
  if (layout->size < kernel::large_work) [[likely]]
    op.kernels[static_cast<std::size_t>(active_isa())](planes, data, 1, layout->size, parameters);
  else
    kernel::run_plane<T>(op, parameters, {planes, inputs.size()}, data, 1, layout->size);
  return append(&op, data, layout, storage, attributes, append_edges(inputs), where);
}

template <class T>
Var<T> Tape<T>::record_view(const Op<T>& op, const void* attributes, Var<T> input, const Location& where) {
  const Node<T>* n = &operand(op, input, 0);
  Layout layout;
  std::ptrdiff_t offset = 0;
  if (!op.view(attributes, *n->layout, layout, offset)) {
    input = contiguous(input, where);
    n = &nodes_[input.index_];
    [[maybe_unused]] const bool possible = op.view(attributes, *n->layout, layout, offset);
    assert(possible && "a view of a contiguous value must be possible");
  }
  pool_.retain(n->storage_);
  const bool computed = n->computed;
  const Var<T> result =
      append(&op, n->data_ + offset, keep(layout), n->storage_, attributes, append_edges(std::span(&input, 1)), where);
  nodes_.back().computed = computed;
  return result;
}

// One element per input of an op: in place if they are few, otherwise in the tape's arena.
template <class E>
class FewOrMany {
 public:
  FewOrMany(std::size_t count, Arena& arena) : elements_(few_.data(), count) {
    if (count <= few_.size()) return;
    elements_ = {static_cast<E*>(arena.allocate(count * sizeof(E))), count};
    std::uninitialized_default_construct(elements_.begin(), elements_.end());
  }
  FewOrMany(const FewOrMany&) = delete;
  FewOrMany& operator=(const FewOrMany&) = delete;
  E& operator[](std::size_t i) { return elements_[i]; }
  std::span<const E> span() const { return elements_; }

 private:
  static_assert(std::is_trivially_destructible_v<E>);
  std::array<E, 8> few_{};
  std::span<E> elements_;
};

template <class T>
Var<T> Tape<T>::record_structural(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                                  const Location& where) {
  const std::size_t arity = inputs.size();
  FewOrMany<Var<T>> operands(arity, arena_);
  FewOrMany<const Shape*> shapes(arity, arena_);
  FewOrMany<Value<const T>> values(arity, arena_);
  for (std::size_t i = 0; i < arity; ++i) {
    shapes[i] = &operand(op, inputs[i], i).layout->shape;
    operands[i] = inputs[i];
  }
  const Layout* layout = keep(contiguous_layout(op.shape(attributes, shapes.span())));
  for (std::size_t i = 0; i < arity; ++i) {
    if (!op.takes_strides && !nodes_[operands[i].index_].layout->contiguous)
      operands[i] = contiguous(operands[i], where);
    const Node<T>& n = nodes_[operands[i].index_];
    values[i] = {n.data_, n.layout};
  }
  Storage* storage = allocate(layout->size * (op.index_output ? sizeof(std::int64_t) : sizeof(T)));
  auto* data = reinterpret_cast<T*>(storage->data);
  try {
    if (computing_) op.forward(attributes, values.span(), {data, layout});
  } catch (...) {
    pool_.release(storage);
    throw;
  }
  const Var<T> result = append(&op, data, layout, storage, attributes, append_edges(operands.span()), where);
  nodes_.back().holds_indices = op.index_output;
  return result;
}

template <class T>
Var<T> Tape<T>::collapse(const Mark& from, Var<T> y, const Op<T>& op, std::span<const Var<T>> inputs,
                         std::shared_ptr<const void> rule, const Location& where) {
  const Node<T> result = node(y, op.name);
  pool_.retain(result.storage_);
  const auto is_queued = [&](std::size_t i) {
    return std::any_of(updates_.begin(), updates_.end(), [i](const Update& u) { return u.value.index_ == i; });
  };
  for (std::size_t i = from.nodes; i < nodes_.size(); ++i) {
    if (nodes_[i].op == nullptr || is_queued(i)) continue;  // cannot be recomputed, or will be read by commit
    nodes_[i].generation = 0;                               // rejects handles to released nodes
    give_back(nodes_[i]);
  }
  std::vector<Var<T>> all(inputs.begin(), inputs.end());
  all.push_back(keep_alive(std::move(rule), where));
  const std::uint32_t value = y.index_;
  const void* attributes = std::memcpy(arena_.allocate(sizeof(value)), &value, sizeof(value));
  const Var<T> node =
      append(&op, result.data_, result.layout, result.storage_, attributes, append_edges(std::span(all)), where);
  nodes_.back().computed = result.computed;
  return node;
}

// An elementwise op whose operands differ in shape or have gaps.
template <class T>
Var<T> Tape<T>::record_elementwise(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                                   const Location& where) {
  assert(inputs.size() <= Loops::max_values);
  for (std::size_t i = 0; i < inputs.size(); ++i) operand(op, inputs[i], i);
  std::array<Var<T>, Loops::max_values> operands;
  const Layout* layout = broadcast_operands(op, inputs, operands.data(), where);
  std::array<Value<const T>, Loops::max_values> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node<T>& n = nodes_[operands[i].index_];
    values[i] = {n.data_, n.layout};
  }
  Storage* storage = allocate(layout->size * sizeof(T));
  auto* data = reinterpret_cast<T*>(storage->data);
  if (computing_)
    kernel::run_elementwise(op, static_cast<const double*>(attributes), {values.data(), inputs.size()},
                            Value<T>{data, layout});
  return append(&op, data, layout, storage, attributes, append_edges(std::span(operands).first(inputs.size())), where);
}

// Broadcasts operands to one shape, with strides that a kernel can read. Returns the layout of the result.
template <class T>
const Layout* Tape<T>::broadcast_operands(const Op<T>& op, std::span<const Var<T>> inputs, Var<T>* operands,
                                          const Location& where) {
  const auto layout_of = [&](Var<T> v) { return nodes_[v.index_].layout; };
  Shape shape = layout_of(inputs[0])->shape;
  for (const Var<T>& input : inputs) {
    const auto common = broadcast_shapes(shape, layout_of(input)->shape);
    if (!common)
      throw ShapeError(
          op.subject(),
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
  template Var<T> Tape<T>::append(const Op<T>*, T*, const Layout*, Storage*, const void*, std::uint32_t,             \
                                  const Location&);                                                                  \
  template void Tape<T>::require_finite(const Op<T>&, const T*, const Layout&, std::span<const std::uint32_t>,       \
                                        const Location&) const;                                                      \
  template bool Tape<T>::is_current(const Var<T>&) const;                                                            \
  template bool Tape<T>::usable(const Node<T>&) const;                                                               \
  template void Tape<T>::hide(Storage*, std::size_t) noexcept;                                                       \
  template const Node<T>& Tape<T>::operand(const Op<T>&, Var<T>, std::size_t) const;                                 \
  template Var<T> Tape<T>::record(const Op<T>&, std::span<const Operand<T>* const>, std::span<const double>);        \
  template Var<T> Tape<T>::record(const Op<T>&, const void*, std::size_t, std::span<const Var<T>>, const Location&); \
  template Var<T> Tape<T>::collapse(const Mark&, Var<T>, const Op<T>&, std::span<const Var<T>>,                      \
                                    std::shared_ptr<const void>, const Location&);                                   \
  template Var<T> Tape<T>::record_view(const Op<T>&, const void*, Var<T>, const Location&);                          \
  template Var<T> Tape<T>::record_structural(const Op<T>&, const void*, std::span<const Var<T>>, const Location&);   \
  template Var<T> Tape<T>::record_elementwise(const Op<T>&, const void*, std::span<const Var<T>>, const Location&);  \
  template const Layout* Tape<T>::broadcast_operands(const Op<T>&, std::span<const Var<T>>, Var<T>*, const Location&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
