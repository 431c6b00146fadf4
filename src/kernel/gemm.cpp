#include "kernel/gemm.hpp"

#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/lane.hpp>

#include <mutex>
#include <type_traits>

#include <cblas.h>
#if defined(WENGERT_ONEDNN)
#include <dnnl.h>
#endif

#include "kernel/parallel.hpp"

extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace wengert::kernel {
namespace {

// How a product joins what c holds: alpha·product + beta·c. Where beta is 0, c is not read: it may hold anything.
template <class T>
struct Blend {
  T alpha, beta;

  template <class L>
  WENGERT_INLINE void put(const L& product, T* c) const {
    L result = L(alpha) * product;
    if (beta != T(0)) result = result + L(beta) * L::load(c);
    result.store(c);
  }
  WENGERT_INLINE void put_one(T product, T* c) const {
    *c = beta != T(0) ? alpha * product + beta * *c : alpha * product;
  }
};

// Thin products: libraries pack their operands first, which costs more than these do in all.
template <class T>
struct ThinBodies {
  // y = x·B, B row-major: columns in registers, down all rows.
  struct RowTimesMatrix {
    // Lanes have names here and below, as g++ keeps arrays of them, and their temporaries, in memory.
    template <class L>
    static WENGERT_INLINE void four_lanes(const T* x, const T* b, std::size_t stride, T* y, std::size_t k,
                                          const Blend<T>& blend) {
      constexpr std::size_t w = L::width;
      L y0(T(0)), y1(T(0)), y2(T(0)), y3(T(0));
      for (std::size_t p = 0; p < k; ++p, b += stride) {
        const L scale(x[p]);
        const L b0 = L::load(b), b1 = L::load(b + w), b2 = L::load(b + 2 * w), b3 = L::load(b + 3 * w);
        y0 = y0 + scale * b0, y1 = y1 + scale * b1, y2 = y2 + scale * b2, y3 = y3 + scale * b3;
      }
      blend.put(y0, y), blend.put(y1, y + w), blend.put(y2, y + 2 * w), blend.put(y3, y + 3 * w);
    }
    template <class L>
    static WENGERT_INLINE void one_lane(const T* x, const T* b, std::size_t stride, T* y, std::size_t k,
                                        const Blend<T>& blend) {
      L sum(T(0));
      for (std::size_t p = 0; p < k; ++p, b += stride) {
        const L scale(x[p]), row = L::load(b);
        sum = sum + scale * row;
      }
      blend.put(sum, y);
    }
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n,
                                   Blend<T> blend) {
      using L = Lane<T, Bytes>;
      using Narrow = Lane<T, 16>;
      std::size_t i = 0;
      for (; i + 4 * L::width <= n; i += 4 * L::width) four_lanes<L>(x, b + i, stride, y + i, k, blend);
      for (; i + L::width <= n; i += L::width) one_lane<L>(x, b + i, stride, y + i, k, blend);
      for (; i + Narrow::width <= n; i += Narrow::width) one_lane<Narrow>(x, b + i, stride, y + i, k, blend);
      for (; i < n; ++i) {
        T sum = 0;
        for (std::size_t p = 0; p < k; ++p) sum += x[p] * b[p * stride + i];
        blend.put_one(sum, y + i);
      }
    }
  };
  // y = B·x, B row-major: one dot product a row.
  struct MatrixTimesColumn {
    // The sum of a lane, half added to half: one after another would cost more than the row.
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
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n,
                                   Blend<T> blend) {
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
  // C = a·bᵀ for vectors a and b.
  struct Outer {
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* a, const T* b, std::size_t, T* c, std::size_t m, std::size_t n,
                                   Blend<T> blend) {
      using L = Lane<T, Bytes>;
      for (std::size_t i = 0; i < m; ++i, c += n) {
        const L scale(a[i]);
        std::size_t j = 0;
        for (; j + L::width <= n; j += L::width) blend.put(scale * L::load(b + j), c + j);
        for (; j < n; ++j) blend.put_one(a[i] * b[j], c + j);
      }
    }
  };
};

template <class Body, class T>
void run_thin(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n, Blend<T> blend) {
  static constexpr auto kernels =
      compile_per_isa<Body, const T*, const T*, std::size_t, T*, std::size_t, std::size_t, Blend<T>>();
  kernels[static_cast<std::size_t>(active_isa())](x, b, stride, y, k, n, blend);
}

// x·B for a vector x, whichever way B lies.
template <class T>
void vector_matrix(const T* x, Matrix<T> b, T* y, std::size_t k, std::size_t n, Blend<T> blend) {
  if (b.transposed)
    run_thin<typename ThinBodies<T>::MatrixTimesColumn>(x, b.data, b.stride, y, k, n, blend);
  else
    run_thin<typename ThinBodies<T>::RowTimesMatrix>(x, b.data, b.stride, y, k, n, blend);
}

// Small products, one after another: A element by element, B in registers by the row. A library's call costs more.
constexpr std::size_t small_columns = 32;  // and rows of B, which a transposed B is copied to

template <class T>
struct SmallBody {
  using Step = std::ptrdiff_t;

  template <class L>
  static WENGERT_INLINE void four_rows_two_lanes(const T* a, Step row, Step column, const T* b, Step stride, T* c,
                                                 std::size_t n, std::size_t k, const Blend<T>& blend) {
    L c00(T(0)), c01(T(0)), c10(T(0)), c11(T(0)), c20(T(0)), c21(T(0)), c30(T(0)), c31(T(0));
    for (std::size_t p = 0; p < k; ++p, a += column, b += stride) {
      const L b0 = L::load(b), b1 = L::load(b + L::width);
      const L a0(a[0]), a1(a[row]), a2(a[2 * row]), a3(a[3 * row]);
      c00 = c00 + a0 * b0, c01 = c01 + a0 * b1;
      c10 = c10 + a1 * b0, c11 = c11 + a1 * b1;
      c20 = c20 + a2 * b0, c21 = c21 + a2 * b1;
      c30 = c30 + a3 * b0, c31 = c31 + a3 * b1;
    }
    blend.put(c00, c), blend.put(c01, c + L::width);
    blend.put(c10, c + n), blend.put(c11, c + n + L::width);
    blend.put(c20, c + 2 * n), blend.put(c21, c + 2 * n + L::width);
    blend.put(c30, c + 3 * n), blend.put(c31, c + 3 * n + L::width);
  }
  template <class L>
  static WENGERT_INLINE void four_rows(const T* a, Step row, Step column, const T* b, Step stride, T* c, std::size_t n,
                                       std::size_t k, const Blend<T>& blend) {
    L c0(T(0)), c1(T(0)), c2(T(0)), c3(T(0));
    for (std::size_t p = 0; p < k; ++p, a += column, b += stride) {
      const L right = L::load(b);
      const L a0(a[0]), a1(a[row]), a2(a[2 * row]), a3(a[3 * row]);
      c0 = c0 + a0 * right, c1 = c1 + a1 * right, c2 = c2 + a2 * right, c3 = c3 + a3 * right;
    }
    blend.put(c0, c), blend.put(c1, c + n), blend.put(c2, c + 2 * n), blend.put(c3, c + 3 * n);
  }
  template <class L>
  static WENGERT_INLINE void one_row(const T* a, Step column, const T* b, Step stride, T* c, std::size_t k,
                                     const Blend<T>& blend) {
    L sum(T(0));
    for (std::size_t p = 0; p < k; ++p, a += column, b += stride) {
      const L scale(a[0]), right = L::load(b);
      sum = sum + scale * right;
    }
    blend.put(sum, c);
  }
  // As many columns from `j` on as lanes of this width fill; returns the first column left.
  template <class L>
  static WENGERT_INLINE std::size_t columns(std::size_t j, const T* a, Step row, Step column, const T* b, Step stride,
                                            T* c, std::size_t m, std::size_t n, std::size_t k, const Blend<T>& blend) {
    for (; j + 2 * L::width <= n; j += 2 * L::width) {
      std::size_t i = 0;
      for (; i + 4 <= m; i += 4)
        four_rows_two_lanes<L>(a + static_cast<Step>(i) * row, row, column, b + j, stride, c + i * n + j, n, k, blend);
      for (; i < m; ++i) {
        one_row<L>(a + static_cast<Step>(i) * row, column, b + j, stride, c + i * n + j, k, blend);
        one_row<L>(a + static_cast<Step>(i) * row, column, b + j + L::width, stride, c + i * n + j + L::width, k,
                   blend);
      }
    }
    for (; j + L::width <= n; j += L::width) {
      std::size_t i = 0;
      for (; i + 4 <= m; i += 4)
        four_rows<L>(a + static_cast<Step>(i) * row, row, column, b + j, stride, c + i * n + j, n, k, blend);
      for (; i < m; ++i) one_row<L>(a + static_cast<Step>(i) * row, column, b + j, stride, c + i * n + j, k, blend);
    }
    return j;
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(std::size_t count, std::size_t m, std::size_t n, std::size_t k, const Batch<T>* a,
                                 const Batch<T>* b, T* c, Blend<T> blend) {
    const auto a_stride = static_cast<Step>(a->matrix.stride);
    const Step row = a->matrix.transposed ? 1 : a_stride, column = a->matrix.transposed ? a_stride : 1;
    T copy[small_columns * small_columns];
    const T* copied = nullptr;
    for (std::size_t e = 0; e < count; ++e, c += m * n) {
      const T* left = a->matrix.data + static_cast<Step>(e) * a->step;
      const T* right = b->matrix.data + static_cast<Step>(e) * b->step;
      std::size_t stride = b->matrix.stride;
      if (b->matrix.transposed) {
        if (right != copied)
          for (std::size_t p = 0; p < k; ++p)
            for (std::size_t j = 0; j < n; ++j) copy[p * n + j] = right[j * stride + p];
        copied = right;
        right = copy;
        stride = n;
      }
      const auto by = static_cast<Step>(stride);
      std::size_t j = 0;
      if constexpr (Bytes >= 64) j = columns<Lane<T, 64>>(j, left, row, column, right, by, c, m, n, k, blend);
      if constexpr (Bytes >= 32) j = columns<Lane<T, 32>>(j, left, row, column, right, by, c, m, n, k, blend);
      j = columns<Lane<T, 16>>(j, left, row, column, right, by, c, m, n, k, blend);
      for (; j < n; ++j)
        for (std::size_t i = 0; i < m; ++i) {
          T sum = 0;
          for (std::size_t p = 0; p < k; ++p)
            sum += left[static_cast<Step>(i) * row + static_cast<Step>(p) * column] * right[p * stride + j];
          blend.put_one(sum, c + i * n + j);
        }
    }
  }
};

template <class T>
void small_gemm(std::size_t count, std::size_t m, std::size_t n, std::size_t k, const Batch<T>& a, const Batch<T>& b,
                T* c, Blend<T> blend) {
  static constexpr auto kernels = compile_per_isa<SmallBody<T>, std::size_t, std::size_t, std::size_t, std::size_t,
                                                  const Batch<T>*, const Batch<T>*, T*, Blend<T>>();
  kernels[static_cast<std::size_t>(active_isa())](count, m, n, k, &a, &b, c, blend);
}

// Where small_gemm beats the library's call: measured, dnnl_sgemm takes 260 ns at least, cblas_dgemm 18.
template <class T>
bool is_small(std::size_t m, std::size_t n, std::size_t k) {
  constexpr std::size_t most = sizeof(T) == 4 ? 32 : 12;
  return n <= small_columns && k <= small_columns && m <= most * most * most && m * n * k <= most * most * most;
}

void library_gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<float> a, Matrix<float> b, float* c,
                  Blend<float> blend) {
#if defined(WENGERT_ONEDNN)
  const auto size = [](std::size_t x) { return static_cast<dnnl_dim_t>(x); };
  constexpr std::size_t large = std::size_t{1} << 21;
  const ThreadScope threads(m * n * k >= large);
  dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', size(m), size(n), size(k), blend.alpha, a.data,
             size(a.stride), b.data, size(b.stride), blend.beta, c, size(n));
#else
  const auto size = [](std::size_t x) { return static_cast<blasint>(x); };
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
              size(m), size(n), size(k), blend.alpha, a.data, size(a.stride), b.data, size(b.stride), blend.beta, c,
              size(n));
