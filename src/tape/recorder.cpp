// Records ops: checks the operands, computes the value, and only then appends the node to the tape.
#include "tape/recorder.hpp"

#include "base/parallel.hpp"
#include "kernel/elementwise.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <fmt/format.h>

namespace wengert {

// Appends the inputs of the next node, a sequence of Vars. They are read in place, member by member: copying a Var that
// was just written would wait for the write.
template <class T>
template <class Handles>
std::uint32_t Recorder<T>::append_edges(Handles inputs) {
  const auto first = static_cast<std::uint32_t>(tape_.edges_.size());
  if (tape_.edges_.capacity() - tape_.edges_.size() < inputs.size()) [[unlikely]]
    detail::grow(tape_.edges_);
  for (std::size_t i = 0; i < inputs.size(); ++i) tape_.edges_.push_back(inputs[i].index_);
  return first;
}

// The first element of a contiguous value that is not finite, as text: `element (0, 2) is nan`. Empty if there is none.
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
[[gnu::noinline]] void Recorder<T>::require_finite(const Op<T>& op, const T* data, const Layout& layout,
                                                   std::span<const std::uint32_t> inputs, const Location& where) const {
  std::string message = first_not_finite(data, layout);
  if (message.empty()) return;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node<T>& n = tape_.nodes_[inputs[i]];
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
  throw ValueError(op.subject(), tape_.sweep_.where != nullptr ? "in a gradient, " + message : message, line(where));
}

// Whether a handle is a valid operand.
template <class T>
bool Recorder<T>::is_current(const Var<T>& var) const {
  if (var.tape_ != &tape_ || var.index_ >= tape_.nodes_.size() ||
      tape_.nodes_[var.index_].generation != var.generation_)
    return false;
  const Node<T>& n = tape_.nodes_[var.index_];
  return (!n.versioned && n.computed) || usable(n);
}

// Whether a node still has the value with which it was recorded, or needs none.
template <class T>
bool Recorder<T>::usable(const Node<T>& n) const {
  if (n.versioned && *n.storage_->version != n.storage_->recorded_version) return false;
  return n.computed || !tape_.computing_;
}

// Makes reads of a value that is not computed detectable: by signalling NaNs and AddressSanitizer.
template <class T>
void Recorder<T>::poison(Storage* storage, [[maybe_unused]] std::size_t bytes) const noexcept {
#if !defined(NDEBUG)
  constexpr std::size_t enough = 4096;  // the rest of its memory is never touched
  std::fill_n(reinterpret_cast<T*>(storage->data), std::min(bytes, enough) / sizeof(T),
              std::numeric_limits<T>::signaling_NaN());
#endif
  Pool::poison(storage);
}

template <class T>
const Node<T>& Recorder<T>::operand(const Op<T>& op, Var<T> var, std::size_t position) const {
  if (is_current(var)) return tape_.nodes_[var.index_];
  const std::string what = fmt::format("operand {}", position + 1);
  const auto refuse = [&](const std::string& reason) { throw HandleError(op.subject(), what + reason); };
  if (var.empty()) detail::throw_empty_handle(op.subject(), what);
  if (var.tape_ != &tape_) detail::throw_foreign_handle(op.subject(), what);
  if (var.index_ >= tape_.nodes_.size() || tape_.nodes_[var.index_].generation != var.generation_)
    refuse(fmt::format(" is a stale handle: its node {} was released by rewind(); record it again", var.index_));
  if (!tape_.nodes_[var.index_].computed && tape_.computing_) refuse(" was recorded while the tape computed no values");
  const Storage* storage = tape_.nodes_[var.index_].storage_;  // of the parameter; the operand may be a view of it
  const auto parameter = std::find_if(tape_.nodes_.begin(), tape_.nodes_.end(),
                                      [&](const Node<T>& n) { return n.op == nullptr && n.storage_ == storage; });
  refuse(
      fmt::format(" is parameter '{}', which was changed after it was recorded: take gradients before the update, or "
                  "record the step again",
                  tape_.name(static_cast<std::size_t>(parameter - tape_.nodes_.begin()))));
  return tape_.nodes_[var.index_];
}

template <class T>
Var<T> Recorder<T>::record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes,
                           std::span<const Var<T>> inputs, const Location& where) {
  if (op.kernels[0] != nullptr) {
    const Var<T> result = record_direct(op, attributes, inputs, where);
    if (!result.empty()) [[likely]]
      return result;
  }
  return atomically(tape_, line(where), [&] {
    if (attribute_bytes > 0)
      attributes = std::memcpy(tape_.arena_.allocate(attribute_bytes), attributes, attribute_bytes);
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
inline Var<T> Recorder<T>::record(const Op<T>& op, std::span<const Operand<T>* const> operands,
                                  std::span<const double> parameters) {
  const Location& where = operands.front()->where();
  // Operands that are not Vars have empty handles and take the slow path.
  const Var<T> result = record_direct(op, parameters.data(), HandlesOf<T>{operands}, where);
  if (!result.empty()) [[likely]]
    return result;
  return record_converted(op, operands, parameters);
}

// Records operands that are not Vars as constants first.
template <class T>
Var<T> Recorder<T>::record_converted(const Op<T>& op, std::span<const Operand<T>* const> operands,
                                     std::span<const double> parameters) {
  const Location& where = operands.front()->where();
  return atomically(tape_, where, [&] {
    std::array<Var<T>, Loops::max_values> inputs;
    for (std::size_t i = 0; i < operands.size(); ++i) inputs[i] = operands[i]->on(tape_);
    return record(op, parameters.data(), parameters.size_bytes(), {inputs.data(), operands.size()}, where);
  });
}

// Whether all elements of a value are one element in memory, as in a scalar that was broadcast.
static bool repeats_one(const Layout& layout) {
  const auto all = layout.strides.begin();
  return std::all_of(all, all + static_cast<std::ptrdiff_t>(layout.rank()), [](std::ptrdiff_t s) { return s == 0; });
}

// The common case of an elementwise op, which cannot fail: all operands have one shape and no gaps, and some may be
// broadcast scalars. Returns an empty handle in any other case.
template <class T>
template <class Handles>
[[gnu::flatten]] Var<T> Recorder<T>::record_direct(const Op<T>& op, const void* attributes, Handles inputs,
                                                   const Location& where) {
  kernel::Plane<T> planes[Loops::max_values];  // NOLINT: filled below
  const Layout* layout = nullptr;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_current(inputs[i])) return {};
    const Node<T>& n = tape_.nodes_[inputs[i].index_];
    planes[i] = {n.data_, 0, n.layout->contiguous};
    if (n.layout == layout) continue;
    if (layout != nullptr && n.layout->shape != layout->shape) return {};
    if (!n.layout->contiguous && !repeats_one(*n.layout)) return {};
    if (layout == nullptr || n.layout->contiguous) layout = n.layout;
  }
  if (!layout->contiguous) return {};
  const std::size_t bytes = op.parameters * sizeof(double);
  if (bytes > 0) attributes = std::memcpy(tape_.arena_.allocate(bytes), attributes, bytes);
  Storage* storage = allocate(layout->size * sizeof(T));
  auto* data = reinterpret_cast<T*>(storage->data);
  const auto* const parameters = static_cast<const double*>(attributes);
  if (!tape_.computing_) [[unlikely]]
    return append(&op, data, layout, storage, attributes, append_edges(inputs), where);
  if (layout->size < kernel::large_work) [[likely]]
    op.kernels[static_cast<std::size_t>(active_isa())](planes, data, 1, layout->size, parameters);
  else
    kernel::run_plane<T>(op.kernels, parameters, {planes, inputs.size()}, data, 1, layout->size);
  return append(&op, data, layout, storage, attributes, append_edges(inputs), where);
}

template <class T>
Var<T> Recorder<T>::record_view(const Op<T>& op, const void* attributes, Var<T> input, const Location& where) {
  const Node<T>* n = &operand(op, input, 0);
  Layout layout;
  std::ptrdiff_t offset = 0;
  if (!op.view(attributes, *n->layout, layout, offset)) {
    input = EngineOps<T>::table.contiguous(input, where);
    n = &tape_.nodes_[input.index_];
    [[maybe_unused]] const bool possible = op.view(attributes, *n->layout, layout, offset);
    assert(possible && "a view of a contiguous value must be possible");
  }
  tape_.pool_.retain(n->storage_);
  const bool computed = n->computed;
  const Var<T> result = append(&op, n->data_ + offset, tape_.keep(layout), n->storage_, attributes,
                               append_edges(std::span(&input, 1)), where);
  tape_.nodes_.back().computed = computed;
  return result;
}

// One element per input of an op: in place if they are few, otherwise in the tape's arena.
template <class E>
class SmallBuffer {
 public:
  SmallBuffer(std::size_t count, Arena& arena) : elements_(few_.data(), count) {
    if (count <= few_.size()) return;
    elements_ = {static_cast<E*>(arena.allocate(count * sizeof(E))), count};
    std::uninitialized_default_construct(elements_.begin(), elements_.end());
  }
  SmallBuffer(const SmallBuffer&) = delete;
  SmallBuffer& operator=(const SmallBuffer&) = delete;
  E& operator[](std::size_t i) { return elements_[i]; }
  std::span<const E> span() const { return elements_; }

 private:
  static_assert(std::is_trivially_destructible_v<E>);
  std::array<E, 8> few_{};
  std::span<E> elements_;
};

template <class T>
Var<T> Recorder<T>::record_structural(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                                      const Location& where) {
  const std::size_t arity = inputs.size();
  SmallBuffer<Var<T>> operands(arity, tape_.arena_);
  SmallBuffer<const Shape*> shapes(arity, tape_.arena_);
  SmallBuffer<Value<const T>> values(arity, tape_.arena_);
  for (std::size_t i = 0; i < arity; ++i) {
    shapes[i] = &operand(op, inputs[i], i).layout->shape;
    operands[i] = inputs[i];
  }
  const Layout* layout = tape_.keep(contiguous_layout(op.shape(attributes, shapes.span())));
  for (std::size_t i = 0; i < arity; ++i) {
    if (!op.takes_strides && !tape_.nodes_[operands[i].index_].layout->contiguous)
      operands[i] = EngineOps<T>::table.contiguous(operands[i], where);
    const Node<T>& n = tape_.nodes_[operands[i].index_];
    values[i] = {n.data_, n.layout};
  }
  Storage* storage = allocate(layout->size * (op.index_output ? sizeof(std::int64_t) : sizeof(T)));
  auto* data = reinterpret_cast<T*>(storage->data);
  try {
    if (tape_.computing_) op.forward(attributes, values.span(), {data, layout});
  } catch (...) {
    tape_.pool_.release(storage);
    throw;
  }
  const Var<T> result = append(&op, data, layout, storage, attributes, append_edges(operands.span()), where);
  tape_.nodes_.back().holds_indices = op.index_output;
  return result;
}

template <class T>
Var<T> Recorder<T>::collapse(const typename Tape<T>::Mark& from, Var<T> y, const Op<T>& op,
                             std::span<const Var<T>> inputs, std::shared_ptr<const void> rule, const Location& where) {
  const Node<T> result = tape_.node(y, op.name);
  tape_.pool_.retain(result.storage_);
  const auto queued = tape_.updates();
  const auto is_queued = [&](std::size_t i) {
    return std::any_of(queued.begin(), queued.end(), [i](const Update<T>& u) { return u.value.index_ == i; });
  };
  for (std::size_t i = from.nodes; i < tape_.nodes_.size(); ++i) {
    if (tape_.nodes_[i].op == nullptr || is_queued(i)) continue;  // not recomputable, or read by commit
    tape_.nodes_[i].generation = 0;                               // invalidates handles
    tape_.give_back(tape_.nodes_[i]);
  }
  std::vector<Var<T>> all(inputs.begin(), inputs.end());
  all.push_back(tape_.keep_alive(std::move(rule), where));
  const std::uint32_t value = y.index_;
  const void* attributes = std::memcpy(tape_.arena_.allocate(sizeof(value)), &value, sizeof(value));
  const Var<T> node =
      append(&op, result.data_, result.layout, result.storage_, attributes, append_edges(std::span(all)), where);
  tape_.nodes_.back().computed = result.computed;
  return node;
}

// An elementwise op whose operands differ in shape or have gaps.
template <class T>
Var<T> Recorder<T>::record_elementwise(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                                       const Location& where) {
  assert(inputs.size() <= Loops::max_values);
  for (std::size_t i = 0; i < inputs.size(); ++i) operand(op, inputs[i], i);
  std::array<Var<T>, Loops::max_values> operands;
  const Layout* layout = broadcast_operands(op, inputs, operands.data(), where);
  std::array<Value<const T>, Loops::max_values> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node<T>& n = tape_.nodes_[operands[i].index_];
    values[i] = {n.data_, n.layout};
  }
  Storage* storage = allocate(layout->size * sizeof(T));
  auto* data = reinterpret_cast<T*>(storage->data);
  if (tape_.computing_)
    kernel::run_elementwise(op.kernels, static_cast<const double*>(attributes), {values.data(), inputs.size()},
                            Value<T>{data, layout});
  return append(&op, data, layout, storage, attributes, append_edges(std::span(operands).first(inputs.size())), where);
}

