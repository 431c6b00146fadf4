// Vectorised sums and maxima along rows and columns; sums are accumulated in T within blocks, across blocks in double.
#include "kernel/fold.hpp"

#include "base/parallel.hpp"
#include "kernel/rows.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

namespace wengert::kernel {
namespace {

template <Fold fold, class T>
struct FoldBody {
  using Total = std::conditional_t<fold == Fold::sum, double, T>;
  static constexpr T start = fold == Fold::sum ? T(0) : -std::numeric_limits<T>::infinity();
  static constexpr std::size_t block = 2048;  // elements summed before they are added to the total

  // The maximum of two lanes may lose a NaN: g++ 12 would compile a test for NaN to scalar code. `Trace` detects NaNs.
  template <class L>
  static WENGERT_INLINE L join(const L& a, const L& b) {
    if constexpr (fold == Fold::sum)
      return a + b;
    else
      return where(a > b, a, b);
  }
  // The sum of the elements times 0: NaN if an element is NaN or infinite.
  template <class L>
  struct Trace {
    L zeros{T(0)};
    WENGERT_INLINE void add(const L& x) {
      if constexpr (fold == Fold::maximum) zeros = zeros + x * L(T(0));
    }
    WENGERT_INLINE bool found() const {
      if constexpr (fold == Fold::sum) return false;
      alignas(L) T elements[L::width];
      zeros.store(elements);
      T sum = 0;
      for (const T e : elements) sum += e;
      return sum != sum;
    }
  };
  static WENGERT_INLINE T join(T a, T b) {
    if constexpr (fold == Fold::sum)
      return a + b;
    else
      return a > b || a != a ? a : b;
  }
  static WENGERT_INLINE Total join_total(Total total, Total part) {
    if constexpr (fold == Fold::sum)
      return total + part;
    else
      return join(total, part);
  }

  static WENGERT_INLINE T fold_one_by_one(const T* x, std::size_t count, std::size_t stride) {
    Total total = start;
    for (std::size_t k = 0; k < count; ++k) total = join_total(total, static_cast<Total>(x[k * stride]));
    return static_cast<T>(total);
  }

  // Lanes are named variables because g++ keeps arrays of them in memory.
  template <class L>
  static WENGERT_INLINE T fold_block(const T* x, std::size_t count) {
    constexpr std::size_t w = L::width;
    L a(start), b(start), c(start), d(start);
    Trace<L> trace;
    std::size_t k = 0;
    for (; k + 4 * w <= count; k += 4 * w) {
      const L x0 = L::load(x + k), x1 = L::load(x + k + w), x2 = L::load(x + k + 2 * w), x3 = L::load(x + k + 3 * w);
      a = join(a, x0), b = join(b, x1), c = join(c, x2), d = join(d, x3);
      trace.add(x0 + x1), trace.add(x2 + x3);
    }
    for (; k + w <= count; k += w) {
      const L x0 = L::load(x + k);
      a = join(a, x0);
      trace.add(x0);
    }
    if (trace.found()) return fold_one_by_one(x, count, 1);
    const L ab = join(a, b), cd = join(c, d);
    T result = across(
        join(ab, cd), [](const auto& p, const auto& q) __attribute__((always_inline)) { return FoldBody::join(p, q); });
    for (; k < count; ++k) result = join(result, x[k]);
    return result;
  }

  // The total of a long row; sums are accumulated in double across blocks.
  template <class L>
  static WENGERT_INLINE Total fold_row(const T* x, std::size_t count) {
    // Each element of a float lane adds eight numbers before it is added in double: near 1e6, more would round.
    constexpr std::size_t part = fold == Fold::sum && sizeof(T) == 4 ? 32 * L::width : block;
    if (count <= part) return static_cast<Total>(fold_block<L>(x, count));
    Total total = start;
    for (std::size_t k = 0; k < count; k += part)
      total = join_total(total, static_cast<Total>(fold_block<L>(x + k, std::min(part, count - k))));
    return total;
  }

