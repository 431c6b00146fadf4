// Maxima and averages over windows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace wengert::kernel {

/// One spatial axis of a pooling: windows of `kernel` elements or, if `adaptive`, windows that cover the input evenly.
struct PoolAxis {
  std::size_t input = 1;
  std::size_t output = 1;
  std::size_t kernel = 1;
  std::size_t stride = 1;
  std::size_t dilation = 1;
  std::size_t padding = 0;
  bool adaptive = false;

  /// The inputs in a window: first, first + dilation, …, below last.
  struct InputRange {
    std::size_t first;
    std::size_t last;
    std::size_t padded_count;  // the number of positions, including the padding, for dilation 1
  };
  InputRange inputs_of(std::size_t o) const {
    if (adaptive) {
      const std::size_t first = o * input / output, last = ((o + 1) * input + output - 1) / output;
      return {first, last, last - first};
    }
    const std::size_t start = o * stride;  // in the padded input
    const std::size_t stop = std::min(start + (kernel - 1) * dilation + 1, input + 2 * padding);
    const std::size_t skipped = start < padding ? (padding - start + dilation - 1) / dilation * dilation : 0;
    const std::size_t last = stop > padding ? std::min(stop - padding, input) : 0;
    return {start + skipped - padding, last, stop - start};
  }
};

/// Three axes, innermost last; an unused axis keeps its default extents of 1. No window is empty.
struct PoolWindow {
  std::array<PoolAxis, 3> axes{};

  std::size_t input_size() const { return axes[0].input * axes[1].input * axes[2].input; }
  std::size_t output_size() const { return axes[0].output * axes[1].output * axes[2].output; }
};

/// y = each window's largest element: the first of equal ones (of zeros of both signs); the last NaN, if any.
template <class T>
void largest_values(const PoolWindow& window, std::size_t planes, const T* x, T* y);

/// Its position in its plane.
template <class T>
void largest_positions(const PoolWindow& window, std::size_t planes, const T* x, std::int64_t* positions);

/// y = the average of each window, including its padding if `padding_counts`.
template <class T>
void average_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* x, T* y);

/// The transpose of `average_windows`: each element of g is spread evenly over its window.
template <class T>
void spread_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* g, T* x);

}  // namespace wengert::kernel