// Broadcasts operands to one shape, with strides that a kernel can read. Returns the layout of the result.
template <class T>
const Layout* Recorder<T>::broadcast_operands(const Op<T>& op, std::span<const Var<T>> inputs, Var<T>* operands,
                                              const Location& where) {
  const auto layout_of = [&](Var<T> v) { return tape_.nodes_[v.index_].layout; };
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
    operands[i] =
        layout_of(inputs[i])->shape == shape ? inputs[i] : EngineOps<T>::table.broadcast_to(inputs[i], shape, where);
    if (!kernel::reads_directly(*layout_of(operands[i])))
      operands[i] = EngineOps<T>::table.contiguous(operands[i], where);
    if (layout_of(operands[i])->contiguous) result = layout_of(operands[i]);
  }
  return result != nullptr ? result : tape_.keep(contiguous_layout(shape));
}

template <class T>
Var<T> Tape<T>::record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes,
                       std::span<const Var<T>> inputs, const Location& where) {
  return Recorder<T>(*this).record(op, attributes, attribute_bytes, inputs, where);
}

template <class T>
Var<T> Tape<T>::record(const Op<T>& op, std::span<const Operand<T>* const> operands,
                       std::span<const double> parameters) {
  return Recorder<T>(*this).record(op, operands, parameters);
}