#endif
}

void library_gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<double> a, Matrix<double> b, double* c,
                  Blend<double> blend) {
  const auto size = [](std::size_t x) { return static_cast<int>(x); };
  cblas_dgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
              size(m), size(n), size(k), blend.alpha, a.data, size(a.stride), b.data, size(b.stride), blend.beta, c,
              size(n));
}

}  // namespace

void use_one_blas_thread() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  });
}

template <class T>
void gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<T> a, Matrix<T> b, T* c, T alpha, T beta) {
  if (m == 0 || n == 0) return;
  const Blend<T> blend{alpha, beta};
  if (k == 0) {
    for (std::size_t i = 0; i < m * n; ++i) blend.put_one(T(0), c + i);
    return;
  }
  // Whether a column of x, or a row, lies without gaps.
  const auto column_is_vector = [](Matrix<T> x) { return x.transposed || x.stride == 1; };
  const auto row_is_vector = [](Matrix<T> x) { return !x.transposed || x.stride == 1; };
  if (k == 1 && column_is_vector(a) && row_is_vector(b))
    return run_thin<typename ThinBodies<T>::Outer>(a.data, b.data, 0, c, m, n, blend);
  if (m == 1 && row_is_vector(a)) return vector_matrix(a.data, b, c, k, n, blend);
  if (n == 1 && column_is_vector(b))
    return vector_matrix(b.data, Matrix<T>{a.data, a.stride, !a.transposed}, c, k, m, blend);
  if (is_small<T>(m, n, k)) return small_gemm<T>(1, m, n, k, {a, 0}, {b, 0}, c, blend);
  use_one_blas_thread();
  library_gemm(m, n, k, a, b, c, blend);
}

template <class T>
void gemm_batch(std::size_t count, std::size_t m, std::size_t n, std::size_t k, Batch<T> a, Batch<T> b, T* c) {
  if (k > 0 && n > 1 && is_small<T>(m, n, k)) return small_gemm<T>(count, m, n, k, a, b, c, {1, 0});
  for (std::size_t e = 0; e < count; ++e) gemm<T>(m, n, k, a.entry(e), b.entry(e), c + e * m * n);
}

#define WENGERT_INSTANTIATE(T)                                                                  \
  template void gemm<T>(std::size_t, std::size_t, std::size_t, Matrix<T>, Matrix<T>, T*, T, T); \
  template void gemm_batch<T>(std::size_t, std::size_t, std::size_t, std::size_t, Batch<T>, Batch<T>, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
