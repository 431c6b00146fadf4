// The windows of a pooling: one by one, or as many of a line of outputs at a time as a lane is wide.
#pragma once

#include "base/parallel.hpp"
#include "kernel/pooling.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace wengert::kernel {

using InputRange = PoolAxis::InputRange;

/// Calls f(position of the line in the plane) for each line of a window.
template <class F>
WENGERT_INLINE void for_each_line(const PoolWindow& window, const InputRange& s0, const InputRange& s1, const F& f) {
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t i0 = s0.first; i0 < s0.last; i0 += outer.dilation)
    for (std::size_t i1 = s1.first; i1 < s1.last; i1 += middle.dilation) f((i0 * middle.input + i1) * inner.input);
}

/// The same windows, described by fewer and longer axes where that is possible: even ones instead of adaptive ones, and
/// lines that are joined where each window covers them. The average over a plane is one over a line.
inline PoolWindow joined(PoolWindow window) {
  for (PoolAxis& axis : window.axes)
    if (axis.adaptive && axis.input % axis.output == 0) {
      axis.adaptive = false;
      axis.kernel = axis.stride = axis.input / axis.output;
    }
  auto& [outer, middle, inner] = window.axes;
  for (int times = 0; times < 2; ++times) {
    const bool is_covered = !inner.adaptive && inner.output == 1 && inner.kernel == inner.input && inner.padding == 0 &&
                            inner.dilation == 1;
    if (!is_covered || middle.adaptive || (middle.dilation != 1 && middle.kernel != 1)) break;
    const std::size_t n = inner.input;
    inner = {middle.input * n, middle.output, middle.kernel * n, middle.stride * n, 1, middle.padding * n, false};
    middle = outer;
    outer = {};
  }
  return window;
}

/// A range of outputs along an axis.
struct Outputs {
  std::size_t first;
  std::size_t last;
};
/// Those whose windows have all their elements within the input; empty for an adaptive axis.
inline Outputs whole_windows(const PoolAxis& axis) {
  const std::size_t reach = (axis.kernel - 1) * axis.dilation, end = axis.input + axis.padding;
  if (axis.adaptive || reach >= end) return {0, 0};
  const std::size_t last = std::min(axis.output, (end - reach - 1) / axis.stride + 1);
  return {std::min(last, (axis.padding + axis.stride - 1) / axis.stride), last};
}

/// A pooling of planes. Lanes compute the outputs in `whole` along the innermost axis, if there are enough for one.
struct PoolJob {
  PoolWindow window;
  Outputs whole{0, 0};
  bool lanes = true;            // whether lanes are used
  bool padding_counts = false;  // in averages
};
/// The job for windows over elements of T.
template <class T>
PoolJob pool_job(const PoolWindow& window, bool lanes, bool padding_counts = false) {
  PoolJob job{joined(window), {}, lanes, padding_counts};
  const Outputs whole = whole_windows(job.window.axes[2]);
  if (lanes && whole.last - whole.first >= 16 / sizeof(T)) job.whole = whole;
  return job;
}

// ---- lanes of outputs ----------------------------------------------------------------------------------------------

/// An empty object with a lane's type.
template <class L>
struct LaneTag {
  using type = L;
};

/// Calls visit(first output, tag of a lane) for lanes of at most `Bytes` bytes that cover a range; they may overlap.
template <class T, std::size_t Bytes, class Visit>
WENGERT_INLINE void cover(const Outputs& range, const Visit& visit) {
  using L = Lane<T, Bytes>;
  if (range.last - range.first >= L::width) {
    for (std::size_t o = range.first; o < range.last; o += L::width)
      visit(std::min(o, range.last - L::width), LaneTag<L>());
  } else if constexpr (Bytes > 16) {
    cover<T, Bytes / 2>(range, visit);
  }
}