template <class T>
Var<T> Tape<T>::collapse(const Mark& from, Var<T> y, const Op<T>& op, std::span<const Var<T>> inputs,
                         std::shared_ptr<const void> rule, const Location& where) {
  return Recorder<T>(*this).collapse(from, y, op, inputs, std::move(rule), where);
}

template <class T>
Var<T> detail::record_operands(const Op<T>& op, std::span<const Operand<T>* const> operands,
                               std::span<const double> parameters) {
  for (const Operand<T>* operand : operands)
    if (const Var<T>& handle = operand->handle(); !handle.empty())
      return handle.tape(op, operand->where()).record(op, operands, parameters);
  throw HandleError(op.subject(),
                    "no operand is a Var recorded on a tape: record one with tape.variable or tape.constant",
                    operands.front()->where());
}

template <class T>
void detail::undo_recording(Tape<T>& tape, const typename Tape<T>::Mark& start, const Location& where) {
  tape.rewind(start);
  try {
    throw;
  } catch (Error& error) {
    error.locate(where);
    throw;
  }
}

#define WENGERT_INSTANTIATE(T)                                                                                       \
  template class Recorder<T>;                                                                                        \
  template Var<T> Tape<T>::record(const Op<T>&, std::span<const Operand<T>* const>, std::span<const double>);        \
  template Var<T> Tape<T>::record(const Op<T>&, const void*, std::size_t, std::span<const Var<T>>, const Location&); \
  template Var<T> Tape<T>::collapse(const Mark&, Var<T>, const Op<T>&, std::span<const Var<T>>,                      \
                                    std::shared_ptr<const void>, const Location&);                                   \
  template void detail::undo_recording(Tape<T>&, const typename Tape<T>::Mark&, const Location&);                    \
  template Var<T> detail::record_operands<T>(const Op<T>&, std::span<const Operand<T>* const>, std::span<const double>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
