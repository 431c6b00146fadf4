// Sums and maxima along rows and columns.
#pragma once

#include <cstddef>

namespace wengert::kernel {

enum class Fold { sum, maximum };

/// out[o, i] = fold over k of x[o, k, i], all contiguous. Sums are formed in blocks, so that the rounding error grows
/// slowly; a maximum is NaN if an element is.
template <Fold fold, class T>
void fold_axis(const T* x, T* out, std::size_t outer, std::size_t count, std::size_t inner);

}  // namespace wengert::kernel
