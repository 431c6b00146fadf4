// Values that are known without the tape, made from lists and moved without rounding.
#pragma once

#include "onnx/call.hpp"
#include "onnx/limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <xtensor/xmath.hpp>

namespace wengert::onnx::detail {

/// Integers of this shape, in row-major order.
inline Indices known_integers(std::span<const std::int64_t> elements, const Shape& shape) {
  Indices result = Indices::from_shape(xt::dynamic_shape<std::size_t>(shape));
  std::copy(elements.begin(), elements.end(), result.begin());
  return result;
}
/// A vector of integers.
inline Indices known_integers(const std::vector<std::int64_t>& elements) {
  return known_integers(elements, {elements.size()});
}
/// A scalar.
inline Indices known_integer(std::int64_t number) { return known_integers({&number, 1}, {}); }

/// Numbers as a value of this type, truncated for a type of integers.
template <class T>
Value<T> known_numbers(Tensor<double> numbers, ElementType type) {
  if (!is_integral(type)) return Value<T>(std::move(numbers), type);
  return Value<T>(Indices(xt::cast<std::int64_t>(xt::trunc(numbers))), type);
}

/// 0, 1, …, n − 1 as numbers, in this shape.
template <class T>
Tensor<T> counted(const Shape& shape) {
  Tensor<T> result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  std::iota(result.begin(), result.end(), T(0));
  return result;
}

/// The known `values`, joined in row-major order, at these positions.
template <class E, class T>
E elements_at(std::span<const Value<T>> values, const Tensor<double>& positions) {
  std::vector<typename E::value_type> elements;
  for (const Value<T>& value : values) {
    const E& part = value.template get<E>();
    elements.insert(elements.end(), part.begin(), part.end());
  }
  E result = E::from_shape(positions.shape());
  std::transform(positions.begin(), positions.end(), result.begin(),
                 [&](double position) { return elements[static_cast<std::size_t>(position)]; });
  return result;
}

/// The first `count` inputs, moved by `move`, a function from Vars to a Var that moves elements without changing them.
/// Constants are moved as positions on a tape of their own, so integers that no floating-point number holds, such as
/// the largest one as the end of a Slice, remain exact. For entries with `known`.
template <class T, class F>
Value<T> moved(const Call<T>& c, std::size_t count, const F& move) {
  std::vector<Value<T>> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(c.value(i));
  const auto all_hold = [&]<class E>(std::type_identity<E>) {
    return std::all_of(values.begin(), values.end(), [](const auto& value) { return value.template holds<E>(); });
  };
  const bool integers = all_hold(std::type_identity<Indices>());
  if (!integers && !all_hold(std::type_identity<Tensor<double>>())) {
    std::vector<Var<T>> parts;
    for (const Value<T>& value : values) parts.push_back(value.var(c.tape, c.where));
    return Value<T>(move(parts), c.type(0));
  }
  std::size_t elements = 0;
  for (const Value<T>& value : values) elements += value.shape().elements();
  if (values.size() > 1) require_elements(c, {elements}, most_known_elements);
  Tape<double> tape;
  std::vector<Var<double>> parts;
  double first = 0;
  for (const Value<T>& value : values) {
    parts.push_back(tape.constant(Tensor<double>(counted<double>(value.shape()) + first), c.where));
    first += static_cast<double>(value.shape().elements());
  }
  const Tensor<double> positions = move(parts).value();
  if (integers) return Value<T>(elements_at<Indices, T>(values, positions), c.type(0));
  return Value<T>(elements_at<Tensor<double>, T>(values, positions), c.type(0));
}

}  // namespace wengert::onnx::detail
