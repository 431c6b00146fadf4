// Sliding windows: gathers the elements under each window into columns (im2col) and adds them back (col2im).
#include "kernel/window.hpp"

#include <algorithm>

namespace wengert::kernel {
namespace {

// The input position of kernel element k at output 0; may be negative.
std::ptrdiff_t shift_of(const WindowAxis& axis, std::size_t k) {
  return static_cast<std::ptrdiff_t>(k * axis.dilation) - static_cast<std::ptrdiff_t>(axis.padding);
}

// The input position at output o; unsigned, so that `< axis.input` tells whether it exists.
std::size_t input_at(const WindowAxis& axis, std::size_t o, std::ptrdiff_t shift) {
  return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(o * axis.stride) + shift);
}

// The outputs [first, last) whose input exists.
struct Reach {
  std::size_t first;
  std::size_t last;
};
Reach reach_of(const WindowAxis& axis, std::ptrdiff_t shift) {
  const auto stride = static_cast<std::ptrdiff_t>(axis.stride);
  const auto extent = static_cast<std::ptrdiff_t>(axis.input);
  const std::ptrdiff_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  const std::ptrdiff_t last = shift < extent ? (extent - shift + stride - 1) / stride : 0;
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(std::max(first, last))};
}

// Calls f(image, outer output, middle output, first inner output, count) for each line of the positions.
template <class F>
void for_each_line(const Window& window, Positions positions, const F& f) {
  const std::size_t width = window.axes[2].output;
  const std::size_t height = window.axes[1].output;
  const std::size_t depth = window.axes[0].output;
  std::size_t rest = positions.first;
  std::size_t column = rest % width;
  rest /= width;
  std::size_t row = rest % height;
  rest /= height;
  std::size_t plane = rest % depth;
  std::size_t image = rest / depth;
  for (std::size_t p = positions.first; p < positions.last;) {
    const std::size_t count = std::min(width - column, positions.last - p);
    f(image, plane, row, column, count);
    p += count;
    column = 0;
    if (++row < height) continue;
    row = 0;
    if (++plane < depth) continue;
    plane = 0;
    ++image;
  }
}

// Calls f(line, shift, first, reach, count) for each line of each row of the columns: the line of the images, or null
// if it does not exist; the input position at inner output 0; the first inner output and the number of them; and those
// among them whose input exists.
template <class P, class F>
void for_each_meeting(const Window& window, std::size_t channels, std::size_t image_stride, P images,
                      Positions positions, const F& f) {
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t c = 0; c < channels; ++c, images += window.input_size())
    for (std::size_t k0 = 0; k0 < outer.kernel; ++k0)
      for (std::size_t k1 = 0; k1 < middle.kernel; ++k1)
        for (std::size_t k2 = 0; k2 < inner.kernel; ++k2) {
          const std::ptrdiff_t s0 = shift_of(outer, k0), s1 = shift_of(middle, k1), s2 = shift_of(inner, k2);
          const Reach reach = reach_of(inner, s2);
          for_each_line(window, positions,
                        [&, stride = image_stride](std::size_t image, std::size_t o0, std::size_t o1, std::size_t o2,
                                                   std::size_t count) {
                          const std::size_t i0 = input_at(outer, o0, s0), i1 = input_at(middle, o1, s1);
                          const bool exists = i0 < outer.input && i1 < middle.input;
                          P line = exists ? images + image * stride + (i0 * middle.input + i1) * inner.input : nullptr;
                          const std::size_t first = std::clamp(reach.first, o2, o2 + count);
                          const std::size_t last = std::clamp(reach.last, first, o2 + count);
                          f(line, s2, o2, Reach{first, last}, count);
                        });
        }
}

}  // namespace

template <class T>
void gather_columns(const Window& window, std::size_t channels, std::size_t image_stride, const T* images,
                    Positions positions, T* columns) {
  const std::size_t stride = window.axes[2].stride;
  for_each_meeting(window, channels, image_stride, images, positions,
                   [&](const T* line, std::ptrdiff_t shift, std::size_t begin, Reach reach, std::size_t count) {
                     if (line == nullptr) {
                       columns = std::fill_n(columns, count, T(0));
                       return;
                     }
                     columns = std::fill_n(columns, reach.first - begin, T(0));
                     if (const std::size_t n = reach.last - reach.first; n > 0) {
                       const T* from = line + (static_cast<std::ptrdiff_t>(reach.first * stride) + shift);
                       if (stride == 1)
                         columns = std::copy_n(from, n, columns);
                       else
                         for (std::size_t i = 0; i < n; ++i) *columns++ = from[i * stride];
                     }
                     columns = std::fill_n(columns, begin + count - reach.last, T(0));
                   });
}

template <class T>
void scatter_columns(const Window& window, std::size_t channels, std::size_t image_stride, const T* columns,
                     Positions positions, T* images) {
  const std::size_t stride = window.axes[2].stride;
  for_each_meeting(window, channels, image_stride, images, positions,
                   [&](T* line, std::ptrdiff_t shift, std::size_t begin, Reach reach, std::size_t count) {
                     const T* from = columns + (reach.first - begin);
                     columns += count;
                     if (line == nullptr || reach.first == reach.last) return;
                     T* to = line + (static_cast<std::ptrdiff_t>(reach.first * stride) + shift);
                     const std::size_t n = reach.last - reach.first;
                     if (stride == 1)
                       for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
                     else
                       for (std::size_t i = 0; i < n; ++i) to[i * stride] += from[i];
                   });
}

#define WENGERT_INSTANTIATE(T)                                                                       \
  template void gather_columns<T>(const Window&, std::size_t, std::size_t, const T*, Positions, T*); \
  template void scatter_columns<T>(const Window&, std::size_t, std::size_t, const T*, Positions, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
