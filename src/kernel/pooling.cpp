// Average pooling: a lane of windows at a time, otherwise window by window; and its transpose.
#include "kernel/pooling.hpp"

#include "kernel/pool_windows.hpp"
#include "kernel/rows.hpp"
#include "kernel/scratch.hpp"

namespace wengert::kernel {
namespace {

double divisor(const InputRange& s0, const InputRange& s1, const InputRange& s2, bool padding_counts) {
  const auto count = [&](const InputRange& s) {
    return static_cast<double>(padding_counts ? s.padded_count : s.last - s.first);
  };
  return count(s0) * count(s1) * count(s2);
}

// ---- averages ------------------------------------------------------------------------------------------------------

// The sum of each element of lanes, in double.
template <class L>
struct Sums;
template <std::size_t Bytes>
struct Sums<Lane<double, Bytes>> {
  Lane<double, Bytes> total{0.0};

  WENGERT_INLINE void add(const Lane<double, Bytes>& x) { total = total + x; }
  WENGERT_INLINE double sum() const { return across(total, plus); }
  template <std::size_t order>
  WENGERT_INLINE void store(double divided_by, double* y) const {
    const Lane<double, Bytes> average = total / Lane<double, Bytes>(divided_by);
    in_order<Lane<double, Bytes>, order>(average).store(y);
  }
};
template <std::size_t Bytes>
struct Sums<Lane<float, Bytes>> {
  using Wide = Lane<double, Bytes>;
  static constexpr std::size_t half = Wide::width;
  Wide low{0.0}, high{0.0};

  WENGERT_INLINE void add(const Lane<float, Bytes>& x) {
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
      using R = typename Wide::Register;
      low.v += __builtin_convertvector(__builtin_shufflevector(x.v, x.v, static_cast<int>(I)...), R);
      high.v += __builtin_convertvector(__builtin_shufflevector(x.v, x.v, static_cast<int>(I + half)...), R);
    }
    (std::make_index_sequence<half>{});
  }
  WENGERT_INLINE double sum() const {
    const Wide both = low + high;
    return across(both, plus);
  }
  template <std::size_t order>
  WENGERT_INLINE void store(double divided_by, float* y) const {
    const Wide by(divided_by);
    alignas(Wide) double wide[2 * half];
    (low / by).store(wide);
    (high / by).store(wide + half);
    alignas(Wide) float averages[2 * half];
    for (std::size_t i = 0; i < 2 * half; ++i) averages[i] = static_cast<float>(wide[i]);
    in_order<Lane<float, Bytes>, order>(Lane<float, Bytes>::load(averages)).store(y);
  }
};

template <class T>
struct AverageBody {
  static constexpr bool has_sizes = false;

  template <std::size_t Bytes, std::size_t stride, std::size_t kernel>
  static WENGERT_INLINE void lanes(const PoolJob& job, const T* x, T* y) {
    const PoolAxis& inner = job.window.axes[2];
    const auto of_lane = [&](const InputRange& s0, const InputRange& s1, std::size_t o2, std::size_t place, auto tag)
        __attribute__((always_inline)) {
      using L = typename decltype(tag)::type;
      const T* from = x + (o2 * inner.stride - inner.padding);
      Sums<L> sums;
      const auto add = [&](const L& e, std::size_t) __attribute__((always_inline)) { sums.add(e); };
      const auto add_line = [&](std::size_t line) __attribute__((always_inline)) {
        each_element<L, stride, kernel>(from + line, inner, add);
      };
      for_each_line(job.window, s0, s1, add_line);
      sums.template store<stride>(divisor(s0, s1, inner.inputs_of(o2), job.padding_counts), y + place);
    };
    each_lane<T, Bytes>(job, of_lane);
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void singles(const PoolJob& job, const T* x, T* y) {
    const auto of_window = [&](const InputRange& s0, const InputRange& s1, const InputRange& s2, std::size_t place)
        __attribute__((always_inline)) {
      const double sum = sum_in<Bytes>(job, x, s0, s1, s2);
      y[place] = static_cast<T>(sum / divisor(s0, s1, s2, job.padding_counts));
    };
    each_single(job, of_window);
  }

 private:
  // By lines and blocks, so that the rounding error of large windows grows slowly.
  static constexpr std::size_t block = 256;  // lanes
  template <std::size_t Bytes>
  static WENGERT_INLINE double sum_in(const PoolJob& job, const T* x, const InputRange& s0, const InputRange& s1,
                                      const InputRange& s2) {
    using L = Lane<T, Bytes>;
    const std::size_t step = job.window.axes[2].dilation;
    const std::size_t lanes = step == 1 ? (s2.last - s2.first) / L::width : 0;
    double total = 0;
    const auto add_line = [&](std::size_t line) __attribute__((always_inline)) {
      double part = 0;
      std::size_t i = line + s2.first;
      for (std::size_t n = 0; n < lanes;) {
        Sums<L> sums;
        for (const std::size_t end = std::min(lanes, n + block); n < end; ++n, i += L::width) sums.add(L::load(x + i));
        part += sums.sum();
      }
      for (; i < line + s2.last; i += step) part += static_cast<double>(x[i]);
      total += part;
    };
    for_each_line(job.window, s0, s1, add_line);
    return total;
  }
};

// ---- their transpose -----------------------------------------------------------------------------------------------

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

template <class T>
void spread_each(const PoolWindow& window, bool padding_counts, const T* g, T* x) {
  each_single({window}, [&](const InputRange& s0, const InputRange& s1, const InputRange& s2, std::size_t place) {
    const T share = static_cast<T>(static_cast<double>(g[place]) / divisor(s0, s1, s2, padding_counts));
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
void average_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* x, T* y) {
  pool_planes<AverageBody<T>>(pool_job<T>(window, true, padding_counts), planes, x, y);
}

template <class T>
void spread_windows(const PoolWindow& window, bool padding_counts, std::size_t planes, const T* g, T* x) {
  const bool lines = by_lines(window);
  std::fill_n(x, planes * window.input_size(), T(0));
  for (; planes-- > 0; g += window.output_size(), x += window.input_size())
    lines ? spread_lines(window, padding_counts, g, x) : spread_each(window, padding_counts, g, x);
}

#define WENGERT_INSTANTIATE(T)                                                          \
  template void average_windows<T>(const PoolWindow&, bool, std::size_t, const T*, T*); \
  template void spread_windows<T>(const PoolWindow&, bool, std::size_t, const T*, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
