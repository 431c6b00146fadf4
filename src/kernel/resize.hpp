// Interpolation along one axis.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// How a result is interpolated.
enum class Interpolation { nearest, linear, linear_aligned_corners };

/// Resizes the middle axis of (outer, input, inner) to `output` elements.
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

/// The transpose of `resize_axis`: each element of g is distributed to the two elements that it is interpolated from.
template <class T>
void resize_axis_gradient(const Resizing& resizing, const T* g, T* x);

}  // namespace wengert::kernel
