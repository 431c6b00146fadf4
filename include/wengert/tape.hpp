// Tape and Var: the Wengert list and the handles to its nodes.
#pragma once

#include <wengert/error.hpp>
#include <wengert/fwd.hpp>
#include <wengert/kernel/isa.hpp>
#include <wengert/layout.hpp>
#include <wengert/parameter.hpp>
#include <wengert/pool.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// xtensor takes every type beside one of its own for a scalar, so `var * array` would be a hard error inside its
// operators; without a type for their result they step aside, and ours are found.
namespace wengert::detail {
template <class E>
inline constexpr bool is_var = false;
template <class T>
inline constexpr bool is_var<Var<T>> = true;
}  // namespace wengert::detail
namespace xt::detail {
template <class F, class... E>
requires(wengert::detail::is_var<std::remove_cvref_t<E>> || ...) struct xfunction_type<F, E...> {
};
}  // namespace xt::detail

namespace wengert {

// The ops behind the operators of Var: see ops/elementwise.hpp.
#define WENGERT_OPERATORS(T)                                 \
  Var<T> add(const Operand<T>& a, const Operand<T>& b);      \
  Var<T> subtract(const Operand<T>& a, const Operand<T>& b); \
  Var<T> multiply(const Operand<T>& a, const Operand<T>& b); \
  Var<T> divide(const Operand<T>& a, const Operand<T>& b);   \
  Var<T> negate(const Operand<T>& x);                        \
  Var<T> less(const Operand<T>& a, const Operand<T>& b);     \
  Var<T> less_equal(const Operand<T>& a, const Operand<T>& b);
WENGERT_OPERATORS(float)
WENGERT_OPERATORS(double)
#undef WENGERT_OPERATORS

/// A handle to a node of a tape: {tape, index, generation}. Cheap to copy; it does not own the tape.
///
/// While its tape lives, a handle whose node was rewound throws HandleError; it never reads stale memory.
template <class T>
class Var {
 public:
  using Scalar = T;  ///< float or double

  /// An empty handle, which every use refuses.
  Var() = default;

  /// The extents of the value.
  Shape shape() const { return node("shape").layout->shape; }
  /// The number of elements.
  std::size_t size() const { return node("size").layout->size; }
  /// The number of axes.
  std::size_t rank() const { return node("rank").layout->rank(); }
  /// The single element of a value of size 1. Throws ShapeError for any other size.
  T item(Location where = Location::current()) const;
  /// A copy of the value that owns its memory.
  Tensor<T> value(Location where = Location::current()) const;
  /// The value in place, as an xtensor adaptor; valid until the tape is rewound behind this node or destroyed.
  auto view(Location where = Location::current()) const {
    const Node<T>& n = node("view");
    tape().note_read(where);
    const Layout& layout = *n.layout;
    return xt::adapt(static_cast<const T*>(n.data), layout.size, xt::no_ownership(),
                     xt::dynamic_shape<std::size_t>(layout.shape),
                     xt::dynamic_shape<std::ptrdiff_t>(
                         layout.strides.begin(), layout.strides.begin() + static_cast<std::ptrdiff_t>(layout.rank())));
  }
  /// The tape it is recorded on. Throws HandleError for an empty handle.
  Tape<T>& tape() const;
  /// The position of its node on the tape.
  std::uint32_t index() const { return index_; }
  bool empty() const { return tape_ == nullptr; }  ///< whether it refers to nothing