/// Calls visit(s0, s1, place of its first output in the plane) for each line of outputs.
template <class Visit>
WENGERT_INLINE void each_output_line(const PoolWindow& window, const Visit& visit) {
  const auto& [outer, middle, inner] = window.axes;
  std::size_t place = 0;
  for (std::size_t o0 = 0; o0 < outer.output; ++o0) {
    const InputRange s0 = outer.inputs_of(o0);
    for (std::size_t o1 = 0; o1 < middle.output; ++o1, place += inner.output) visit(s0, middle.inputs_of(o1), place);
  }
}

/// Calls visit(s0, s1, first inner output, its place in the plane, tag of a lane) for lanes of the whole windows.
template <class T, std::size_t Bytes, class Visit>
WENGERT_INLINE void each_lane(const PoolJob& job, const Visit& visit) {
  const auto of_line = [&](const InputRange& s0, const InputRange& s1, std::size_t place)
      __attribute__((always_inline)) {
    const auto at = [&](std::size_t o2, auto tag) __attribute__((always_inline)) {
      visit(s0, s1, o2, place + o2, tag);
    };
    cover<T, Bytes>(job.whole, at);
  };
  each_output_line(job.window, of_line);
}

/// Calls visit(s0, s1, s2, place in the plane) for all other windows.
template <class Visit>
WENGERT_INLINE void each_single(const PoolJob& job, const Visit& visit) {
  const PoolAxis& inner = job.window.axes[2];
  const auto of_line = [&](const InputRange& s0, const InputRange& s1, std::size_t place)
      __attribute__((always_inline)) {
    for (std::size_t o2 = job.whole.first > 0 ? 0 : job.whole.last; o2 < inner.output;
         o2 = o2 + 1 == job.whole.first ? job.whole.last : o2 + 1)
      visit(s0, s1, inner.inputs_of(o2), place + o2);
  };
  each_output_line(job.window, of_line);
}

/// The even or odd elements of 2w consecutive ones in registers a and b, in an order that needs one instruction: those
/// of each 16 bytes of a, then of b. `in_order` restores their own.
template <class L, std::size_t of_a, std::size_t of_b>
WENGERT_INLINE L every_second(const typename L::Register& a, const typename L::Register& b) {
  constexpr std::size_t w = L::width, block = 16 / sizeof(typename L::Scalar), half = block / 2;
  return [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
    return L(typename L::Register(__builtin_shufflevector(
        a, b,
        static_cast<int>(I / block * block +
                         (I % block < half ? 2 * (I % block) + of_a : w + 2 * (I % block - half) + of_b))...)));
  }
  (std::make_index_sequence<w>{});
}
template <class L, std::size_t stride>
WENGERT_INLINE L in_order(const L& x) {
  constexpr std::size_t w = L::width, block = 16 / sizeof(typename L::Scalar), half = block / 2;
  if constexpr (stride != 2 || w == block) return x;
  return [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
    return L(typename L::Register(__builtin_shufflevector(
        x.v, x.v, static_cast<int>(I % (w / 2) / half * block + I % half + (I < w / 2 ? 0 : half))...)));
  }
  (std::make_index_sequence<w>{});
}

