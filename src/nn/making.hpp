// What the modules share: how their parameters begin, and how they refuse sizes.
#pragma once

#include <wengert/error.hpp>
#include <wengert/nn/initialisers.hpp>
#include <wengert/parameter.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::nn {

/// A parameter of a shape, filled with one value.
template <class T>
Parameter<T> filled(const Shape& shape, double value, std::string name, bool trainable = true) {
  Parameter<T> parameter(Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape)), std::move(name), trainable);
  constant(parameter, value);
  return parameter;
}

/// A parameter of a shape, drawn evenly from ±bound.
template <class T>
Parameter<T> drawn(const Shape& shape, double bound, Generator generator, std::string name) {
  Parameter<T> parameter(Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape)), std::move(name));
  uniform(parameter, generator, -bound, bound);
  return parameter;
}

/// Throws ValueError if a size that a module is made with is 0.
inline void require_positive(std::string_view module, std::string_view what, std::size_t size, const Location& where) {
  if (size == 0) throw ValueError(module, fmt::format("0 {}: expected at least 1", what), where);
}

}  // namespace wengert::nn
