// IndexVar: integers on a tape, which ops take as labels and indices.
#pragma once

#include <wengert/tape/tape.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

namespace wengert {

/// A handle to integers on a tape: labels, indices, the result of argmax. They have no gradient.
///
/// Made by `tape.indices(array)` and by ops. Cheap to copy, and checked like a Var.
template <class T>
class IndexVar {
 public:
  /// The tape's scalar type; the elements themselves are 64-bit integers.
  using Scalar = T;

  /// An empty handle; using it throws HandleError.
  IndexVar() = default;

  /// The extents of the value.
  Shape shape(Location where = Location::current()) const { return handle_.shape(where); }
  /// The number of elements.
  std::size_t size(Location where = Location::current()) const { return handle_.size(where); }
  /// The number of axes.
  std::size_t rank(Location where = Location::current()) const { return handle_.rank(where); }
  /// The single element of a value of size 1. Throws ShapeError for any other size.
  std::int64_t item(Location where = Location::current()) const;
  /// A copy of the elements.
  Indices value(Location where = Location::current()) const;
  /// The tape it is recorded on. Throws HandleError for an empty handle.
  Tape<T>& tape(std::string_view subject = "tape", const Location& where = Location::current()) const {
    return handle_.tape(subject, where);
  }
  /// The position of its node on the tape.
  std::uint32_t index() const { return handle_.index(); }
  /// Whether it is an empty handle.
  bool empty() const { return handle_.empty(); }
  /// Writes the shape and the elements, as for a Var.
  friend std::ostream& operator<<(std::ostream& out, const IndexVar& var) { return out << var.handle_; }

  /// For op authors: the handle of its node, as `record` takes and returns it.
  const Var<T>& handle() const { return handle_; }
  /// For op authors: from the handle of a node that holds integers.
  explicit IndexVar(Var<T> node) : handle_(node) {}

 private:
  Var<T> handle_;
};

/// Indices passed to an op: an IndexVar, an array, or a list of integers (braces, or a container).
template <class T>
class IndexOperand {
 public:
  /// From a handle, an array or a list of integers.
  ///@{
  IndexOperand(IndexVar<T> var, Location where = Location::current()) : var_(var), where_(where) {}  // NOLINT
  template <class E>
  requires(std::is_integral_v<typename E::value_type> && !std::is_same_v<typename E::value_type, bool>)
      IndexOperand(const xt::xexpression<E>& array,
                   Location where = Location::current())  // NOLINT(google-explicit-constructor)
      : array_(xt::cast<std::int64_t>(array.derived_cast())), is_array_(true), where_(where) {}
  template <class E>
  requires std::is_same_v<typename E::value_type, bool> IndexOperand(  // a mask: use where(mask, …) or masked_select
      const xt::xexpression<E>& mask, Location where = Location::current())
  = delete;
  IndexOperand(std::initializer_list<std::int64_t> list, Location where = Location::current())  // NOLINT
      : array_(Indices::from_shape({list.size()})), is_array_(true), where_(where) {
    std::copy(list.begin(), list.end(), array_.begin());
  }
  template <detail::SizedRangeOfIntegers R>
  requires(!std::derived_from<R, xt::xexpression<R>> && !std::is_same_v<typename R::value_type, bool>)
      IndexOperand(const R& list, Location where = Location::current())  // NOLINT(google-explicit-constructor)
      : array_(Indices::from_shape({std::size(list)})), is_array_(true), where_(where) {
    std::copy(std::begin(list), std::end(list), array_.begin());
  }
  ///@}

  /// The source line of the operand.
  const Location& where() const { return where_; }
  /// The operand as an IndexVar: itself, or recorded on `tape`.
  IndexVar<T> on(Tape<T>& tape) const { return is_array_ ? tape.indices(array_, where_) : var_; }

 private:
  IndexVar<T> var_;
  Indices array_;
  bool is_array_ = false;
  Location where_;
};

extern template class IndexVar<float>;
extern template class IndexVar<double>;

}  // namespace wengert
