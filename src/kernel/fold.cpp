#include "kernel/fold.hpp"

#include "kernel/parallel.hpp"
#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/lane.hpp>

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
  static constexpr std::size_t block = 2048;  // elements summed before they join the total

  template <class L>
  static WENGERT_INLINE L join(const L& a, const L& b) {
    if constexpr (fold == Fold::sum)
      return a + b;
    else
      return where(a > b || a != a, a, b);
  }
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

  // Lanes have names, as g++ keeps arrays of them in memory.
  template <class L>
  static WENGERT_INLINE T fold_block(const T* x, std::size_t count) {
    constexpr std::size_t w = L::width;
    L a(start), b(start), c(start), d(start);
    std::size_t k = 0;
    for (; k + 4 * w <= count; k += 4 * w) {
      const L x0 = L::load(x + k), x1 = L::load(x + k + w), x2 = L::load(x + k + 2 * w), x3 = L::load(x + k + 3 * w);
      a = join(a, x0), b = join(b, x1), c = join(c, x2), d = join(d, x3);
    }
    for (; k + w <= count; k += w) {
      const L x0 = L::load(x + k);
      a = join(a, x0);
    }
    alignas(L) T elements[w];
    const L ab = join(a, b), cd = join(c, d);
    join(ab, cd).store(elements);
    T result = elements[0];
    for (std::size_t j = 1; j < w; ++j) result = join(result, elements[j]);
    for (; k < count; ++k) result = join(result, x[k]);
    return result;
  }

  // The total of a long row, in doubles from block to block.
  template <class L>
  static WENGERT_INLINE Total fold_row(const T* x, std::size_t count) {
    if (count <= block) return static_cast<Total>(fold_block<L>(x, count));
    Total total = start;
    for (std::size_t k = 0; k < count; k += block)
      total = join_total(total, static_cast<Total>(fold_block<L>(x + k, std::min(block, count - k))));
    return total;
  }

  // Rows shorter than a lane, eight side by side.
  static WENGERT_INLINE void fold_short_rows(const T* x, T* out, std::size_t rows, std::size_t count) {
    constexpr std::size_t together = 8;
    std::size_t row = 0;
    for (; row + together <= rows; row += together, x += together * count) {
      T part[together];
      for (T& p : part) p = start;
      for (std::size_t k = 0; k < count; ++k)
        for (std::size_t j = 0; j < together; ++j) part[j] = join(part[j], x[j * count + k]);
      for (std::size_t j = 0; j < together; ++j) out[row + j] = part[j];
    }
    for (; row < rows; ++row, x += count) {
      T total = start;
      for (std::size_t k = 0; k < count; ++k) total = join(total, x[k]);
      out[row] = total;
    }
  }

  // How many rows are summed before they join the total: about √count.
  static WENGERT_INLINE std::size_t rows_in_block(std::size_t count) {
    std::size_t rows = 128;
    while (rows * rows < count) rows *= 2;
    return rows;
  }
  template <class L>
  static WENGERT_INLINE void fold_four_columns(const T* x, T* out, std::size_t count, std::size_t stride) {
    constexpr std::size_t w = L::width;
    const std::size_t rows = rows_in_block(count);
    L t0(start), t1(start), t2(start), t3(start);
    for (std::size_t k = 0; k < count;) {
      L a(start), b(start), c(start), d(start);
      for (const std::size_t end = std::min(count, k + rows); k < end; ++k, x += stride) {
        const L x0 = L::load(x), x1 = L::load(x + w), x2 = L::load(x + 2 * w), x3 = L::load(x + 3 * w);
        a = join(a, x0), b = join(b, x1), c = join(c, x2), d = join(d, x3);
      }
      t0 = join(t0, a), t1 = join(t1, b), t2 = join(t2, c), t3 = join(t3, d);
    }
    t0.store(out), t1.store(out + w), t2.store(out + 2 * w), t3.store(out + 3 * w);
  }
  template <class L>
  static WENGERT_INLINE void fold_column(const T* x, T* out, std::size_t count, std::size_t stride) {
    const std::size_t rows = rows_in_block(count);
    L total(start);
    for (std::size_t k = 0; k < count;) {
      L part(start);
      for (const std::size_t end = std::min(count, k + rows); k < end; ++k, x += stride) {
        const L element = L::load(x);
        part = join(part, element);
      }
      total = join(total, part);
    }
    total.store(out);
  }
  // `width` neighbouring columns, down all rows.
  template <std::size_t Bytes>
  static WENGERT_INLINE void fold_columns(const T* x, T* out, std::size_t count, std::size_t width,
                                          std::size_t stride) {
    using L = Lane<T, Bytes>;
    using Narrow = Lane<T, 16>;
    std::size_t i = 0;
    for (; i + 4 * L::width <= width; i += 4 * L::width) fold_four_columns<L>(x + i, out + i, count, stride);
    for (; i + L::width <= width; i += L::width) fold_column<L>(x + i, out + i, count, stride);
    for (; i + Narrow::width <= width; i += Narrow::width) fold_column<Narrow>(x + i, out + i, count, stride);
    for (; i < width; ++i) {
      Total total = start;
      for (std::size_t k = 0; k < count; ++k) total = join_total(total, static_cast<Total>(x[k * stride + i]));
      out[i] = static_cast<T>(total);
    }
  }
  // A few columns: `together` rows are taken for one wide one, whose columns are folded at last.
  static constexpr std::size_t wide = 128;
  template <std::size_t Bytes>
  static WENGERT_INLINE void fold_few_columns(const T* x, T* out, std::size_t count, std::size_t width) {
    const std::size_t together = wide / width, whole = count / together;
    T part[wide];
    fold_columns<Bytes>(x, part, whole, together * width, together * width);
    for (std::size_t i = 0; i < width; ++i) {
      Total total = start;
      for (std::size_t j = 0; j < together; ++j) total = join_total(total, static_cast<Total>(part[j * width + i]));
      for (std::size_t k = whole * together; k < count; ++k)
        total = join_total(total, static_cast<Total>(x[k * width + i]));
      out[i] = static_cast<T>(total);
    }
  }

  // out[o, i] for `width` columns i, which lie `stride` apart from row to row.
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
      if (width == stride && width <= wide / 4 && count >= wide / 4)
        fold_few_columns<Bytes>(x, out, count, width);
      else
        fold_columns<Bytes>(x, out, count, width, stride);
  }
};

// One segment of a row so long that threads share it.
template <Fold fold, class T>
struct SegmentBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, std::size_t count, typename FoldBody<fold, T>::Total* total) {
    *total = FoldBody<fold, T>::template fold_row<Lane<T, Bytes>>(x, count);
  }
};

// Segments depend on the row alone, and join in order: every number of threads gives the same.
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
    constexpr std::size_t whole_lanes = 64;  // so that each column is summed the same way however they are split
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