  /// Arithmetic, element by element, takes Vars, scalars and tensors in any mixture and broadcasts as NumPy does.
  ///@{
  friend Var operator+(const Operand<T>& a, const Operand<T>& b) { return add(a, b); }
  friend Var operator-(const Operand<T>& a, const Operand<T>& b) { return subtract(a, b); }
  friend Var operator*(const Operand<T>& a, const Operand<T>& b) { return multiply(a, b); }
  friend Var operator/(const Operand<T>& a, const Operand<T>& b) { return divide(a, b); }
  friend Var operator-(const Operand<T>& a) { return negate(a); }
  friend Var operator+(const Var& a) { return a; }
  ///@}
  /// Comparisons give masks: 1 where they hold, otherwise 0, without gradient. Equality is `equal(a, b)`.
  ///@{
  friend Var operator<(const Operand<T>& a, const Operand<T>& b) { return less(a, b); }
  friend Var operator<=(const Operand<T>& a, const Operand<T>& b) { return less_equal(a, b); }
  friend Var operator>(const Operand<T>& a, const Operand<T>& b) { return greater(a, b); }
  friend Var operator>=(const Operand<T>& a, const Operand<T>& b) { return greater_equal(a, b); }
  ///@}
  Var& operator+=(const Operand<T>& b) { return *this = *this + b; }  ///< refers to the sum
  Var& operator-=(const Operand<T>& b) { return *this = *this - b; }  ///< refers to the difference
  Var& operator*=(const Operand<T>& b) { return *this = *this * b; }  ///< refers to the product
  Var& operator/=(const Operand<T>& b) { return *this = *this / b; }  ///< refers to the quotient

 private:
  friend class Tape<T>;
  Var(Tape<T>* tape, std::uint32_t index, std::uint32_t generation)
      : tape_(tape), index_(index), generation_(generation) {}
  const Node<T>& node(std::string_view subject) const;

  Tape<T>* tape_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t generation_ = 0;
};

/// One operand of an op as the caller wrote it, with the line it was written on: a Var, a Parameter, a scalar, a tensor
/// or an xtensor expression of T.
template <class T>
class Operand {
 public:
  /// From a Var, a scalar, or a Parameter, tensor or expression, which must live as long as the call.
  ///@{
  Operand(Var<T> var, Location where = Location::current()) : var_(var), where_(where) {}  // NOLINT
  Operand(const Parameter<T>& parameter, Location where = Location::current());            // NOLINT
  template <class S>
  requires std::is_arithmetic_v<S> Operand(S scalar, Location where = Location::current())  // NOLINT
      : scalar_(static_cast<double>(scalar)), is_scalar_(true), where_(where) {}
  template <class E>
  requires std::is_same_v<typename E::value_type, T> Operand(
      const xt::xexpression<E>& tensor, Location where = Location::current())  // NOLINT(google-explicit-constructor)
      : tensor_(std::addressof(tensor.derived_cast())),
        record_([](const void* t, Tape<T>& tape, const Location& line) {
          return tape.constant(*static_cast<const E*>(t), line);
        }),
        where_(where) {}
  ///@}

  bool is_var() const { return !is_scalar_ && tensor_ == nullptr; }  ///< whether it is a Var
  bool is_scalar() const { return is_scalar_; }                      ///< whether it is a scalar
  double scalar() const { return scalar_; }                          ///< the scalar
  const Location& where() const { return where_; }                   ///< the line it was written on
  /// The handle, if it is one; may be empty.
  const Var<T>& handle() const { return var_; }
  /// The operand as a Var: itself, a Parameter as a variable of `tape`, anything else as a constant.
  Var<T> on(Tape<T>& tape) const;

