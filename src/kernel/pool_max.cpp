// The largest element of each window, or its position: a lane of windows at a time, otherwise window by window.
#include "kernel/pool_windows.hpp"

#include <array>
#include <limits>
#include <type_traits>

namespace wengert::kernel {
namespace {

// ---- a lane of windows ---------------------------------------------------------------------------------------------

// g++ 12 builds a lane of a constant that is not finite element by element.
template <class T>
inline constexpr auto lowest = [] {
  std::array<T, 64 / sizeof(T)> lane{};
  lane.fill(-std::numeric_limits<T>::infinity());
  return lane;
}();

// The first of the largest elements so far, or the last NaN.
template <class L>
struct LargestValues {
  using T = typename L::Scalar;
  L top = L::load(lowest<T>.data());

  WENGERT_INLINE void add(const L& x, std::size_t) {
    const L larger = where(x > top, x, top);
    top = where(x != x, x, larger);
  }
  template <std::size_t order>
  WENGERT_INLINE void store(T* y, std::size_t, std::size_t) const {
    in_order<L, order>(top).store(y);
  }
};

// Its offset from the first element of its window, in numbers of T, which are exact if the window is not too long.
template <class L>
struct LargestOffsets {
  using T = typename L::Scalar;
  L top = L::load(lowest<T>.data()), offset{T(0)};

  WENGERT_INLINE void add(const L& x, std::size_t at) {
    const auto better = x > top || x != x;
    const L position(static_cast<T>(static_cast<std::ptrdiff_t>(at)));
    top = where(better, x, top);
    offset = where(better, position, offset);
  }
  template <std::size_t order>
  WENGERT_INLINE void store(std::int64_t* positions, std::size_t start, std::size_t stride) const {
    alignas(L) T offsets[L::width];
    in_order<L, order>(offset).store(offsets);
    for (std::size_t i = 0; i < L::width; ++i)
      positions[i] = static_cast<std::int64_t>(start + i * stride) + static_cast<std::int64_t>(offsets[i]);
  }
};

// ---- one window ----------------------------------------------------------------------------------------------------

// The largest element so far and its position in its plane.
template <class T>
struct Largest {
  T element;
  std::size_t position;

  WENGERT_INLINE void add_next(T x, std::size_t at) {
    if (x != x) [[unlikely]] {  // no later element compares as larger
      element = x, position = at;
      return;
    }
    // Without a branch, which would be unpredictable: all bits of `better` are set, or none.
    const std::size_t better = std::size_t{0} - static_cast<std::size_t>(x > element);
    position = (position & ~better) | (at & better);
    element = x > element ? x : element;
  }
  // The same for elements in any order.
  WENGERT_INLINE void add(T x, std::size_t at) {
    const bool nan = x != x, had_nan = element != element;
    const bool first = x == element && at < position;
    if (nan ? !had_nan || at > position : x > element || first) element = x, position = at;
  }
};

// As many elements of a line as a lane is wide at a time.
template <std::size_t Bytes, class T>
WENGERT_INLINE Largest<T> largest_in(const PoolJob& job, const T* x, const InputRange& s0, const InputRange& s1,
                                     const InputRange& s2) {
  using L = Lane<T, Bytes>;
  const auto& [outer, middle, inner] = job.window.axes;
  const std::size_t first = (s0.first * middle.input + s1.first) * inner.input + s2.first;
  const std::size_t lanes = job.lanes && inner.dilation == 1 ? (s2.last - s2.first) / L::width : 0;
  Largest<T> top{-std::numeric_limits<T>::infinity(), first};
  LargestOffsets<L> of_lanes;
  const auto add_line = [&](std::size_t line) __attribute__((always_inline)) {
    std::size_t i = line + s2.first;
    for (std::size_t n = 0; n < lanes; ++n, i += L::width) of_lanes.add(L::load(x + i), i - first);
    for (; i < line + s2.last; i += inner.dilation) top.add_next(x[i], i);
  };
  for_each_line(job.window, s0, s1, add_line);
  if (lanes == 0) return top;
  alignas(L) T elements[L::width], offsets[L::width];
  of_lanes.top.store(elements);
  of_lanes.offset.store(offsets);
  for (std::size_t i = 0; i < L::width; ++i) top.add(elements[i], first + static_cast<std::size_t>(offsets[i]) + i);
  return top;
}

// ---- kernels -------------------------------------------------------------------------------------------------------

template <class T, template <class> class Lanes, class Result>
struct LargestBody {
  static constexpr bool has_sizes = true;

  template <std::size_t Bytes, std::size_t stride, std::size_t kernel>
  static WENGERT_INLINE void lanes(const PoolJob& job, const T* x, Result* out) {
    const auto& [outer, middle, inner] = job.window.axes;
    const std::size_t step = stride == 0 ? inner.stride : stride, dilation = kernel == 0 ? inner.dilation : 1;
    const auto of_lane = [&](const InputRange& s0, const InputRange& s1, std::size_t o2, std::size_t place, auto tag)
        __attribute__((always_inline)) {
      using L = typename decltype(tag)::type;
      const std::size_t first_line = (s0.first * middle.input + s1.first) * inner.input;
      const std::size_t start = first_line + o2 * step - inner.padding;
      Lanes<L> top;
      const auto add_line = [&](std::size_t line) __attribute__((always_inline)) {
        const std::size_t offset = line - first_line;
        const auto add = [&](const L& e, std::size_t k) __attribute__((always_inline)) {
          top.add(e, offset + k * dilation);
        };
        each_element<L, stride, kernel>(x + start + offset, inner, add);
      };
      for_each_line(job.window, s0, s1, add_line);
      top.template store<stride>(out + place, start, step);
    };
    each_lane<T, Bytes>(job, of_lane);
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void singles(const PoolJob& job, const T* x, Result* out) {
    const auto of_window = [&](const InputRange& s0, const InputRange& s1, const InputRange& s2, std::size_t place)
        __attribute__((always_inline)) {
      const Largest<T> top = largest_in<Bytes>(job, x, s0, s1, s2);
      if constexpr (std::is_same_v<Result, T>)
        out[place] = top.element;
      else
        out[place] = static_cast<Result>(top.position);
    };
    each_single(job, of_window);
  }
};

// The number of positions from the first element of a window to its last.
std::size_t length(const PoolWindow& window) {
  const auto& [outer, middle, inner] = window.axes;
  const auto reach = [](const PoolAxis& axis) {
    return axis.adaptive ? axis.input : (axis.kernel - 1) * axis.dilation;
  };
  return (reach(outer) * middle.input + reach(middle)) * inner.input + reach(inner) + 1;
}

template <template <class> class Lanes, class T, class Result>
void largest(const PoolWindow& window, std::size_t planes, const T* x, Result* out) {
  constexpr std::size_t longest = std::size_t{1} << std::numeric_limits<T>::digits;
  pool_planes<LargestBody<T, Lanes, Result>>(pool_job<T>(window, length(window) <= longest), planes, x, out);
}

}  // namespace

template <class T>
void largest_values(const PoolWindow& window, std::size_t planes, const T* x, T* y) {
  largest<LargestValues>(window, planes, x, y);
}

template <class T>
void largest_positions(const PoolWindow& window, std::size_t planes, const T* x, std::int64_t* positions) {
  largest<LargestOffsets>(window, planes, x, positions);
}

#define WENGERT_INSTANTIATE(T)                                                   \
  template void largest_values<T>(const PoolWindow&, std::size_t, const T*, T*); \
  template void largest_positions<T>(const PoolWindow&, std::size_t, const T*, std::int64_t*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