  // Rows shorter than a lane, eight at a time.
  static WENGERT_INLINE void fold_short_rows(const T* x, T* out, std::size_t rows, std::size_t count) {
    constexpr std::size_t together = 8;
    std::size_t row = 0;
    for (; row + together <= rows; row += together, x += together * count) {
      T part[together], zeros[together];
      for (std::size_t j = 0; j < together; ++j) part[j] = start, zeros[j] = 0;
      for (std::size_t k = 0; k < count; ++k)
        for (std::size_t j = 0; j < together; ++j) {
          const T e = x[j * count + k];
          if constexpr (fold == Fold::sum) {
            part[j] += e;
          } else {
            part[j] = e > part[j] ? e : part[j];
            zeros[j] += e * T(0);
          }
        }
      for (std::size_t j = 0; j < together; ++j)
        out[row + j] = zeros[j] == 0 ? part[j] : fold_one_by_one(x + j * count, count, 1);
    }
    for (; row < rows; ++row, x += count) out[row] = fold_one_by_one(x, count, 1);
  }

  // Folds the columns of a block of rows, read eight rows at a time, into `part`, which stays in the L1 cache.
  static constexpr std::size_t chunk = 512, rows_in_block = 64, rows_together = 8;
  template <class L>
  static WENGERT_INLINE void fold_lane_of_rows(const T* x, T* part, std::size_t rows, std::size_t stride, bool fresh,
                                               Trace<L>& trace) {
    L total = fresh ? L(start) : L::load(part);
    if (rows == rows_together) {
      const L x0 = L::load(x), x1 = L::load(x + stride), x2 = L::load(x + 2 * stride), x3 = L::load(x + 3 * stride),
              x4 = L::load(x + 4 * stride), x5 = L::load(x + 5 * stride), x6 = L::load(x + 6 * stride),
              x7 = L::load(x + 7 * stride);
      const L a = join(x0, x1), b = join(x2, x3), c = join(x4, x5), d = join(x6, x7);
      const L ab = join(a, b), cd = join(c, d), all = join(ab, cd);
      total = join(total, all);
      trace.add(x0 + x1), trace.add(x2 + x3), trace.add(x4 + x5), trace.add(x6 + x7);
    } else {
      for (std::size_t r = 0; r < rows; ++r) {
        const L element = L::load(x + r * stride);
        total = join(total, element);
        trace.add(element);
      }
    }
    total.store(part);
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void fold_rows(const T* x, T* part, std::size_t rows, std::size_t width, std::size_t stride) {
    using L = Lane<T, Bytes>;
    using Narrow = Lane<T, 16>;
    Trace<L> trace;
    Trace<Narrow> narrow_trace;
    std::size_t first_left = width - width % Narrow::width;
    for (std::size_t r = 0; r < rows; r += rows_together) {
      const std::size_t together = std::min(rows_together, rows - r);
      const T* const from = x + r * stride;
      std::size_t i = 0;
      for (; i + L::width <= width; i += L::width)
        fold_lane_of_rows<L>(from + i, part + i, together, stride, r == 0, trace);
      for (; i + Narrow::width <= width; i += Narrow::width)
        fold_lane_of_rows<Narrow>(from + i, part + i, together, stride, r == 0, narrow_trace);
    }
    if (trace.found() || narrow_trace.found()) first_left = 0;
    for (std::size_t i = first_left; i < width; ++i) part[i] = fold_one_by_one(x + i, rows, stride);
  }
  // Folds `width` adjacent columns, at most a chunk, over all rows, block by block into `total`.
  template <std::size_t Bytes>
  static WENGERT_INLINE void fold_chunk(const T* x, Total* total, std::size_t count, std::size_t width,
                                        std::size_t stride) {
    T part[chunk];
    for (std::size_t i = 0; i < width; ++i) total[i] = start;
    for (std::size_t k = 0; k < count; k += rows_in_block) {
      fold_rows<Bytes>(x + k * stride, part, std::min(rows_in_block, count - k), width, stride);
      for (std::size_t i = 0; i < width; ++i) total[i] = join_total(total[i], static_cast<Total>(part[i]));
    }
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void fold_columns(const T* x, T* out, std::size_t count, std::size_t width,
                                          std::size_t stride) {
    Total total[chunk];
    for (std::size_t first = 0; first < width; first += chunk) {
      const std::size_t part = std::min(chunk, width - first);
      fold_chunk<Bytes>(x + first, total, count, part, stride);
      for (std::size_t i = 0; i < part; ++i) out[first + i] = static_cast<T>(total[i]);
    }
  }
  // Few columns: `together` rows are treated as one wide row, whose columns are folded at the end.
  static constexpr std::size_t few = 32, wide = 128;
  template <std::size_t Bytes>
  static WENGERT_INLINE void fold_few_columns(const T* x, T* out, std::size_t count, std::size_t width) {
    const std::size_t together = std::min(wide / width, count / rows_together), whole = count / together;
    Total part[wide];
    fold_chunk<Bytes>(x, part, whole, together * width, together * width);
    for (std::size_t i = 0; i < width; ++i) {
      Total total = start;
      for (std::size_t j = 0; j < together; ++j) total = join_total(total, part[j * width + i]);
      for (std::size_t k = whole * together; k < count; ++k)
        total = join_total(total, static_cast<Total>(x[k * width + i]));
      out[i] = static_cast<T>(total);
    }
  }

  // out[o, i] for `width` columns i; rows are `stride` elements apart.
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* out, std::size_t outer, std::size_t count, std::size_t width,
                                 std::size_t stride) {
    using L = Lane<T, Bytes>;
    if (stride == 1) {
      if (count < L::width) return fold_short_rows(x, out, outer, count);
      for (std::size_t o = 0; o < outer; ++o) out[o] = static_cast<T>(fold_row<L>(x + o * count, count));
      return;
    }
    for (std::size_t o = 0; o < outer; ++o, x += count * stride, out += width)
      if (width == stride && width <= few && count >= rows_together)
        fold_few_columns<Bytes>(x, out, count, width);
      else
        fold_columns<Bytes>(x, out, count, width, stride);
  }
};

// One segment of a row long enough to be divided among threads.
template <Fold fold, class T>
struct SegmentBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, std::size_t count, typename FoldBody<fold, T>::Total* total) {
    *total = FoldBody<fold, T>::template fold_row<Lane<T, Bytes>>(x, count);
  }
};

// Segments depend on the row alone and are joined in order, so the result does not depend on the number of threads.
template <Fold fold, class T>
T fold_segments(const T* x, std::size_t count) {
  using Body = FoldBody<fold, T>;
  static constexpr auto kernels = compile_per_isa<SegmentBody<fold, T>, const T*, std::size_t, typename Body::Total*>();
  constexpr std::size_t most = 256;
  std::array<typename Body::Total, most> totals;  // NOLINT: each is set below
  const std::size_t segment = std::max(large_work / 2, (count / most / Body::block + 1) * Body::block);
  const std::size_t segments = (count + segment - 1) / segment;
  parallel_for(segments, 1, count, [&](std::size_t first, std::size_t last) {
    for (std::size_t s = first; s < last; ++s)
      kernels[static_cast<std::size_t>(active_isa())](x + s * segment, std::min(segment, count - s * segment),
                                                      &totals[s]);
  });
  typename Body::Total total = Body::start;
  for (std::size_t s = 0; s < segments; ++s) total = Body::join_total(total, totals[s]);
  return static_cast<T>(total);
}

}  // namespace

