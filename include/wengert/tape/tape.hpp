// Tape: the Wengert list, and the memory of its values. Recorder and Sweep append nodes to it.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/layout.hpp>
#include <wengert/base/storage.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/tape/fwd.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/sweep_state.hpp>
#include <wengert/tape/updates.hpp>
#include <wengert/tape/var.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

/// One entry of the tape: an op applied to earlier nodes, or a leaf. `Tape::value_of` gives access to its value. Fills
/// one cache line.
template <class T>
struct Node {
  const Op<T>* op = nullptr;         ///< null: a leaf
  const Layout* layout = nullptr;    ///< shape and strides
  const void* attributes = nullptr;  ///< the op's attributes; a leaf's name
  Location where;                    ///< the caller's line
  std::uint32_t first_edge = 0;      ///< its inputs are edges[first_edge …], in order
  std::uint32_t generation = 0;      ///< identifies the recording, to detect handles to rewound nodes
  bool holds_indices = false;        ///< its elements are 64-bit integers; see IndexVar
  bool released = false;             ///< its storage was released early: a gradient's temporary, or a collapsed node
  bool repeated = false;             ///< deliberately recomputes an older node (checkpoint)
  bool versioned = false;            ///< its memory belongs to a parameter, which may change
  bool computed = true;              ///< has a value; false if recorded while the tape computed no values

 private:
  friend class Tape<T>;
  friend class Recorder<T>;
  friend class Sweep<T>;
  friend class ScatterSum<T>;
  T* data_ = nullptr;           // the first element
  Storage* storage_ = nullptr;  // the storage that holds it
};