 private:
  Var<T> var_;
  const void* tensor_ = nullptr;  // or an expression or Parameter, which lives as long as the call
  Var<T> (*record_)(const void*, Tape<T>&, const Location&) = nullptr;
  double scalar_ = 0;
  bool is_scalar_ = false;
  Location where_;
};

/// One entry of the tape: an op applied to earlier entries, or a leaf, with its value. Fits a cache line.
template <class T>
struct Node {
  const Op<T>* op = nullptr;         ///< null: a leaf
  T* data = nullptr;                 ///< the first element
  const Layout* layout = nullptr;    ///< shape and strides
  Storage* storage = nullptr;        ///< what `data` points into
  const void* attributes = nullptr;  ///< the op's parameters; a leaf's name
  Location where;                    ///< the caller's line
  std::uint32_t first_edge = 0;      ///< its inputs are edges[first_edge …], in order
  std::uint32_t generation = 0;      ///< counts recordings, so that handles to rewound nodes are told
  bool holds_indices = false;        ///< `data` points to 64-bit whole numbers; see IndexVar
  bool released = false;             ///< a gradient's temporary whose storage was given back before the rewind
  bool repeated = false;             ///< computes again, on purpose, what an older node computed (checkpoint)
  bool versioned = false;            ///< `storage` is a parameter's, which may change
};

/// The Wengert list: one contiguous sequence of nodes in topological order, which owns their values in pooled memory.
///
/// Recording computes at once, so a failed op throws at the line that made it and leaves the tape as it was. After one
/// warm-up step, recording a same-shaped step and its gradient allocates nothing. Not thread-safe: one tape a thread.
template <class T>
class Tape {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "wengert: a tape holds float or double");

 public:
  /// A position on the tape to rewind to.
  struct Mark {
    std::size_t nodes = 0;         ///< how many there were
    std::size_t edges = 0;         ///< how many there were
    Arena::Mark arena;             ///< how much of it was in use
    std::uint32_t generation = 0;  ///< of the last node kept
    const Tape* tape = nullptr;    ///< none: the beginning of any
  };

  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Records a value to differentiate with respect to. Copies it.
  Var<T> variable(const Tensor<T>& value, std::string_view name = {}, Location where = Location::current());
  /// The same, taking over its memory.
  Var<T> variable(Tensor<T>&& value, std::string_view name = {}, Location where = Location::current());
  /// Records a parameter by reference to its memory; again, until it changes or is rewound, gives the same Var: its
  /// gradient is that of all its uses.
  Var<T> variable(const Parameter<T>& parameter, Location where = Location::current());
  /// The Var of a parameter as it was recorded last, even if it changed since; recorded now if it is not on the tape.
  Var<T> recorded(const Parameter<T>& parameter, Location where = Location::current());
  /// Records a value that is not differentiated. Copies it.
  Var<T> constant(const Tensor<T>& value, Location where = Location::current());
  Var<T> constant(Tensor<T>&& value, Location where = Location::current());  ///< takes over its memory
  Var<T> constant(T value, Location where = Location::current());            ///< a scalar, of rank 0
  /// The value of an expression, evaluated in place.
  template <class E>
  requires(!std::is_same_v<E, Tensor<T>>) Var<T> constant(const xt::xexpression<E>& expression,
                                                          Location where = Location::current()) {
    const E& e = expression.derived_cast();
    const Var<T> result = uninitialised(Shape(e.shape()), where);
    auto target = xt::adapt(nodes_.back().data, nodes_.back().layout->size, xt::no_ownership(),
                            xt::dynamic_shape<std::size_t>(nodes_.back().layout->shape));
    xt::noalias(target) = e;
    return result;
  }
  /// Records whole numbers: labels or positions (see index_var.hpp). Copies them.
  IndexVar<T> indices(const Indices& numbers, Location where = Location::current());
  /// Records the caller's memory itself, which must stay alive and unchanged until the node is rewound.
  Var<T> borrow(const Tensor<T>& value, Location where = Location::current());
  /// A temporary would be gone before it is read.
  Var<T> borrow(Tensor<T>&& temporary, Location where = Location::current()) = delete;
  template <class E>
  requires(!std::is_same_v<E, Tensor<T>>) Var<T> borrow(const xt::xexpression<E>& expression,
                                                        Location where = Location::current())
  = delete;
  /// The same for elements in row-major order.
  Var<T> borrow(std::span<const T> elements, const Shape& shape, Location where = Location::current());

