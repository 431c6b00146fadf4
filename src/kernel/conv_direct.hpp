// Convolutions of few channels, without columns.
#pragma once

#include "kernel/conv.hpp"

namespace wengert::kernel {

/// Whether this is faster than columns and than the library (measured): few channels, strides of 1, images that fit in
/// the cache, lines of several outputs, and AVX2 or more.
template <class T>
bool is_direct(const Convolution& conv);

/// y = x ∗ w if `is_direct`; otherwise returns false.
template <class T>
bool convolve_directly(const Convolution& conv, const T* x, const T* w, T* y);

}  // namespace wengert::kernel
