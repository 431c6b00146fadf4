// Max and average pooling: all windows of a line together where kernels are small, otherwise window by window.
#include "kernel/pooling.hpp"

#include "kernel/scratch.hpp"

#include <limits>

namespace wengert::kernel {
namespace {

using InputRange = PoolAxis::InputRange;

// Calls f(inputs along each axis) for each window of a plane.
template <class F>
void for_each_window(const PoolWindow& window, const F& f) {
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t o0 = 0; o0 < outer.output; ++o0) {
    const InputRange s0 = outer.inputs_of(o0);
    for (std::size_t o1 = 0; o1 < middle.output; ++o1) {
      const InputRange s1 = middle.inputs_of(o1);
      for (std::size_t o2 = 0; o2 < inner.output; ++o2) f(s0, s1, inner.inputs_of(o2));
    }
  }
}

// Calls f(offset of the line) for each line of a window.
template <class F>
void for_each_line(const PoolWindow& window, const InputRange& s0, const InputRange& s1, const F& f) {
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t i0 = s0.first; i0 < s0.last; i0 += outer.dilation)
    for (std::size_t i1 = s1.first; i1 < s1.last; i1 += middle.dilation) f((i0 * middle.input + i1) * inner.input);
}

double divisor(const InputRange& s0, const InputRange& s1, const InputRange& s2, bool padding_counts) {
  const auto count = [&](const InputRange& s) {
    return static_cast<double>(padding_counts ? s.padded_count : s.last - s.first);
  };
  return count(s0) * count(s1) * count(s2);
}

// ---- windows of one size: all windows of a line together, element by element ---------------------------------------

// Calls f(first, last, position in the line for `first`) for the windows [first, last) whose element k is an input.
template <class F>
void for_element(const PoolAxis& axis, std::size_t k, const F& f) {
  const std::size_t shift = k * axis.dilation;  // in the padded line
  const std::size_t end = axis.input + axis.padding;
  const std::size_t first = shift < axis.padding ? (axis.padding - shift + axis.stride - 1) / axis.stride : 0;
  const std::size_t last = shift < end ? std::min(axis.output, (end - shift + axis.stride - 1) / axis.stride) : 0;
  if (first < last) f(first, last, first * axis.stride + shift - axis.padding);
}

template <class T>
void largest_in_lines(const PoolWindow& window, const T* x, std::int64_t* positions) {
  const auto& [outer, middle, inner] = window.axes;
  T* top = scratch<T>(Scratch::columns, inner.output);
  for (std::size_t o0 = 0; o0 < outer.output; ++o0)
    for (std::size_t o1 = 0; o1 < middle.output; ++o1, positions += inner.output) {
      const InputRange s0 = outer.inputs_of(o0), s1 = middle.inputs_of(o1);
      const std::size_t corner = (s0.first * middle.input + s1.first) * inner.input;
      for (std::size_t o2 = 0; o2 < inner.output; ++o2) {
        top[o2] = -std::numeric_limits<T>::infinity();
        positions[o2] = static_cast<std::int64_t>(corner + inner.inputs_of(o2).first);
      }
      for_each_line(window, s0, s1, [&](std::size_t line) {
        for (std::size_t k = 0; k < inner.kernel; ++k)
          for_element(inner, k, [&](std::size_t first, std::size_t last, std::size_t element) {
            std::size_t at = line + element;
            for (std::size_t o2 = first; o2 < last; ++o2, at += inner.stride) {
              const T value = x[at];
              if (value != value) [[unlikely]] {  // no later element compares as larger
                top[o2] = value;
                positions[o2] = static_cast<std::int64_t>(at);
                continue;
              }
              // Without a branch, which would be unpredictable: all bits of `better` are set, or none.
              const auto better = -static_cast<std::int64_t>(value > top[o2]);
              positions[o2] = (positions[o2] & ~better) | (static_cast<std::int64_t>(at) & better);
              top[o2] = value > top[o2] ? value : top[o2];
            }
          });
      });
    }
}

template <class T>
void average_lines(const PoolWindow& window, bool padding_counts, const T* x, T* y) {
  const auto& [outer, middle, inner] = window.axes;
  auto* total = scratch<double>(Scratch::columns, inner.output);
  for (std::size_t o0 = 0; o0 < outer.output; ++o0)
    for (std::size_t o1 = 0; o1 < middle.output; ++o1, y += inner.output) {
      const InputRange s0 = outer.inputs_of(o0), s1 = middle.inputs_of(o1);
      std::fill_n(total, inner.output, 0.0);
      for_each_line(window, s0, s1, [&](std::size_t line) {
        for (std::size_t k = 0; k < inner.kernel; ++k)
          for_element(inner, k, [&](std::size_t first, std::size_t last, std::size_t element) {
            const T* from = x + line + element;
            for (std::size_t o2 = first; o2 < last; ++o2, from += inner.stride) total[o2] += static_cast<double>(*from);
          });
      });
      for (std::size_t o2 = 0; o2 < inner.output; ++o2)
        y[o2] = static_cast<T>(total[o2] / divisor(s0, s1, inner.inputs_of(o2), padding_counts));
    }
}