  Mark mark() const;  ///< the current end of the tape
  /// Gives back every node and value recorded since `mark`; their handles throw from now on.
  /// Throws HandleError if the mark is of another tape, if the tape was rewound behind it already, or if a sweep that
  /// began later is under way.
  void rewind(const Mark& mark);
  void clear() { rewind(Mark{}); }  ///< gives back everything

  /// A parameter and the value it is to get.
  struct Update {
    Parameter<T> parameter;  ///< which one is written
    Var<T> value;            ///< what it becomes
  };
  /// Queues an update: `commit` will write `value` into the parameter. A rewind behind the value drops it.
  /// Throws ShapeError if the shapes differ.
  void update(const Parameter<T>& parameter, Var<T> value, Location where = Location::current());
  /// The parameter as queued updates leave it: the last one's value, or else the parameter, recorded.
  Var<T> updated(const Parameter<T>& parameter, Location where = Location::current());
  std::span<const Update> updates() const { return updates_; }  ///< the queued updates, in order
  /// Writes the queued updates and empties the queue. Call it after the gradients, before the tape is rewound.
  void commit();
  std::vector<Update> exchange_updates(std::vector<Update> updates);  ///< replaces the queue; returns the old one

  std::size_t size() const { return nodes_.size(); }  ///< the number of nodes
  /// Whether recording computes values; returns whether it did before. Without, shapes are checked and nodes appended,
  /// values have memory that nothing is written to, and reading one throws HandleError: enough for a Program.
  bool compute_values(bool on) { return std::exchange(computing_, on); }
  bool computes_values() const { return computing_; }  ///< whether recording computes values
  /// Whether what is recorded repeats older nodes on purpose; returns whether it did before. See checkpoint.
  bool repeat(bool on) { return std::exchange(repeating_, on); }
  /// The line that read a value (`item`, `value`, `view`) before more was recorded, if one did: what was recorded may
  /// depend on that value.
  const Location* value_dependence() const { return read_at_ < nodes_.size() ? &read_line_ : nullptr; }
  /// Whether recording stops at the first value that is not finite; returns whether it did before. See TraceNaN.
  bool trace_nan(bool on) { return std::exchange(trace_nan_, on); }
  std::size_t reserved_bytes() const { return pool_.reserved_bytes(); }  ///< held for values, in use or free

  // ---- for op authors and transforms ----------------------------------------------------------------------------