template <Fold fold, class T>
void fold_axis(const T* x, T* out, std::size_t outer, std::size_t count, std::size_t inner) {
  static constexpr auto kernels =
      compile_per_isa<FoldBody<fold, T>, const T*, T*, std::size_t, std::size_t, std::size_t, std::size_t>();
  const auto kernel = kernels[static_cast<std::size_t>(active_isa())];
  const std::size_t elements = outer * count * inner;
  if (outer * inner == 0) return;
  if (outer == 1 && inner == 1 && count >= large_work) {
    *out = fold_segments<fold>(x, count);
  } else if (outer > 1) {
    parallel_for(outer, 1, elements, [&](std::size_t first, std::size_t last) {
      kernel(x + first * count * inner, out + first * inner, last - first, count, inner, inner);
    });
  } else {
    parallel_for(inner, whole_lanes, elements, [&](std::size_t first, std::size_t last) {
      kernel(x + first, out + first, outer, count, last - first, inner);
    });
  }
}

template void fold_axis<Fold::sum, float>(const float*, float*, std::size_t, std::size_t, std::size_t);
template void fold_axis<Fold::sum, double>(const double*, double*, std::size_t, std::size_t, std::size_t);
template void fold_axis<Fold::maximum, float>(const float*, float*, std::size_t, std::size_t, std::size_t);
template void fold_axis<Fold::maximum, double>(const double*, double*, std::size_t, std::size_t, std::size_t);

}  // namespace wengert::kernel
