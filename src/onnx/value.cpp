// Value: conversions between what an imported model computes with.
#include <wengert/base/error.hpp>
#include <wengert/onnx/value.hpp>
#include <wengert/ops/index.hpp>

#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace wengert::onnx {

namespace {

// The number of integers that a T holds exactly, from 0 on.
template <class T>
constexpr std::int64_t exact_integers = std::int64_t{1} << std::numeric_limits<T>::digits;

// The integers as numbers of U. Throws ValueError if U cannot hold one of them as a number of T exactly.
template <class T, class U>
Tensor<U> as_numbers(const Indices& integers, const Location& where) {
  Tensor<U> numbers = Tensor<U>::from_shape(integers.shape());
  std::size_t i = 0;
  for (const std::int64_t integer : integers) {
    if (integer > exact_integers<T> || integer < -exact_integers<T>)
      throw ValueError("onnx",
                       fmt::format("the integer {} cannot be computed with exactly: a number of this model's scalar "
                                   "type holds integers up to {}",
                                   integer, exact_integers<T>),
                       where);
    numbers.data()[i++] = static_cast<U>(integer);
  }
  return numbers;
}

// The numbers, which are whole, as integers. A number of the largest magnitude that a T holds exactly may be a rounded
// one.
template <class T, class E>
Indices as_integers(const E& numbers, const Location& where) {
  Indices integers = Indices::from_shape(numbers.shape());
  std::size_t i = 0;
  for (const auto x : numbers) {
    const auto number = static_cast<double>(x);
    if (!(std::fabs(number) <= std::numeric_limits<double>::max()) || number != std::trunc(number))
      throw ValueError(
          "onnx",
          fmt::format("the number {} is used as an integer: expected a finite number without a fraction", number),
          where);
    if (std::fabs(number) >= static_cast<double>(exact_integers<T>))
      throw ValueError(
          "onnx",
          fmt::format("the integer {:.0f} may be rounded: expected a magnitude below {}, from where on the "
                      "model's scalar type does not hold all integers",
                      number, exact_integers<T>),
          where);
    integers.data()[i++] = static_cast<std::int64_t>(number);
  }
  return integers;
}

}  // namespace

template <class T>
Shape Value<T>::shape() const {
  if (holds<Var<T>>()) return get<Var<T>>().shape();
  if (holds<IndexVar<T>>()) return get<IndexVar<T>>().shape();
  if (holds<Parameter<T>>()) return get<Parameter<T>>().shape();
  if (holds<Indices>()) return Shape(get<Indices>().shape());
  if (holds<Tensor<double>>()) return Shape(get<Tensor<double>>().shape());
  throw ValueError("onnx", "an optional value is absent");
}

template <class T>
Var<T> Value<T>::var(Tape<T>& tape, Location where) const {
  if (holds<Var<T>>()) return get<Var<T>>();
  if (holds<IndexVar<T>>()) return to_values(get<IndexVar<T>>(), where);
  if (holds<Parameter<T>>()) return tape.variable(get<Parameter<T>>(), where);
  if (holds<Indices>()) return tape.constant(as_numbers<T, T>(get<Indices>(), where), where);
  if (holds<Tensor<double>>()) return tape.constant(Tensor<T>(xt::cast<T>(get<Tensor<double>>())), where);
  throw ValueError("onnx", "an optional value is absent", where);
}

template <class T>
IndexVar<T> Value<T>::indices(Tape<T>& tape, Location where) const {
  if (holds<IndexVar<T>>()) return get<IndexVar<T>>();
  if (holds<Var<T>>()) return to_indices(get<Var<T>>(), where);
  return tape.indices(integers(where), where);
}

template <class T>
Indices Value<T>::integers(Location where) const {
  if (holds<Indices>()) return get<Indices>();
  if (holds<IndexVar<T>>()) return get<IndexVar<T>>().value(where);
  if (holds<Var<T>>()) return as_integers<T>(get<Var<T>>().value(where), where);
  if (holds<Parameter<T>>()) return as_integers<T>(get<Parameter<T>>().value(), where);
  if (holds<Tensor<double>>()) return as_integers<double>(get<Tensor<double>>(), where);
  throw ValueError("onnx", "an optional value is absent", where);
}

template <class T>
Tensor<double> Value<T>::numbers(Location where) const {
  if (holds<Tensor<double>>()) return get<Tensor<double>>();
  if (holds<Var<T>>()) return xt::cast<double>(get<Var<T>>().value(where));
  if (holds<Parameter<T>>()) return xt::cast<double>(get<Parameter<T>>().value());
  return as_numbers<double, double>(integers(where), where);
}

template class Value<float>;
template class Value<double>;

}  // namespace wengert::onnx