  /// Records `op`, whose attributes are copied from `attributes`. Throws the op's errors, and HandleError for an
  /// operand that is empty, rewound, of another tape, or a parameter changed since; a failed call records nothing.
  Var<T> record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes, std::span<const Var<T>> inputs,
                const Location& where);
  /// A leaf without elements that keeps `owner` alive; a pointer to it is the leaf's data.
  Var<T> keep_alive(std::shared_ptr<const void> owner, const Location& where);
  /// The parameter that a leaf refers to; nothing for other nodes.
  std::optional<Parameter<T>> parameter(std::size_t index) const;
  /// Notes that a value was read; see `value_dependence`.
  void note_read(const Location& where) const {
    if (!computing_) throw_not_computed(where);
    if (nodes_.size() >= read_at_) return;
    read_at_ = nodes_.size();
    read_line_ = where;
  }
  /// The same for an elementwise op on what a caller wrote, with the op's scalar parameters.
  Var<T> record(const Op<T>& op, std::span<const Operand<T>* const> operands, std::span<const double> parameters);
  /// Turns everything recorded since `from` into one node of the value of `y`: an `op` of `inputs`, which are older
  /// than `from`, and of a last input that keeps `rule` alive, a pointer to which is its data. The nodes since `from`
  /// remain for a Program to replay, but their values are given back.
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

  /// What becomes of a sweep's temporaries: kept as nodes to differentiate again, or recycled after their last use.
  enum class Temporaries { keep, recycle };
  /// Whether the variables of a sweep count as depending on one another, or as independent: then the sweep does not go
  /// on behind them.
  enum class Variables { dependent, independent };
  /// The reverse sweep: records the gradients of `root`, weighted by `cotangent`, with respect to `wrt` into
  /// `gradients`. A Var that `root` does not depend on gets zeros.
  void sweep(Var<T> root, Var<T> cotangent, std::span<const Var<T>> wrt, std::span<Var<T>> gradients,
             Temporaries temporaries, Variables variables = Variables::dependent);

 private:
  friend class Pullback<T>;
  struct Adjoint {
    static constexpr std::uint32_t none = 0xffffffff;
    std::uint32_t node = none;  // the sum of the cotangents so far
    bool depends = false;       // on one of the variables asked for
    bool asked = false;         // one of them
  };
  class Rollback;
  class SweepScope;

  Var<T> record_parameter(const Parameter<T>& parameter, const Location& where);
  Var<T> leaf(Storage* storage, const Layout* layout, const void* attributes, const Location& where);
  Var<T> uninitialised(const Shape& shape, const Location& where);
  template <class Handles>
  std::uint32_t append_edges(Handles inputs);
  Var<T> append(const Op<T>* op, T* data, const Layout* layout, Storage* storage, const void* attributes,
                std::uint32_t first_edge, const Location& where);
  void require_finite(const Op<T>& op, const T* data, const Layout& layout, std::span<const std::uint32_t> inputs,
                      const Location& where) const;
  [[noreturn]] static void throw_not_computed(const Location& where);
  void give_back(Node<T>& node);
  const Layout* keep(const Layout& layout);
  const void* keep_name(std::string_view name);
  bool is_current(const Var<T>& var) const;
  const Node<T>& operand(const Op<T>& op, Var<T> var, std::size_t position) const;
  template <class Handles>
  Var<T> record_direct(const Op<T>& op, const void* attributes, Handles inputs, const Location& where);
  Var<T> record_view(const Op<T>& op, const void* attributes, Var<T> input, const Location& where);
  Var<T> record_elementwise(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                            const Location& where);
  const Layout* broadcast_operands(const Op<T>& op, std::span<const Var<T>> inputs, Var<T>* operands,
                                   const Location& where);
  Var<T> record_structural(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                           const Location& where);
  std::size_t mark_dependents(std::size_t base, Var<T> root, std::span<const Var<T>> wrt);
  void accumulate(std::size_t slot, const Var<T>& cotangent) {
    if (adjoints_[slot].node == Adjoint::none && temporaries_ == Temporaries::keep)
      adjoints_[slot].node = cotangent.index_;
    else
      accumulate_further(slot, cotangent);
  }
  void accumulate_further(std::size_t slot, Var<T> cotangent);

  std::vector<Node<T>> nodes_;
  std::vector<std::uint32_t> edges_;
  std::vector<Adjoint> adjoints_;  // of the sweeps under way, one after another: a vjp may itself take gradients
  std::vector<Update> updates_;
  detail::LastRecorded last_recorded_;
  Pool pool_;
  Arena arena_;
  std::uint32_t generation_;
  std::size_t sweep_begin_ = 0;  // during a sweep: the nodes before it
  Temporaries temporaries_ = Temporaries::keep;
  bool trace_nan_ = false;
  bool repeating_ = false;
  bool computing_ = true;
  mutable std::size_t read_at_ = static_cast<std::size_t>(-1);  // the nodes there were when a value was first read
  mutable Location read_line_;
  const Location* sweep_location_ = nullptr;  // during a sweep: the line of the node being differentiated
};

// ---- inline definitions --------------------------------------------------------------------------------------------

template <class T>
const Node<T>& Var<T>::node(std::string_view subject) const {
  return tape().node(*this, subject);
}

template <class T>
Tape<T>& Var<T>::tape() const {
  if (tape_ == nullptr) throw HandleError("Var", "empty handle: it was never recorded on a tape");
  return *tape_;
}

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace wengert
