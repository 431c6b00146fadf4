// Var, a handle to a node of a tape, and Operand, an argument of an op.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/layout.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/tape/engine_ops.hpp>
#include <wengert/tape/fwd.hpp>
#include <wengert/tape/live_tapes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

namespace wengert {

namespace detail {

template <class T>
inline constexpr bool is_var<Var<T>> = true;

// A contiguous container of Vars.
template <class R>
concept ContainerOfVars = requires(const R& container) {
  std::size(container);
  requires is_var<std::remove_cvref_t<decltype(*std::data(container))>>;
};
template <ContainerOfVars R>
auto span_of_vars(const R& container) {
  return std::span<const std::remove_cvref_t<decltype(*std::data(container))>>(std::data(container),
                                                                               std::size(container));
}

/// Throws HandleError for an operand of `op` that is an empty handle; `what` names it: `the weight`, `operand 2`.
[[noreturn]] void throw_empty_handle(std::string_view op, std::string_view what, const Location& where = {});
/// The same for an operand that belongs to another tape than the others.
[[noreturn]] void throw_foreign_handle(std::string_view op, std::string_view what, const Location& where = {});

}  // namespace detail

/// A handle to a node of a tape: {tape, index, generation}. Cheap to copy; it does not own the tape.
///
/// A handle whose node was rewound, or whose tape was destroyed, throws HandleError and never reads stale memory.
/// Reading a value (`item`, `value`, `view`) also throws HandleError if the tape computes no values.
template <class T>
class Var {
 public:
  using Scalar = T;  ///< float or double

  /// An empty handle; using it throws HandleError.
  Var() = default;

  /// The extents of the value.
  Shape shape(Location where = Location::current()) const { return node("shape", where).layout->shape; }
  /// The number of elements.
  std::size_t size(Location where = Location::current()) const { return node("size", where).layout->size; }
  /// The number of axes.
  std::size_t rank(Location where = Location::current()) const { return node("rank", where).layout->rank(); }
  /// The single element of a value of size 1. Throws ShapeError for any other size.
  T item(Location where = Location::current()) const;
  /// A copy of the value that owns its memory.
  Tensor<T> value(Location where = Location::current()) const;
  /// The value in place, as an xtensor adaptor; valid until the node is rewound or the tape is destroyed.
  auto view(Location where = Location::current()) const {
    node("view", where);
    tape().note_read(where);
    const Value<const T> elements = tape().value_of(index_);
    const Layout& layout = *elements.layout;
    return xt::adapt(elements.data, layout.size, xt::no_ownership(), xt::dynamic_shape<std::size_t>(layout.shape),
                     xt::dynamic_shape<std::ptrdiff_t>(
                         layout.strides.begin(), layout.strides.begin() + static_cast<std::ptrdiff_t>(layout.rank())));
  }
  /// The tape it is recorded on. Throws HandleError, naming `subject` and the caller's line, for an empty handle and
  /// for a destroyed tape.
  Tape<T>& tape(std::string_view subject = "tape", const Location& where = Location::current()) const;
  /// The same for an operand of `op`, whose name is looked up only for an error.
  Tape<T>& tape(const Op<T>& op, const Location& where) const;
  /// The position of its node on the tape.
  std::uint32_t index() const { return index_; }
  bool empty() const { return tape_ == nullptr; }  ///< whether it is an empty handle

  /// Elementwise arithmetic on any mixture of Vars, scalars and tensors; broadcasts as NumPy does.
  ///@{
  friend Var operator+(const Operand<T>& a, const Operand<T>& b) { return ops().add(a, b); }
  friend Var operator-(const Operand<T>& a, const Operand<T>& b) { return ops().subtract(a, b); }
  friend Var operator*(const Operand<T>& a, const Operand<T>& b) { return ops().multiply(a, b); }
  friend Var operator/(const Operand<T>& a, const Operand<T>& b) { return ops().divide(a, b); }
  friend Var operator-(const Operand<T>& a) { return ops().negate(a); }
  friend Var operator+(const Var& a) { return a; }
  ///@}
  /// Comparisons return masks: 1 where they hold, otherwise 0, without gradient. Equality is `equal(a, b)`.
  ///@{
  friend Var operator<(const Operand<T>& a, const Operand<T>& b) { return ops().less(a, b); }
  friend Var operator<=(const Operand<T>& a, const Operand<T>& b) { return ops().less_equal(a, b); }
  friend Var operator>(const Operand<T>& a, const Operand<T>& b) { return ops().greater(a, b); }
  friend Var operator>=(const Operand<T>& a, const Operand<T>& b) { return ops().greater_equal(a, b); }
  ///@}
  /// Records the result; the handle then refers to it.
  ///@{
  Var& operator+=(const Operand<T>& b) { return *this = *this + b; }
  Var& operator-=(const Operand<T>& b) { return *this = *this - b; }
  Var& operator*=(const Operand<T>& b) { return *this = *this * b; }
  Var& operator/=(const Operand<T>& b) { return *this = *this / b; }
  ///@}

 private:
  friend class Tape<T>;
  friend class Recorder<T>;
  friend class Sweep<T>;
  static const EngineOps<T>& ops() { return EngineOps<T>::table; }
  Var(Tape<T>* tape, std::uint32_t index, std::uint32_t generation)
      : tape_(tape), index_(index), generation_(generation) {}
  const Node<T>& node(std::string_view subject, const Location& where) const;
  [[noreturn]] void refuse(std::string_view subject, const Location& where) const;

  Tape<T>* tape_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t generation_ = 0;
};

/// One operand of an op, with its source line: a Var, a Parameter, a scalar, a tensor or an xtensor expression of T.
template <class T>
class Operand {
 public:
  /// From a Var, a scalar, a Parameter, or a tensor or expression of T or bool (a mask). All but Vars and scalars must
  /// live as long as the call.
  ///@{
  Operand(Var<T> var, Location where = Location::current()) : var_(var), where_(where) {}  // NOLINT
  Operand(const Parameter<T>& parameter, Location where = Location::current());            // NOLINT
  template <class S>
  requires std::is_arithmetic_v<S> Operand(S scalar,
                                           Location where = Location::current())  // NOLINT(google-explicit-constructor)
      : scalar_(static_cast<double>(scalar)), is_scalar_(true), where_(where) {}
  template <class E>
  requires OperandElement<typename E::value_type, T> Operand(
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
  const Location& where() const { return where_; }                   ///< its source line
  /// The handle, if it is a Var; may be empty.
  const Var<T>& handle() const { return var_; }
  /// The operand as a Var: itself, a Parameter as a variable of `tape`, anything else as a constant.
  Var<T> on(Tape<T>& tape) const;

 private:
  Var<T> var_;
  const void* tensor_ = nullptr;  // a tensor, expression or Parameter that lives as long as the call
  Var<T> (*record_)(const void*, Tape<T>&, const Location&) = nullptr;
  double scalar_ = 0;
  bool is_scalar_ = false;
  Location where_;
};

template <class T>
Tape<T>& Var<T>::tape(std::string_view subject, const Location& where) const {
  if (!detail::is_live(tape_)) [[unlikely]]
    refuse(subject, where);
  return *tape_;
}

}  // namespace wengert
