// Vectorised matrix–vector and outer products, where a library call would spend most of its time packing operands.
#include "kernel/gemm_thin.hpp"

#include "base/parallel.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

namespace wengert::kernel {
namespace {

// Whether one masked instruction can load or store part of a lane.
#if defined(__clang__)
template <std::size_t Bytes>
constexpr bool masks_memory = false;
#else
template <std::size_t Bytes>
constexpr bool masks_memory = Bytes == 64;
#endif

// Thin products: packing the operands, as libraries do, would take longer than these kernels.
template <class T>
struct ThinBodies {
  // y = x·B, B row-major: columns accumulate in registers over all rows.
  struct RowTimesMatrix {
    // Plain, named registers here and below: g++ keeps arrays of them, and lanes that are passed to operators, in
    // memory.
    template <class L>
    static WENGERT_INLINE void eight_lanes(const T* x, const T* b, std::size_t stride, T* y, std::size_t k,
                                           const Blend<T>& blend) {
      using R = typename L::Register;
      constexpr std::size_t w = L::width;
      R y0{}, y1{}, y2{}, y3{}, y4{}, y5{}, y6{}, y7{};
      for (std::size_t p = 0; p < k; ++p, b += stride) {
        R scale;
        broadcast(x[p], scale);
        y0 = y0 + scale * L::load(b).v, y1 = y1 + scale * L::load(b + w).v;
        y2 = y2 + scale * L::load(b + 2 * w).v, y3 = y3 + scale * L::load(b + 3 * w).v;
        y4 = y4 + scale * L::load(b + 4 * w).v, y5 = y5 + scale * L::load(b + 5 * w).v;
        y6 = y6 + scale * L::load(b + 6 * w).v, y7 = y7 + scale * L::load(b + 7 * w).v;
      }
      blend.put(L(y0), y), blend.put(L(y1), y + w), blend.put(L(y2), y + 2 * w), blend.put(L(y3), y + 3 * w);
      y += 4 * w;
      blend.put(L(y4), y), blend.put(L(y5), y + w), blend.put(L(y6), y + 2 * w), blend.put(L(y7), y + 3 * w);
    }
    // The same for more columns, all of them in whole lanes: B is read in order, four rows at a time, and y stays in
    // the first-level cache. A pass over the rows for every eight lanes took 1.3 times as long, at 784 rows of 128.
    static constexpr std::size_t widest = 2048;
    template <class L>
    static WENGERT_INLINE void wide_rows(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n,
                                         const Blend<T>& blend) {
      using R = typename L::Register;
      for (std::size_t j = 0; j < n; ++j) y[j] = blend.beta != T(0) ? blend.beta * y[j] : T(0);
      std::size_t p = 0;
      for (; p + 4 <= k; p += 4, b += 4 * stride) {
        R x0, x1, x2, x3;
        broadcast(blend.alpha * x[p], x0), broadcast(blend.alpha * x[p + 1], x1);
        broadcast(blend.alpha * x[p + 2], x2), broadcast(blend.alpha * x[p + 3], x3);
        for (std::size_t j = 0; j < n; j += L::width) {
          R sum = L::load(y + j).v;
          sum = sum + x0 * L::load(b + j).v, sum = sum + x1 * L::load(b + stride + j).v;
          sum = sum + x2 * L::load(b + 2 * stride + j).v, sum = sum + x3 * L::load(b + 3 * stride + j).v;
          L(sum).store(y + j);
        }
      }
      for (; p < k; ++p, b += stride) {
        R scale;
        broadcast(blend.alpha * x[p], scale);
        for (std::size_t j = 0; j < n; j += L::width) L(L::load(y + j).v + scale * L::load(b + j).v).store(y + j);
      }
    }
    // One lane of columns, or the part that `load` reads. Four independent sums hide the latency of additions.
    template <class L, class Load>
    static WENGERT_INLINE L one_lane(const T* x, const T* b, std::size_t stride, std::size_t k, const Load& load) {
      using R = typename L::Register;
      R s0{}, s1{}, s2{}, s3{};
      std::size_t p = 0;
      for (; p + 4 <= k; p += 4, b += 4 * stride) {
        R x0, x1, x2, x3;
        broadcast(x[p], x0), broadcast(x[p + 1], x1), broadcast(x[p + 2], x2), broadcast(x[p + 3], x3);
        s0 = s0 + x0 * load(b).v, s1 = s1 + x1 * load(b + stride).v;
        s2 = s2 + x2 * load(b + 2 * stride).v, s3 = s3 + x3 * load(b + 3 * stride).v;
      }
      for (; p < k; ++p, b += stride) {
        R scale;
        broadcast(x[p], scale);
        s0 = s0 + scale * load(b).v;
      }
      return L((s0 + s1) + (s2 + s3));
    }
    template <class L>
    static WENGERT_INLINE void one_lane(const T* x, const T* b, std::size_t stride, T* y, std::size_t k,
                                        const Blend<T>& blend) {
      const L sum = one_lane<L>(x, b, stride, k, [](const T* row) { return L::load(row); });
      blend.put(sum, y);
    }
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n,
                                   Blend<T> blend) {
      using L = Lane<T, Bytes>;
      using Narrow = Lane<T, 16>;
      std::size_t i = 0;
      if (n == 8 * L::width) return eight_lanes<L>(x, b, stride, y, k, blend);
      const std::size_t whole = n > 8 * L::width ? n / L::width * L::width : 0;
      for (std::size_t count = 0; i < whole; i += count) {
        count = whole - i < widest ? whole - i : widest;
        wide_rows<L>(x, b + i, stride, y + i, k, count, blend);
      }
      for (; i + L::width <= n; i += L::width) one_lane<L>(x, b + i, stride, y + i, k, blend);
      if constexpr (masks_memory<Bytes>) {
        const std::size_t rest = n - i;
        if (rest == 0) return;
        const L sum = one_lane<L>(x, b + i, stride, k, [&](const T* row) { return L::load_first(row, rest); });
        blend.put_first_scaled(L(blend.alpha) * sum, y + i, rest);
        return;
      }
      for (; i + Narrow::width <= n; i += Narrow::width) one_lane<Narrow>(x, b + i, stride, y + i, k, blend);
      for (; i < n; ++i) {
        T sum = 0;
        for (std::size_t p = 0; p < k; ++p) sum += x[p] * b[p * stride + i];
        blend.put_one(sum, y + i);
      }
    }
  };
  // y = B·x, B row-major: one dot product per row.
  struct MatrixTimesColumn {
    // The sum of a lane by repeated halving: adding its elements one by one would take longer than the row.
    template <std::size_t Bytes>
    static WENGERT_INLINE T halves(const Lane<T, Bytes>& lane) {
      alignas(64) T elements[Bytes / sizeof(T)];
      lane.store(elements);
      if constexpr (Bytes > 16) {
        using Half = Lane<T, Bytes / 2>;
        const Half low = Half::load(elements), high = Half::load(elements + Half::width), both = low + high;
        return halves<Bytes / 2>(both);
      } else if constexpr (sizeof(T) == 4) {
        return (elements[0] + elements[1]) + (elements[2] + elements[3]);
      } else {
        return elements[0] + elements[1];
      }
    }
    // Rows too short for lanes, eight at a time.
    static WENGERT_INLINE void short_rows(const T* x, const T* b, std::size_t stride, T* y, std::size_t k,
                                          std::size_t n, Blend<T> blend) {
      constexpr std::size_t together = 8;
      for (std::size_t i = 0; i < n; i += together, b += together * stride) {
        const std::size_t rows = n - i < together ? n - i : together;
        T sum[together] = {};
        if (rows == together) {
          for (std::size_t p = 0; p < k; ++p)
            for (std::size_t r = 0; r < together; ++r) sum[r] += x[p] * b[r * stride + p];
        } else {
          for (std::size_t p = 0; p < k; ++p)
            for (std::size_t r = 0; r < rows; ++r) sum[r] += x[p] * b[r * stride + p];
        }
        for (std::size_t r = 0; r < rows; ++r) blend.put_one(sum[r], y + i + r);
      }
    }
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n,
                                   Blend<T> blend) {
      if (k < 64 / sizeof(T)) return short_rows(x, b, stride, y, k, n, blend);
      constexpr std::size_t bytes = Bytes < 32 ? Bytes : 32;  // 64 took three times as long
      using L = Lane<T, bytes>;
      for (std::size_t i = 0; i < n; ++i, b += stride) {
        constexpr std::size_t w = L::width;
        L s0(T(0)), s1(T(0)), s2(T(0)), s3(T(0));
        std::size_t p = 0;
        for (; p + 4 * w <= k; p += 4 * w) {
          const L x0 = L::load(x + p), x1 = L::load(x + p + w), x2 = L::load(x + p + 2 * w),
                  x3 = L::load(x + p + 3 * w);
          const L b0 = L::load(b + p), b1 = L::load(b + p + w), b2 = L::load(b + p + 2 * w),
                  b3 = L::load(b + p + 3 * w);
          s0 = s0 + x0 * b0, s1 = s1 + x1 * b1, s2 = s2 + x2 * b2, s3 = s3 + x3 * b3;
        }
        for (; p + w <= k; p += w) {
          const L x0 = L::load(x + p), b0 = L::load(b + p);
          s0 = s0 + x0 * b0;
        }
        const L left = s0 + s1, right = s2 + s3, sum = left + right;
        T total = halves<bytes>(sum);
        for (; p < k; ++p) total += x[p] * b[p];
        blend.put_one(total, y + i);
      }
    }
  };
  // C = alpha·a·bᵀ + beta·C for vectors a and b.
  struct Outer {
    // With a beta of 1, as for accumulating gradients, the addition takes one instruction per lane.
    template <bool adds, class V>
    static WENGERT_INLINE void join(const V& scale, const V& b, T* c, const Blend<T>& blend) {
      if constexpr (adds)
        (V::load(c) + scale * b).store(c);
      else
        blend.put_scaled(scale * b, c);
    }
    // C += alpha·a·bᵀ over all rows with b in registers: plain ones, because g++ keeps lanes in memory here.
    template <class L>
    static WENGERT_INLINE void add_eight_lanes(const T* a, const T* b, T* c, std::size_t m, std::size_t n, T alpha) {
      using Register = typename L::Register;
      constexpr std::size_t w = L::width;
      const Register b0 = L::load(b).v, b1 = L::load(b + w).v, b2 = L::load(b + 2 * w).v, b3 = L::load(b + 3 * w).v,
                     b4 = L::load(b + 4 * w).v, b5 = L::load(b + 5 * w).v, b6 = L::load(b + 6 * w).v,
                     b7 = L::load(b + 7 * w).v;
      for (std::size_t i = 0; i < m; ++i, c += n) {
        Register scale;
        broadcast(alpha * a[i], scale);
        L(L::load(c).v + scale * b0).store(c), L(L::load(c + w).v + scale * b1).store(c + w);
        L(L::load(c + 2 * w).v + scale * b2).store(c + 2 * w), L(L::load(c + 3 * w).v + scale * b3).store(c + 3 * w);
        L(L::load(c + 4 * w).v + scale * b4).store(c + 4 * w), L(L::load(c + 5 * w).v + scale * b5).store(c + 5 * w);
        L(L::load(c + 6 * w).v + scale * b6).store(c + 6 * w), L(L::load(c + 7 * w).v + scale * b7).store(c + 7 * w);
      }
    }
    template <std::size_t Bytes, bool adds>
    static WENGERT_INLINE void rows(const T* a, const T* b, T* c, std::size_t m, std::size_t n, const Blend<T>& blend) {
      using L = Lane<T, Bytes>;
      using Narrow = Lane<T, 16>;
      constexpr std::size_t eight = 8 * L::width;
      std::size_t first = 0;
      if (adds && n < 3 * eight)  // wider rows are too far apart for several passes
        for (; first + eight <= n; first += eight) add_eight_lanes<L>(a, b + first, c + first, m, n, blend.alpha);
      if (first == n) return;
      for (std::size_t i = 0; i < m; ++i, c += n) {
        const T by = blend.alpha * a[i];
        const L scale(by);
        const Narrow narrow_scale(by);
        std::size_t j = first;
        for (; j + L::width <= n; j += L::width) join<adds>(scale, L::load(b + j), c + j, blend);
        for (; j + Narrow::width <= n; j += Narrow::width) join<adds>(narrow_scale, Narrow::load(b + j), c + j, blend);
        for (; j < n; ++j) c[j] = blend.beta != T(0) ? by * b[j] + blend.beta * c[j] : by * b[j];
      }
    }
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* a, const T* b, std::size_t, T* c, std::size_t m, std::size_t n,
                                   Blend<T> blend) {
      if (blend.beta == T(1))
        rows<Bytes, true>(a, b, c, m, n, blend);
      else
        rows<Bytes, false>(a, b, c, m, n, blend);
    }
  };
};

