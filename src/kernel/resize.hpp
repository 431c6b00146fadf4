// Interpolation along one axis.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// Which elements an interpolated one is made of.
enum class Interpolation { nearest, linear, linear_aligned_corners };

/// The middle axis of (outer, input, inner) becomes `output` long.
struct Resizing {
  std::size_t outer;
  std::size_t input;
  std::size_t output;
  std::size_t inner;
  Interpolation interpolation;
};

/// y[o, i, …] = (1 − t)·x[o, low(i), …] + t·x[o, high(i), …].
template <class T>
void resize_axis(const Resizing& resizing, const T* x, T* y);

/// The transpose: each element of g is shared out to the two it would be made of.
template <class T>
void resize_axis_gradient(const Resizing& resizing, const T* g, T* x);

}  // namespace wengert::kernel