/// The Wengert list: one contiguous sequence of nodes in topological order, which owns their values in pooled memory.
///
/// Recording computes immediately: an op that fails throws at the line that called it and leaves the tape unchanged.
/// After one warm-up step, recording a step of the same shapes and its gradient allocates nothing. Not thread-safe: use
/// one tape per thread.
template <class T>
class Tape {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "wengert: a tape holds float or double");

 public:
  /// A position on the tape to rewind to.
  struct Mark {
    std::size_t nodes = 0;         ///< number of nodes
    std::size_t edges = 0;         ///< number of edges
    Arena::Mark arena;             ///< position in the arena
    std::uint32_t generation = 0;  ///< generation of the last node kept
    const Tape* tape = nullptr;    ///< null: the beginning of any tape
  };

  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Records a copy of a value to differentiate with respect to. Listings and `explain` show its name.
  Var<T> variable(const Tensor<T>& value, std::string_view name = {}, Location where = Location::current());
  /// The same, but takes over the tensor's memory.
  Var<T> variable(Tensor<T>&& value, std::string_view name = {}, Location where = Location::current());
  /// Records a parameter by reference to its memory. Repeated calls return the same Var until the parameter changes or
  /// its node is rewound, so its gradient covers all uses.
  Var<T> variable(const Parameter<T>& parameter, Location where = Location::current());
  /// The last Var recorded for a parameter, even if the parameter has changed since; records it if there is none.
  Var<T> recorded(const Parameter<T>& parameter, Location where = Location::current());
  /// Records a copy of a value that is not to be differentiated. A Program keeps the copy.
  Var<T> constant(const Tensor<T>& value, Location where = Location::current());
  Var<T> constant(Tensor<T>&& value, Location where = Location::current());  ///< takes over the tensor's memory
  Var<T> constant(T value, Location where = Location::current());            ///< a scalar, of rank 0
  /// Records the value of an expression, evaluated into the tape's memory.
  template <class E>
  requires(!std::is_same_v<E, Tensor<T>>) Var<T> constant(const xt::xexpression<E>& expression,
                                                          Location where = Location::current()) {
    const E& e = expression.derived_cast();
    const Var<T> result = uninitialised(Shape(e.shape()), where);
    auto target = xt::adapt(nodes_.back().data_, nodes_.back().layout->size, xt::no_ownership(),
                            xt::dynamic_shape<std::size_t>(nodes_.back().layout->shape));
    xt::noalias(target) = e;
    return result;
  }
  /// Records a copy of integers, such as labels or indices (see index_var.hpp).
  IndexVar<T> indices(const Indices& numbers, Location where = Location::current());
  /// Records a tensor by reference to the caller's memory, which must stay alive and unchanged until the node is
  /// rewound. A Program reads the tensor at each replay, so it must stay alive, at the same address, as long as the
  /// Program replays.
  Var<T> borrow(const Tensor<T>& value, Location where = Location::current());
  /// Deleted: a temporary would be destroyed before it is read.
  Var<T> borrow(const Tensor<T>&& temporary, Location where = Location::current()) = delete;
  template <class E>
  requires(!std::is_same_v<E, Tensor<T>>) Var<T> borrow(const xt::xexpression<E>& expression,
                                                        Location where = Location::current())
  = delete;
  /// The same for elements in row-major order. Throws ShapeError if their number does not fit the shape. A Program
  /// accepts them only as one of its inputs.
  Var<T> borrow(std::span<const T> elements, const Shape& shape, Location where = Location::current());

  Mark mark() const;  ///< the current end of the tape
  /// Removes all nodes recorded since `mark`, with their values; their handles then throw. Throws HandleError if the
  /// mark belongs to another tape, if the tape was already rewound past it, or if a sweep that began after it is in
  /// progress.
  void rewind(const Mark& mark, Location where = Location::current());
  /// Removes everything. Throws ValueError if queued updates were neither committed nor compiled.
  void clear(Location where = Location::current());

  /// Queues an update: `commit` writes `value` to the parameter. Rewinding `value` drops the update. Throws ShapeError
  /// if the shapes differ, and ValueError if an update of the parameter is already queued, unless `value` was computed
  /// from `updated(parameter)`.
  void update(const Parameter<T>& parameter, Var<T> value, Location where = Location::current()) {
    updates_.add(parameter, value, where);
  }
  /// The parameter's value after the queued updates: a view of the last one's value, or the recorded parameter if none
  /// is queued.
  Var<T> updated(const Parameter<T>& parameter, Location where = Location::current()) {
    return updates_.updated(parameter, where);
  }
  /// Writes the queued updates and empties the queue. Call it after taking gradients, before rewinding the tape. Throws
  /// HandleError during the recording of a Program, which writes the updates at each replay.
  void commit(Location where = Location::current()) { updates_.write(where); }
  void discard_updates() { updates_.clear(); }  ///< drops the queued updates; no parameter changes
  std::span<const Update<T>> updates() const { return updates_.all(); }  ///< the queued updates, in order

  std::size_t size() const { return nodes_.size(); }  ///< the number of nodes
  /// Sets whether recording computes values; returns the previous setting. If not, it only checks shapes and appends
  /// nodes, which suffices for a Program: the memory of values is never written, and reading one throws HandleError.
  bool compute_values(bool on) { return std::exchange(computing_, on); }
  bool computes_values() const { return computing_; }  ///< whether recording computes values
  /// Sets whether recording is for a Program, so that `commit` throws; returns the previous setting.
  bool record_for_program(bool on) { return std::exchange(for_program_, on); }
  bool writes_parameters() const { return computing_ && !for_program_; }  ///< whether `commit` may write
  /// Sets whether nodes are recorded as deliberate repetitions of older ones (checkpoint); returns the previous
  /// setting.
  bool repeat(bool on) { return std::exchange(repeating_, on); }
  /// The line that read a value (`item`, `value`, `view`) before more was recorded, or null. What was recorded
  /// afterwards may depend on that value, even if its node was rewound since. `clear` resets this.
  const Location* value_dependence() const { return read_at_ < nodes_.size() ? &read_line_ : nullptr; }
  /// Sets whether recording stops at the first value that is not finite; returns the previous setting. See TraceNaN.
  /// Throws HandleError if values are not computed.
  bool trace_nan(bool on, Location where = Location::current()) {
    if (on) require_values("TraceNaN", "trace a step on a tape that computes values", where);
    return std::exchange(trace_nan_, on);
  }
  std::size_t reserved_bytes() const { return pool_.reserved_bytes(); }  ///< reserved for values, in use or free

  // ---- for op authors and transforms ----------------------------------------------------------------------------

  /// Records `op` with a copy of `attributes`. Throws the op's errors, and HandleError for an operand that is empty,
  /// rewound, on another tape, or a parameter that has changed since; a failed call records nothing.
  Var<T> record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes, std::span<const Var<T>> inputs,
                const Location& where);
  /// Records a leaf without elements that keeps `owner` alive; see `owner`.
  Var<T> keep_alive(std::shared_ptr<const void> owner, const Location& where);
  /// The parameter that a leaf refers to; nullopt for other nodes.
  std::optional<Parameter<T>> parameter(std::size_t index) const;
  /// Throws HandleError, with `advice` in its message, if values are not computed.
  void require_values(std::string_view subject, std::string_view advice, const Location& where) const {
    if (!computing_) [[unlikely]]
      throw_not_computed(subject, advice, where);
  }
  /// Notes that a value was read; see `value_dependence`. Throws HandleError if values are not computed.
  void note_read(const Location& where) const {
    require_values("value", "take them from the Program's results, or set allow_value_dependence", where);
    if (nodes_.size() >= read_at_) return;
    read_at_ = nodes_.size();
    read_line_ = where;
  }
  /// The elements of a node. Throws HandleError if it was recorded while the tape computed no values, or if its storage
  /// was released. Leaf nodes always have elements.
  Value<const T> value_of(std::size_t index) const {
    const Node<T>& n = nodes_[index];
    if (!n.computed || n.released) [[unlikely]]
      throw_without_value(index);
    return {n.data_, n.layout};
  }
  /// The address of a node's elements, computed or not, to tell which nodes share memory. To read them, use `value_of`.
  const void* address(std::size_t index) const { return nodes_[index].data_; }
  /// Whether a node was recorded by `borrow`; its `owner` then points to the caller's Tensor, or is null.
  bool is_borrowed(std::size_t index) const { return nodes_[index].storage_->borrowed; }
  /// The object that keeps a leaf's memory alive; null if the tape or the caller does.
  const std::shared_ptr<const void>& owner(std::size_t index) const { return nodes_[index].storage_->owner; }
  UpdateQueue<T>& update_queue() { return updates_; }  ///< the queue of updates itself
  /// Records an elementwise op on the caller's operands, with the op's scalar parameters.
  Var<T> record(const Op<T>& op, std::span<const Operand<T>* const> operands, std::span<const double> parameters);
  /// Collapses everything recorded since `from` into one node with the value of `y`. Its op is `op`; its inputs are
  /// `inputs`, all older than `from`, and a last one that owns `rule`. The nodes since `from` remain for a Program to
  /// replay, but their values are released.
  Var<T> collapse(const Mark& from, Var<T> y, const Op<T>& op, std::span<const Var<T>> inputs,
                  std::shared_ptr<const void> rule, const Location& where);
  /// The node of a valid handle; `subject` names the caller in the error.
  const Node<T>& node(Var<T> var, std::string_view subject, const Location& where = {}) const;
  const Node<T>& node(std::size_t index) const { return nodes_[index]; }  ///< the node at a position
  /// The inputs of a node, as node indices.
  std::span<const std::uint32_t> inputs(std::size_t index) const {
    const std::size_t first = nodes_[index].first_edge;
    const std::size_t end = index + 1 < nodes_.size() ? nodes_[index + 1].first_edge : edges_.size();
    return {edges_.data() + first, end - first};
  }
  /// The handle of a node.
  Var<T> at(std::size_t index) { return {this, static_cast<std::uint32_t>(index), nodes_[index].generation}; }
  /// The name given to a variable or parameter; empty for other nodes.
  std::string_view name(std::size_t index) const;

 private:
  friend class Recorder<T>;
  friend class Sweep<T>;
  friend class Pullback<T>;
  friend class ScatterSum<T>;

  Var<T> record_parameter(const Parameter<T>& parameter, const Location& where);
  Var<T> leaf(Storage* storage, const Layout* layout, const void* attributes, const Location& where);
  Var<T> uninitialised(const Shape& shape, const Location& where);
  [[noreturn]] static void throw_not_computed(std::string_view subject, std::string_view advice, const Location& where);
  [[noreturn]] void throw_without_value(std::size_t index) const;
  void give_back(Node<T>& node);
  const Layout* keep(const Layout& layout);
  const void* keep_name(std::string_view name);

  std::vector<Node<T>> nodes_;
  std::vector<std::uint32_t> edges_;
  UpdateQueue<T> updates_;
  detail::LastRecorded last_recorded_;
  Pool pool_;
  Arena arena_;
  std::uint32_t generation_;
  SweepState sweep_;
  bool trace_nan_ = false;
  bool repeating_ = false;
  bool computing_ = true;
  bool for_program_ = false;
  static constexpr std::size_t nothing_read = static_cast<std::size_t>(-1);
  mutable std::size_t read_at_ = nothing_read;  // number of nodes when a value was first read; a rewind may lower it
  mutable Location read_line_;
};

// ---- inline definitions --------------------------------------------------------------------------------------------

template <class T>
const Node<T>& Var<T>::node(std::string_view subject, const Location& where) const {
  return tape(subject, where).node(*this, subject, where);
}

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace wengert
