#include "kernel/gemm.hpp"

#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/lane.hpp>

#include <algorithm>
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

// Thin products: libraries pack their operands first, which costs more than these do in all.
template <class T>
struct ThinBodies {
  // y = x·B, B row-major: columns in registers, down all rows.
  struct RowTimesMatrix {
    template <class L, std::size_t lanes>
    static WENGERT_INLINE void columns(const T* x, const T* b, std::size_t stride, T* y, std::size_t k) {
      L sum[lanes];
      for (std::size_t j = 0; j < lanes; ++j) sum[j] = L(T(0));
      for (std::size_t p = 0; p < k; ++p)
        for (std::size_t j = 0; j < lanes; ++j) sum[j] = sum[j] + L(x[p]) * L::load(b + p * stride + j * L::width);
      for (std::size_t j = 0; j < lanes; ++j) sum[j].store(y + j * L::width);
    }
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n) {
      using L = Lane<T, Bytes>;
      using Narrow = Lane<T, 16>;
      std::size_t i = 0;
      for (; i + 8 * L::width <= n; i += 8 * L::width) columns<L, 8>(x, b + i, stride, y + i, k);
      for (; i + L::width <= n; i += L::width) columns<L, 1>(x, b + i, stride, y + i, k);
      for (; i + Narrow::width <= n; i += Narrow::width) columns<Narrow, 1>(x, b + i, stride, y + i, k);
      for (; i < n; ++i) {
        T sum = 0;
        for (std::size_t p = 0; p < k; ++p) sum += x[p] * b[p * stride + i];
        y[i] = sum;
      }
    }
  };
  // y = B·x, B row-major: one dot product a row.
  struct MatrixTimesColumn {
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n) {
      using L = Lane<T, Bytes>;
      for (std::size_t i = 0; i < n; ++i, b += stride) {
        L sum[4] = {L(T(0)), L(T(0)), L(T(0)), L(T(0))};
        std::size_t p = 0;
        for (; p + 4 * L::width <= k; p += 4 * L::width)
          for (std::size_t j = 0; j < 4; ++j)
            sum[j] = sum[j] + L::load(x + p + j * L::width) * L::load(b + p + j * L::width);
        for (; p + L::width <= k; p += L::width) sum[0] = sum[0] + L::load(x + p) * L::load(b + p);
        alignas(L) T elements[L::width];
        ((sum[0] + sum[1]) + (sum[2] + sum[3])).store(elements);
        T total = 0;
        for (const T element : elements) total += element;
        for (; p < k; ++p) total += x[p] * b[p];
        y[i] = total;
      }
    }
  };
  // C = a·bᵀ for vectors a and b.
  struct Outer {
    template <std::size_t Bytes>
    static WENGERT_INLINE void run(const T* a, const T* b, std::size_t, T* c, std::size_t m, std::size_t n) {
      using L = Lane<T, Bytes>;
      for (std::size_t i = 0; i < m; ++i, c += n) {
        const L scale(a[i]);
        std::size_t j = 0;
        for (; j + L::width <= n; j += L::width) (scale * L::load(b + j)).store(c + j);
        for (; j < n; ++j) c[j] = a[i] * b[j];
      }
    }
  };
};

template <class Body, class T>
void run_thin(const T* x, const T* b, std::size_t stride, T* y, std::size_t k, std::size_t n) {
  static constexpr auto kernels =
      compile_per_isa<Body, const T*, const T*, std::size_t, T*, std::size_t, std::size_t>();
  kernels[static_cast<std::size_t>(active_isa())](x, b, stride, y, k, n);
}

// x·B for a vector x, whichever way B lies.
template <class T>
void vector_matrix(const T* x, Matrix<T> b, T* y, std::size_t k, std::size_t n) {
  if (b.transposed)
    run_thin<typename ThinBodies<T>::MatrixTimesColumn>(x, b.data, b.stride, y, k, n);
  else
    run_thin<typename ThinBodies<T>::RowTimesMatrix>(x, b.data, b.stride, y, k, n);
}

void library_gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<float> a, Matrix<float> b, float* c) {
#if defined(WENGERT_ONEDNN)
  const auto size = [](std::size_t x) { return static_cast<dnnl_dim_t>(x); };
  constexpr std::size_t large = std::size_t{1} << 21;
  const ThreadScope threads(m * n * k >= large);
  dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', size(m), size(n), size(k), 1.0F, a.data,
             size(a.stride), b.data, size(b.stride), 0.0F, c, size(n));
#else
  const auto size = [](std::size_t x) { return static_cast<blasint>(x); };
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
              size(m), size(n), size(k), 1.0F, a.data, size(a.stride), b.data, size(b.stride), 0.0F, c, size(n));
#endif
}

void library_gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<double> a, Matrix<double> b, double* c) {
  const auto size = [](std::size_t x) { return static_cast<int>(x); };
  cblas_dgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
              size(m), size(n), size(k), 1.0, a.data, size(a.stride), b.data, size(b.stride), 0.0, c, size(n));
}

// OpenBLAS's own threads and ours would compete for the same cores.
void use_one_blas_thread() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  });
}

}  // namespace

template <class T>
void gemm(std::size_t m, std::size_t n, std::size_t k, Matrix<T> a, Matrix<T> b, T* c) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    std::fill_n(c, m * n, T(0));
    return;
  }
  // Whether a column of x, or a row, lies without gaps.
  const auto column_is_vector = [](Matrix<T> x) { return x.transposed || x.stride == 1; };
  const auto row_is_vector = [](Matrix<T> x) { return !x.transposed || x.stride == 1; };
  if (k == 1 && column_is_vector(a) && row_is_vector(b))
    return run_thin<typename ThinBodies<T>::Outer>(a.data, b.data, 0, c, m, n);
  if (m == 1 && row_is_vector(a)) return vector_matrix(a.data, b, c, k, n);
  if (n == 1 && column_is_vector(b)) return vector_matrix(b.data, Matrix<T>{a.data, a.stride, !a.transposed}, c, k, m);
  use_one_blas_thread();
  library_gemm(m, n, k, a, b, c);
}

template void gemm<float>(std::size_t, std::size_t, std::size_t, Matrix<float>, Matrix<float>, float*);
template void gemm<double>(std::size_t, std::size_t, std::size_t, Matrix<double>, Matrix<double>, double*);

}  // namespace wengert::kernel
