// Shared by the modules: allocation and initialisation of parameters, and checks of sizes.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/nn/initialisers.hpp>
#include <wengert/tape/parameter.hpp>

#include <cmath>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::nn {

/// The name of the module under construction, and the caller's line.
struct Construction {
  std::string_view module;
  const Location& where;
};

/// Throws ValueError unless a size is from 1 to 2⁴⁸. Small multiples of such sizes do not overflow, and negative sizes,
/// which have wrapped around, exceed the limit.
inline void require_positive(const Construction& construction, std::string_view what, std::size_t size) {
  constexpr std::size_t most = std::size_t{1} << 48;
  if (size > 0 && size <= most) return;
  const auto as_given = static_cast<std::ptrdiff_t>(size);
  throw ValueError(construction.module,
                   as_given < 1 ? fmt::format("{} {}: expected at least 1", as_given, what)
                                : fmt::format("{} {}: expected at most 2^48", size, what),
                   construction.where);
}

/// A parameter with uninitialised elements. Throws MemoryError if there is not enough memory for them.
template <class T>
Parameter<T> allocated(const Construction& construction, const Shape& shape, std::string name, bool trainable = true) {
  constexpr std::size_t most = std::size_t{1} << 47;  // bytes that a process can address
  std::size_t bytes = sizeof(T);
  bool fits = true;
  for (const std::size_t extent : shape) fits = !__builtin_mul_overflow(bytes, extent, &bytes) && fits;
  try {
    if (fits && bytes <= most)
      return Parameter<T>(Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape)), name, trainable);
  } catch (const std::bad_alloc&) {  // reported below
  }
  throw MemoryError(construction.module,
                    fmt::format("'{}' of shape {} needs more memory than is available: expected smaller sizes", name,
                                to_string(shape)),
                    construction.where);
}

/// A parameter filled with one value. Throws like `allocated`.
template <class T>
Parameter<T> filled(const Construction& construction, const Shape& shape, double value, std::string name,
                    bool trainable = true) {
  const Parameter<T> parameter = allocated<T>(construction, shape, std::move(name), trainable);
  constant(parameter, value);
  return parameter;
}

/// A parameter drawn uniformly from ±bound. Throws like `allocated`.
template <class T>
Parameter<T> drawn(const Construction& construction, const Shape& shape, double bound, Generator generator,
                   std::string name) {
  const Parameter<T> parameter = allocated<T>(construction, shape, std::move(name));
  uniform(parameter, generator, -bound, bound);
  return parameter;
}

}  // namespace wengert::nn
