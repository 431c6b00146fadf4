// Value: an argument or a result of an imported model.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/onnx/element_type.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/var.hpp>

#include <variant>

namespace wengert::onnx {

/// A tensor of a model: on the tape (a Var or an IndexVar), a Parameter, or known without the tape (a constant, or a
/// number that follows from shapes).
///
/// A tape computes in one scalar type, so a Var also stands for integers and truth values of a model that depend on its
/// inputs, as numbers without a fraction; `type` is the type that the model declares.
template <class T>
class Value {
 public:
  /// An optional input or output that is absent.
  Value() = default;
  /// From a Var, an IndexVar, a Parameter, or known integers or numbers.
  ///@{
  Value(Var<T> x, ElementType type = element_type<T>) : type_(type), data_(x) {}                 // NOLINT
  Value(IndexVar<T> x, ElementType type = ElementType::int64) : type_(type), data_(x) {}         // NOLINT
  Value(Parameter<T> x, ElementType type = element_type<T>) : type_(type), data_(std::move(x)) {}  // NOLINT
  Value(Indices known, ElementType type = ElementType::int64) : type_(type), data_(std::move(known)) {}  // NOLINT
  Value(Tensor<double> known, ElementType type = element_type<T>) : type_(type), data_(std::move(known)) {}  // NOLINT
  ///@}

  /// Whether it is absent.
  bool absent() const { return data_.index() == 0; }
  /// The type that the model declares.
  ElementType type() const { return type_; }
  /// Whether its elements are known without the tape and nothing can change them. False for a Parameter.
  bool constant() const { return holds<Indices>() || holds<Tensor<double>>(); }
  /// Whether it holds an X: a Var, an IndexVar, a Parameter, Indices or a Tensor<double>.
  template <class X>
  bool holds() const {
    return std::holds_alternative<X>(data_);
  }
  /// What it holds. Throws std::bad_variant_access if that is not an X.
  template <class X>
  const X& get() const {
    return std::get<X>(data_);
  }

  /// The same elements, declared to be of another type; nothing is rounded.
  Value as(ElementType type) const {
    Value other = *this;
    other.type_ = type;
    return other;
  }

  /// The extents. Throws ValueError for an absent value.
  Shape shape() const;
  /// The number of axes.
  std::size_t rank() const { return shape().size(); }

  /// On a tape as a Var. Throws ValueError if T cannot hold one of the integers exactly.
  Var<T> var(Tape<T>& tape, Location where = Location::current()) const;
  /// On a tape as integers. Throws ValueError for a number with a fraction.
  IndexVar<T> indices(Tape<T>& tape, Location where = Location::current()) const;
  /// The elements as integers, read from the tape if they are only known there. Throws ValueError for a number with a
  /// fraction, HandleError if the tape computes no values.
  Indices integers(Location where = Location::current()) const;
  /// The elements as numbers, read from the tape if they are only known there.
  Tensor<double> numbers(Location where = Location::current()) const;

 private:
  ElementType type_ = ElementType::undefined;
  std::variant<std::monostate, Var<T>, IndexVar<T>, Parameter<T>, Indices, Tensor<double>> data_;
};

extern template class Value<float>;
extern template class Value<double>;

}  // namespace wengert::onnx
