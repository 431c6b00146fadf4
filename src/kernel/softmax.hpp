// Softmax along rows.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// Row by row of `count` elements: y = exp(x − m) / s, or with `logarithm` y = x − m − ln s, where m = max x and
/// s = Σ exp(x − m).
template <class T>
void softmax_rows(const T* x, T* y, std::size_t rows, std::size_t count, bool logarithm);

}  // namespace wengert::kernel