template <class Body, class T>
void run_thin(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n, Blend<T> blend) {
  static constexpr auto kernels =
      compile_per_isa<Body, const T*, const T*, std::size_t, T*, std::size_t, std::size_t, Blend<T>>();
  kernels[static_cast<std::size_t>(active_isa())](x, b, stride, y, k, n, blend);
}

}  // namespace

template <class T>
void vector_matrix(const T* x, Matrix<T> b, T* y, std::size_t k, std::size_t n, Blend<T> blend) {
  parallel_for(n, whole_lanes, k * n, [&](std::size_t first, std::size_t last) {
    if (b.transposed)
      run_thin<typename ThinBodies<T>::MatrixTimesColumn>(x, b.data + first * b.stride, b.stride, y + first, k,
                                                          last - first, blend);
    else
      run_thin<typename ThinBodies<T>::RowTimesMatrix>(x, b.data + first, b.stride, y + first, k, last - first, blend);
  });
}

template <class T>
void outer_product(const T* a, const T* b, T* c, std::size_t m, std::size_t n, Blend<T> blend) {
  parallel_for(m, 1, m * n, [&](std::size_t first, std::size_t last) {
    run_thin<typename ThinBodies<T>::Outer>(a + first, b, 0, c + first * n, last - first, n, blend);
  });
}

#define WENGERT_INSTANTIATE(T)                                                                 \
  template void vector_matrix<T>(const T*, Matrix<T>, T*, std::size_t, std::size_t, Blend<T>); \
  template void outer_product<T>(const T*, const T*, T*, std::size_t, std::size_t, Blend<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
