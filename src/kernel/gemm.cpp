// Matrix multiplication: a register-blocked kernel for small products, otherwise CBLAS or oneDNN.
#include "kernel/gemm.hpp"

#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <mutex>
#include <type_traits>

#include <cblas.h>
#if defined(WENGERT_ONEDNN)
#include <dnnl.h>
#endif

#include "base/parallel.hpp"
#include "kernel/gemm_thin.hpp"

extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace wengert::kernel {
namespace {

// Batches of small products: elements of A times rows of B in registers. A library call would cost more.
constexpr std::size_t small_columns = 64;  // the most columns, and rows, of B: a copy of a transposed B must fit

template <class T>
struct SmallBody {
  using Step = std::ptrdiff_t;

  // Plain registers here and below, because g++ stores every lane that is passed to an operator.
  template <class L>
  static WENGERT_INLINE void four_rows_two_lanes(const T* a, Step row, Step column, const T* b, Step stride, T* c,
                                                 std::size_t n, std::size_t k, const Blend<T>& blend) {
    using R = typename L::Register;
    R c00{}, c01{}, c10{}, c11{}, c20{}, c21{}, c30{}, c31{};
    for (std::size_t p = 0; p < k; ++p, a += column, b += stride) {
      const R b0 = L::load(b).v, b1 = L::load(b + L::width).v;
      R a0, a1, a2, a3;
      broadcast(a[0], a0), broadcast(a[row], a1), broadcast(a[2 * row], a2), broadcast(a[3 * row], a3);
      c00 = c00 + a0 * b0, c01 = c01 + a0 * b1;
      c10 = c10 + a1 * b0, c11 = c11 + a1 * b1;
      c20 = c20 + a2 * b0, c21 = c21 + a2 * b1;
      c30 = c30 + a3 * b0, c31 = c31 + a3 * b1;
    }
    blend.put(L(c00), c), blend.put(L(c01), c + L::width);
    blend.put(L(c10), c + n), blend.put(L(c11), c + n + L::width);
    blend.put(L(c20), c + 2 * n), blend.put(L(c21), c + 2 * n + L::width);
    blend.put(L(c30), c + 3 * n), blend.put(L(c31), c + 3 * n + L::width);
  }
  template <class L>
  static WENGERT_INLINE void four_rows(const T* a, Step row, Step column, const T* b, Step stride, T* c, std::size_t n,
                                       std::size_t k, const Blend<T>& blend) {
    using R = typename L::Register;
    R c0{}, c1{}, c2{}, c3{};
    for (std::size_t p = 0; p < k; ++p, a += column, b += stride) {
      const R right = L::load(b).v;
      R a0, a1, a2, a3;
      broadcast(a[0], a0), broadcast(a[row], a1), broadcast(a[2 * row], a2), broadcast(a[3 * row], a3);
      c0 = c0 + a0 * right, c1 = c1 + a1 * right, c2 = c2 + a2 * right, c3 = c3 + a3 * right;
    }
    blend.put(L(c0), c), blend.put(L(c1), c + n), blend.put(L(c2), c + 2 * n), blend.put(L(c3), c + 3 * n);
  }
  template <class L>
  static WENGERT_INLINE void one_row(const T* a, Step column, const T* b, Step stride, T* c, std::size_t k,
                                     const Blend<T>& blend) {
    using R = typename L::Register;
    R sum{};
    for (std::size_t p = 0; p < k; ++p, a += column, b += stride) {
      R scale;
      broadcast(a[0], scale);
      sum = sum + scale * L::load(b).v;
    }
    blend.put(L(sum), c);
  }
  // Computes the columns from `j` on that fill lanes of this width; returns the first remaining column.
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

// Whether small_gemm is faster than the library (measured: a dnnl_sgemm takes at least 260 ns, a cblas_dgemm 18).
// Columns that do not fill a register are computed one by one, hence the lower limit.
template <class T>
bool is_small(std::size_t m, std::size_t n, std::size_t k) {
  constexpr std::size_t most = sizeof(T) == 4 ? 64 : 16;
  const std::size_t most_products = n % (16 / sizeof(T)) == 0 ? most * most * most : 2048;
  return n <= small_columns && k <= small_columns && m * n * k <= most_products;
}
// Whether small_gemm is faster for many rows of A.
template <class T>
bool is_tall(std::size_t n, std::size_t k, Matrix<T> a) {
  constexpr std::size_t most = sizeof(T) == 4 ? 64 : 32;
  return n <= most && k <= most && n % (16 / sizeof(T)) == 0 && !a.transposed;
}

// The work in units of elements: a library multiplies 16 times in the time that one element takes.
std::size_t work_of(std::size_t m, std::size_t n, std::size_t k) { return m * n * k / 16; }

template <class T>
CBLAS_TRANSPOSE transposition(const Matrix<T>& x) {
  return x.transposed ? CblasTrans : CblasNoTrans;
}

// CBLAS runs on one thread, so the rows or columns of c are divided among threads.
template <class T, class Product>
void in_parts(std::size_t m, std::size_t n, std::size_t k, Matrix<T> a, Matrix<T> b, T* c, const Product& product) {
  const auto from = [](Matrix<T> x, std::size_t first, bool columns) {
    x.data += columns != x.transposed ? first : first * x.stride;
    return x;
  };
  parallel_for(std::max(m, n), whole_lanes, work_of(m, n, k), [&](std::size_t first, std::size_t last) {
    if (m >= n)
      product(last - first, n, from(a, first, false), b, c + first * n);
    else
      product(m, last - first, a, from(b, first, true), c + first);
  });
}

void library_gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<float> a, Matrix<float> b, float* c,
                  Blend<float> blend) {
#if defined(WENGERT_ONEDNN)
  const auto size = [](std::size_t x) { return static_cast<dnnl_dim_t>(x); };
  const ThreadScope threads(work_of(m, n, k) >= large_work);
  dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', size(m), size(n), size(k), blend.alpha, a.data,
             size(a.stride), b.data, size(b.stride), blend.beta, c, size(n));
#else
  in_parts(m, n, k, a, b, c, [&](std::size_t rows, std::size_t columns, auto left, auto right, float* to) {
    const auto size = [](std::size_t x) { return static_cast<blasint>(x); };
    cblas_sgemm(CblasRowMajor, transposition(left), transposition(right), size(rows), size(columns), size(k),
                blend.alpha, left.data, size(left.stride), right.data, size(right.stride), blend.beta, to, size(n));
  });
#endif
}

void library_gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<double> a, Matrix<double> b, double* c,
                  Blend<double> blend) {
  in_parts(m, n, k, a, b, c, [&](std::size_t rows, std::size_t columns, auto left, auto right, double* to) {
    const auto size = [](std::size_t x) { return static_cast<blasint>(x); };
    cblas_dgemm(CblasRowMajor, transposition(left), transposition(right), size(rows), size(columns), size(k),
                blend.alpha, left.data, size(left.stride), right.data, size(right.stride), blend.beta, to, size(n));
  });
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
  // Whether a column, or a row, of x is contiguous.
  const auto column_is_vector = [](Matrix<T> x) { return x.transposed || x.stride == 1; };
  const auto row_is_vector = [](Matrix<T> x) { return !x.transposed || x.stride == 1; };
  if (k == 1 && column_is_vector(a) && row_is_vector(b)) return outer_product(a.data, b.data, c, m, n, blend);
  if (m == 1 && row_is_vector(a)) return vector_matrix(a.data, b, c, k, n, blend);
  if (n == 1 && column_is_vector(b))
    return vector_matrix(b.data, Matrix<T>{a.data, a.stride, !a.transposed}, c, k, m, blend);
  if (is_small<T>(m, n, k)) return small_gemm<T>(1, m, n, k, {a, 0}, {b, 0}, c, blend);
  if (is_tall<T>(n, k, a))
    return parallel_for(m, 1, work_of(m, n, k), [&](std::size_t first, std::size_t last) {
      const Matrix<T> rows{a.data + first * a.stride, a.stride, false};
      small_gemm<T>(1, last - first, n, k, {rows, 0}, {b, 0}, c + first * n, blend);
    });
  use_one_blas_thread();
  library_gemm(m, n, k, a, b, c, blend);
}

template <class T>
void gemm_batch(std::size_t count, std::size_t m, std::size_t n, std::size_t k, Batch<T> a, Batch<T> b, T* c) {
  const auto from = [](Batch<T> x, std::size_t e) {
    x.matrix.data += static_cast<std::ptrdiff_t>(e) * x.step;
    return x;
  };
  const auto part = [&](std::size_t first, std::size_t last) {
    if (k > 0 && n > 1 && is_small<T>(m, n, k))
      return small_gemm<T>(last - first, m, n, k, from(a, first), from(b, first), c + first * m * n, {1, 0});
    for (std::size_t e = first; e < last; ++e) gemm<T>(m, n, k, from(a, e).matrix, from(b, e).matrix, c + e * m * n);
  };
  constexpr std::size_t many = 8;  // fewer products are divided among threads one by one
  if (count >= many)
    parallel_for(count, 1, count * work_of(m, n, k), part);
  else
    part(0, count);
}

#define WENGERT_INSTANTIATE(T)                                                                  \
  template void gemm<T>(std::size_t, std::size_t, std::size_t, Matrix<T>, Matrix<T>, T*, T, T); \
  template void gemm_batch<T>(std::size_t, std::size_t, std::size_t, std::size_t, Batch<T>, Batch<T>, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