/// Calls visit(elements, k) for each element k of windows that are `stride` apart and whose first elements are line[0],
/// line[stride] …; as many windows as the lane L is wide, in the order that `in_order` restores. A stride or a kernel
/// of 0 stands for that of the axis, any other kernel has no dilation. Nothing is read beyond the last window.
template <class L, std::size_t stride, std::size_t kernel, class Visit>
WENGERT_INLINE void each_element(const typename L::Scalar* line, const PoolAxis& inner, const Visit& visit) {
  using R = typename L::Register;
  constexpr std::size_t w = L::width;
  const std::size_t size = kernel == 0 ? inner.kernel : kernel, dilation = kernel == 0 ? inner.dilation : 1;
  if constexpr (stride == 1) {
    for (std::size_t k = 0; k < size; ++k) visit(L::load(line + k * dilation), k);
  } else if constexpr (stride == 2) {
    std::size_t k = 0;
    if (dilation == 1)
      for (; k + 2 <= size; k += 2) {
        const R a = L::load(line + k).v, b = L::load(line + k + w).v;
        visit(every_second<L, 0, 0>(a, b), k);
        visit(every_second<L, 1, 1>(a, b), k + 1);
      }
    for (; k < size; ++k) {
      const typename L::Scalar* at = line + k * dilation;
      visit(every_second<L, 0, 1>(L::load(at).v, L::load(at + w - 1).v), k);
    }
  } else {
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
      for (std::size_t k = 0; k < size; ++k) {
        const typename L::Scalar* at = line + k * dilation;
        const R elements{at[I * inner.stride]...};
        visit(L(elements), k);
      }
    }
    (std::make_index_sequence<w>{});
  }
}

// ---- kernels -------------------------------------------------------------------------------------------------------

/// Body::lanes and Body::singles for each instruction set, over planes.
template <class Body, std::size_t stride, std::size_t kernel>
struct PoolLanes {
  template <std::size_t Bytes, class T, class Result>
  static WENGERT_INLINE void run(const PoolJob& given, std::size_t planes, const T* x, Result* y) {
    const PoolJob job = given;  // which, unlike the given one, results cannot overlap
    for (; planes-- > 0; x += job.window.input_size(), y += job.window.output_size())
      Body::template lanes<Bytes, stride, kernel>(job, x, y);
  }
};
template <class Body>
struct PoolSingles {
  template <std::size_t Bytes, class T, class Result>
  static WENGERT_INLINE void run(const PoolJob& job, std::size_t planes, const T* x, Result* y) {
    for (; planes-- > 0; x += job.window.input_size(), y += job.window.output_size())
      Body::template singles<Bytes>(job, x, y);
  }
};

/// Pools planes: Body::lanes<bytes, stride, kernel>(job, x, y) computes the lanes of a plane, Body::singles<bytes> all
/// other windows. `Body::has_sizes` tells whether it has code of its own for kernels of 2 and 3 with a stride of 2.
template <class Body, class T, class Result>
void pool_planes(const PoolJob& job, std::size_t planes, const T* x, Result* y) {
  using Kernels = PerIsa<void(const PoolJob&, std::size_t, const T*, Result*)>;
  const auto kernels = []<class Pass>(Pass) {
    return compile_per_isa<Pass, const PoolJob&, std::size_t, const T*, Result*>();
  };
  static constexpr Kernels singles = kernels(PoolSingles<Body>());
  static constexpr Kernels any = kernels(PoolLanes<Body, 0, 0>()), by_1 = kernels(PoolLanes<Body, 1, 0>()),
                           by_2 = kernels(PoolLanes<Body, 2, 0>());
  const PoolAxis& inner = job.window.axes[2];
  const Kernels* lanes = inner.stride == 1 ? &by_1 : inner.stride == 2 ? &by_2 : &any;
  if constexpr (Body::has_sizes) {
    static constexpr Kernels of_2 = kernels(PoolLanes<Body, 2, 2>()), of_3 = kernels(PoolLanes<Body, 2, 3>());
    if (inner.stride == 2 && inner.dilation == 1) lanes = inner.kernel == 2 ? &of_2 : inner.kernel == 3 ? &of_3 : lanes;
  }
  const auto isa = static_cast<std::size_t>(active_isa());
  const bool has_lanes = job.whole.last > job.whole.first;
  parallel_for(planes, 1, planes * job.window.input_size(), [&](std::size_t first, std::size_t last) {
    const T* from = x + first * job.window.input_size();
    Result* to = y + first * job.window.output_size();
    if (has_lanes) (*lanes)[isa](job, last - first, from, to);
    if (job.whole.last - job.whole.first < inner.output) singles[isa](job, last - first, from, to);
  });
}

}  // namespace wengert::kernel