template <class T>
void spread_lines(const PoolWindow& window, bool padding_counts, const T* g, T* x) {
  const auto& [outer, middle, inner] = window.axes;
  T* share = scratch<T>(Scratch::columns, inner.output);
  for (std::size_t o0 = 0; o0 < outer.output; ++o0)
    for (std::size_t o1 = 0; o1 < middle.output; ++o1, g += inner.output) {
      const InputRange s0 = outer.inputs_of(o0), s1 = middle.inputs_of(o1);
      for (std::size_t o2 = 0; o2 < inner.output; ++o2)
        share[o2] = static_cast<T>(static_cast<double>(g[o2]) / divisor(s0, s1, inner.inputs_of(o2), padding_counts));
      for_each_line(window, s0, s1, [&](std::size_t line) {
        for (std::size_t k = 0; k < inner.kernel; ++k)
          for_element(inner, k, [&](std::size_t first, std::size_t last, std::size_t element) {
            T* to = x + line + element;
            for (std::size_t o2 = first; o2 < last; ++o2, to += inner.stride) *to += share[o2];
          });
      });
    }
}

// ---- windows of any size, one after another ------------------------------------------------------------------------

template <class T>
void largest_in_windows(const PoolWindow& window, const T* x, std::int64_t* positions) {
  for_each_window(window, [&](const InputRange& s0, const InputRange& s1, const InputRange& s2) {
    T top = -std::numeric_limits<T>::infinity();
    std::size_t at = (s0.first * window.axes[1].input + s1.first) * window.axes[2].input + s2.first;
    for_each_line(window, s0, s1, [&](std::size_t line) {
      for (std::size_t i = line + s2.first; i < line + s2.last; ++i)
        if (x[i] > top || x[i] != x[i]) {
          top = x[i];
          at = i;
        }
    });
    *positions++ = static_cast<std::int64_t>(at);
  });
}

template <class T>
void average_each(const PoolWindow& window, bool padding_counts, const T* x, T* y) {
  for_each_window(window, [&](const InputRange& s0, const InputRange& s1, const InputRange& s2) {
    double total = 0;
    for_each_line(window, s0, s1, [&](std::size_t line) {
      double part = 0;  // by lines, so that the rounding error of large windows grows slowly
      for (std::size_t i = line + s2.first; i < line + s2.last; ++i) part += static_cast<double>(x[i]);
      total += part;
    });
    *y++ = static_cast<T>(total / divisor(s0, s1, s2, padding_counts));
  });
}

template <class T>
void spread_each(const PoolWindow& window, bool padding_counts, const T* g, T* x) {
  for_each_window(window, [&](const InputRange& s0, const InputRange& s1, const InputRange& s2) {
    const T share = static_cast<T>(static_cast<double>(*g++) / divisor(s0, s1, s2, padding_counts));
    for_each_line(window, s0, s1, [&](std::size_t line) {
      for (std::size_t i = line + s2.first; i < line + s2.last; ++i) x[i] += share;
    });
  });
}

// Lines are faster only for small kernels. A dilated inner axis needs them: the window loops above step by 1 along it.
bool by_lines(const PoolWindow& window) {
  const PoolAxis& inner = window.axes[2];
  return !inner.adaptive && (inner.dilation != 1 || inner.kernel <= 16);
}

}  // namespace

template <class T>
void largest_positions(const PoolWindow& window, std::size_t planes, const T* x, std::int64_t* positions) {
  const bool lines = by_lines(window);
  for (; planes-- > 0; x += window.input_size(), positions += window.output_size())
    lines ? largest_in_lines(window, x, positions) : largest_in_windows(window, x, positions);
}

template <class T>
void average_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* x, T* y) {
  const bool lines = by_lines(window);
  for (; planes-- > 0; x += window.input_size(), y += window.output_size())
    lines ? average_lines(window, padding_counts, x, y) : average_each(window, padding_counts, x, y);
}

template <class T>
void spread_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* g, T* x) {
  const bool lines = by_lines(window);
  std::fill_n(x, planes * window.input_size(), T(0));
  for (; planes-- > 0; g += window.output_size(), x += window.input_size())
    lines ? spread_lines(window, padding_counts, g, x) : spread_each(window, padding_counts, g, x);
}

#define WENGERT_INSTANTIATE(T)                                                                 \
  template void largest_positions<T>(const PoolWindow&, std::size_t, const T*, std::int64_t*); \
  template void average_windows<T>(const PoolWindow&, bool, std::size_t, const T*, T*);        \
  template void spread_windows<T>(const PoolWindow&, bool, std::size_t, const T*, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
