#include "kernel/pooling.hpp"

#include <limits>

namespace wengert::kernel {
namespace {

using Seen = PoolAxis::Seen;

// Calls f(what is seen along each axis) for each window of a plane.
template <class F>
void for_each_window(const PoolWindow& window, const F& f) {
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t o0 = 0; o0 < outer.output; ++o0) {
    const Seen s0 = outer.seen(o0);
    for (std::size_t o1 = 0; o1 < middle.output; ++o1) {
      const Seen s1 = middle.seen(o1);
      for (std::size_t o2 = 0; o2 < inner.output; ++o2) f(s0, s1, inner.seen(o2));
    }
  }
}

// Calls f(where the line begins) for each line of a window.
template <class F>
void for_each_line(const PoolWindow& window, const Seen& s0, const Seen& s1, const F& f) {
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t i0 = s0.first; i0 < s0.last; i0 += outer.dilation)
    for (std::size_t i1 = s1.first; i1 < s1.last; i1 += middle.dilation) f((i0 * middle.input + i1) * inner.input);
}

double divisor(const Seen& s0, const Seen& s1, const Seen& s2, bool padding_counts) {
  const auto count = [&](const Seen& s) {
    return static_cast<double>(padding_counts ? s.padded_count : s.last - s.first);
  };
  return count(s0) * count(s1) * count(s2);
}

}  // namespace

template <class T>
void largest_positions(const PoolWindow& window, std::size_t planes, const T* x, std::int64_t* positions) {
  const std::size_t step = window.axes[2].dilation;
  for (std::size_t plane = 0; plane < planes; ++plane, x += window.input_size())
    for_each_window(window, [&](const Seen& s0, const Seen& s1, const Seen& s2) {
      T top = -std::numeric_limits<T>::infinity();
      std::size_t at = (s0.first * window.axes[1].input + s1.first) * window.axes[2].input + s2.first;
      for_each_line(window, s0, s1, [&](std::size_t line) {
        for (std::size_t i = line + s2.first; i < line + s2.last; i += step)
          if (x[i] > top || x[i] != x[i]) {
            top = x[i];
            at = i;
          }
      });
      *positions++ = static_cast<std::int64_t>(at);
    });
}

template <class T>
void average_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* x, T* y) {
  for (std::size_t plane = 0; plane < planes; ++plane, x += window.input_size())
    for_each_window(window, [&](const Seen& s0, const Seen& s1, const Seen& s2) {
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
void spread_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* g, T* x) {
  std::fill_n(x, planes * window.input_size(), T(0));
  for (std::size_t plane = 0; plane < planes; ++plane, x += window.input_size())
    for_each_window(window, [&](const Seen& s0, const Seen& s1, const Seen& s2) {
      const T share = static_cast<T>(static_cast<double>(*g++) / divisor(s0, s1, s2, padding_counts));
      for_each_line(window, s0, s1, [&](std::size_t line) {
        for (std::size_t i = line + s2.first; i < line + s2.last; ++i) x[i] += share;
      });
    });
}

#define WENGERT_INSTANTIATE(T)                                                                 \
  template void largest_positions<T>(const PoolWindow&, std::size_t, const T*, std::int64_t*); \
  template void average_windows<T>(const PoolWindow&, bool, std::size_t, const T*, T*);        \
  template void spread_windows<T>(const PoolWindow&, bool, std::size_t, const T*, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
