// Nearest-neighbour and linear interpolation along one axis, and its adjoint.
#include "kernel/resize.hpp"

#include "kernel/scratch.hpp"

#include <algorithm>
#include <cmath>

namespace wengert::kernel {
namespace {

// The elements that one element of the result is interpolated from.
struct Mixture {
  std::size_t low;
  std::size_t high;
  double t;  // the weight of `high`
};

Mixture mixture(const Resizing& r, std::size_t i) {
  if (r.interpolation == Interpolation::nearest) {
    const std::size_t nearest = i * r.input / r.output;
    return {nearest, nearest, 0};
  }
  const auto number = [](std::size_t v) { return static_cast<double>(v); };
  double at = 0;
  if (r.interpolation == Interpolation::linear)
    at = std::max(0.0, (number(i) + 0.5) * (number(r.input) / number(r.output)) - 0.5);
  else if (r.output > 1)
    at = number(i) * (number(r.input - 1) / number(r.output - 1));
  const std::size_t low = std::min(static_cast<std::size_t>(at), r.input - 1);
  return {low, std::min(low + 1, r.input - 1), std::clamp(at - number(low), 0.0, 1.0)};
}

const Mixture* mixtures(const Resizing& r) {
  auto* table = scratch<Mixture>(Scratch::columns, r.output);
  for (std::size_t i = 0; i < r.output; ++i) table[i] = mixture(r, i);
  return table;
}

}  // namespace

template <class T>
void resize_axis(const Resizing& r, const T* x, T* y) {
  const Mixture* table = mixtures(r);
  if (r.inner == 1) {
    for (std::size_t o = 0; o < r.outer; ++o, x += r.input, y += r.output)
      for (std::size_t i = 0; i < r.output; ++i) {
        const auto& [low, high, share] = table[i];
        const T t = static_cast<T>(share);
        y[i] = t == 0 ? x[low] : (1 - t) * x[low] + t * x[high];
      }
    return;
  }
  for (std::size_t o = 0; o < r.outer; ++o, x += r.input * r.inner)
    for (std::size_t i = 0; i < r.output; ++i, y += r.inner) {
      const T* low = x + table[i].low * r.inner;
      const T* high = x + table[i].high * r.inner;
      const T t = static_cast<T>(table[i].t), s = 1 - t;
      if (t == 0)  // 0 times an infinite neighbour would be NaN
        std::copy_n(low, r.inner, y);
      else
        for (std::size_t k = 0; k < r.inner; ++k) y[k] = s * low[k] + t * high[k];
    }
}

template <class T>
void resize_axis_gradient(const Resizing& r, const T* g, T* x) {
  const Mixture* table = mixtures(r);
  std::fill_n(x, r.outer * r.input * r.inner, T(0));
  if (r.inner == 1) {
    for (std::size_t o = 0; o < r.outer; ++o, x += r.input, g += r.output)
      for (std::size_t i = 0; i < r.output; ++i) {
        const T t = static_cast<T>(table[i].t);
        x[table[i].low] += (1 - t) * g[i];
        if (t != 0) x[table[i].high] += t * g[i];
      }
    return;
  }
  for (std::size_t o = 0; o < r.outer; ++o, x += r.input * r.inner)
    for (std::size_t i = 0; i < r.output; ++i, g += r.inner) {
      T* low = x + table[i].low * r.inner;
      T* high = x + table[i].high * r.inner;
      const T t = static_cast<T>(table[i].t), s = 1 - t;
      for (std::size_t k = 0; k < r.inner; ++k) low[k] += s * g[k];
      if (t != 0)
        for (std::size_t k = 0; k < r.inner; ++k) high[k] += t * g[k];
    }
}

#define WENGERT_INSTANTIATE(T)                                 \
  template void resize_axis<T>(const Resizing&, const T*, T*); \
  template void resize_axis_gradient<T>(const Resizing&, const T*, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
