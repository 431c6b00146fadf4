// Convolutions of float and double: three products, each the derivative of the other two.
#pragma once

#include "kernel/window.hpp"

#include <cstddef>

namespace wengert::kernel {

/// The extents of a convolution y = x ∗ w: x is (batch, channels, input…), w is (filters, channels/groups, kernel…), y
/// is (batch, filters, output…), all contiguous. `groups` divides channels and filters.
struct Convolution {
  std::size_t batch;
  std::size_t channels;
  std::size_t filters;
  std::size_t groups;
  std::size_t rank;  // number of spatial axes, which are the last ones of the window
  Window window;

  std::size_t input_size() const { return batch * channels * window.input_size(); }
  std::size_t weight_size() const { return filters * (channels / groups) * window.kernel_size(); }
  std::size_t output_size() const { return batch * filters * window.output_size(); }
  bool operator==(const Convolution&) const = default;
};

/// y = x ∗ w.
template <class T>
void convolve(const Convolution& conv, const T* x, const T* w, T* y);

/// x = ∂/∂x Σ g·(x ∗ w): the transposed convolution of g.
template <class T>
void convolve_input_gradient(const Convolution& conv, const T* g, const T* w, T* x);

/// w = ∂/∂w Σ g·(x ∗ w).
template <class T>
void convolve_weight_gradient(const Convolution& conv, const T* x, const T* g, T* w);

// ---- two implementations; the functions above choose the faster ----------------------------------------------------

/// One of the three products.
enum class Product : std::size_t { forward, input_gradient, weight_gradient };

/// Convolves by columns and matrix products; `a` and `b` are the operands in the order above.
template <class T>
void convolve_by_columns(Product product, const Convolution& conv, const T* a, const T* b, T* result);

/// Convolves by oneDNN, or returns false if it has no faster kernel for this product. The primitives are kept in a
/// cache of bounded size that all threads share.
bool convolve_by_library(Product product, const Convolution& conv, const float* a, const float* b, float* result);

}  // namespace wengert::kernel
