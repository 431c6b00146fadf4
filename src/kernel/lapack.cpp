// Factorisations by LAPACKE: column-major routines work on row-major matrices as their transposes.
#include "kernel/lapack.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <lapacke.h>
#include <limits>
#include <type_traits>

#include <cblas.h>

namespace wengert::kernel {
namespace {

static_assert(sizeof(lapack_int) == sizeof(int));

int size(std::size_t n) { return static_cast<int>(n); }
int stride(std::size_t n) { return std::max(size(n), 1); }

// The routines for both types. LAPACKE's `_work` interface neither allocates nor rejects NaNs.
template <class T>
struct Lapack;
#define WENGERT_LAPACK(T, letter)                               \
  template <>                                                   \
  struct Lapack<T> {                                            \
    static constexpr auto getrf = LAPACKE_##letter##getrf_work; \
    static constexpr auto getrs = LAPACKE_##letter##getrs_work; \
    static constexpr auto getri = LAPACKE_##letter##getri_work; \
    static constexpr auto gecon = LAPACKE_##letter##gecon_work; \
    static constexpr auto potrf = LAPACKE_##letter##potrf_work; \
    static constexpr auto syevd = LAPACKE_##letter##syevd_work; \
    static constexpr auto gesdd = LAPACKE_##letter##gesdd_work; \
    static constexpr auto gelqf = LAPACKE_##letter##gelqf_work; \
    static constexpr auto orglq = LAPACKE_##letter##orglq_work; \
    static constexpr auto trsm = cblas_##letter##trsm;          \
  };
WENGERT_LAPACK(float, s)
WENGERT_LAPACK(double, d)
#undef WENGERT_LAPACK

// Calls `routine(work, length)` with the length that it reports when called with a length of -1.
template <class T, class F>
int with_work(LapackScratch<T>& scratch, const F& routine) {
  T wanted = 0;
  if (const int refused = routine(&wanted, -1); refused != 0) return refused;
  const auto length = static_cast<std::size_t>(std::nextafter(wanted, std::numeric_limits<T>::infinity())) + 1;
  if (scratch.work.size() < length) scratch.work.resize(length);
  return routine(scratch.work.data(), size(scratch.work.size()));
}

}  // namespace

template <class T>
std::size_t lu(std::span<T> a, std::size_t n, std::span<int> pivots) {
  if (n == 0) return 0;
  use_one_blas_thread();
  const int info = Lapack<T>::getrf(LAPACK_COL_MAJOR, size(n), size(n), a.data(), stride(n), pivots.data());
  assert(info >= 0);
  return info > 0 ? static_cast<std::size_t>(info - 1) : n;
}

template <class T>
void lu_solve(std::span<const T> factors, std::span<const int> pivots, std::size_t n, std::span<T> rows) {
  if (rows.empty()) return;
  [[maybe_unused]] const int info = Lapack<T>::getrs(LAPACK_COL_MAJOR, 'T', size(n), size(rows.size() / n),
                                                     factors.data(), stride(n), pivots.data(), rows.data(), stride(n));
  assert(info == 0);
}

template <class T>
void lu_invert(std::span<T> factors, std::span<const int> pivots, std::size_t n, LapackScratch<T>& scratch) {
  if (n == 0) return;
  [[maybe_unused]] const int info = with_work(scratch, [&](T* work, int length) {
    return Lapack<T>::getri(LAPACK_COL_MAJOR, size(n), factors.data(), stride(n), pivots.data(), work, length);
  });
  assert(info == 0);
}

template <class T>
T lu_reciprocal_condition(std::span<const T> factors, std::size_t n, T norm, LapackScratch<T>& scratch) {
  if (n == 0) return 1;
  scratch.work.resize(std::max(scratch.work.size(), 4 * n));
  scratch.integers.resize(std::max(scratch.integers.size(), n));
  T result = 0;
  [[maybe_unused]] const int info = Lapack<T>::gecon(LAPACK_COL_MAJOR, '1', size(n), factors.data(), stride(n), norm,
                                                     &result, scratch.work.data(), scratch.integers.data());
  assert(info == 0);
  return result;
}

template <class T>
std::size_t cholesky(std::span<T> a, std::size_t n) {
  if (n == 0) return 0;
  use_one_blas_thread();
  const int info = Lapack<T>::potrf(LAPACK_COL_MAJOR, 'U', size(n), a.data(), stride(n));
  assert(info >= 0);
  for (std::size_t i = 0; i < n; ++i)
    std::fill(a.begin() + static_cast<std::ptrdiff_t>(i * n + i + 1),
              a.begin() + static_cast<std::ptrdiff_t>(i * n + n), T(0));
  return static_cast<std::size_t>(info);
}

template <class T>
void solve_triangular(Matrix<T> a, bool upper, bool unit_diagonal, std::size_t n, std::size_t m, T* b) {
  if (n == 0 || m == 0) return;
  use_one_blas_thread();
  Lapack<T>::trsm(CblasRowMajor, CblasLeft, upper != a.transposed ? CblasUpper : CblasLower,
                  a.transposed ? CblasTrans : CblasNoTrans, unit_diagonal ? CblasUnit : CblasNonUnit, size(n), size(m),
                  T(1), a.data, stride(a.stride), b, stride(m));
}

template <class T>
bool symmetric_eigen(std::span<T> a, std::size_t n, std::span<T> values, LapackScratch<T>& scratch) {
  if (n == 0) return true;
  use_one_blas_thread();
  const std::size_t integers = 3 + 5 * n;
  if (scratch.integers.size() < integers) scratch.integers.resize(integers);
  const int info = with_work(scratch, [&](T* work, int length) {
    int integers_wanted = 0;
    return Lapack<T>::syevd(LAPACK_COL_MAJOR, 'V', 'U', size(n), a.data(), stride(n), values.data(), work, length,
                            length == -1 ? &integers_wanted : scratch.integers.data(),
                            length == -1 ? -1 : size(integers));
  });
  return info == 0;
}

template <class T>
bool svd(std::span<T> a, std::size_t m, std::size_t n, T* u, T* s, T* vh, LapackScratch<T>& scratch) {
  const std::size_t k = std::min(m, n);
  if (k == 0) return true;
  use_one_blas_thread();
  if (scratch.integers.size() < 8 * k) scratch.integers.resize(8 * k);
  // Aᵀ = vhᵀ · diag(s) · uᵀ
  const int info = with_work(scratch, [&](T* work, int length) {
    return Lapack<T>::gesdd(LAPACK_COL_MAJOR, 'S', size(n), size(m), a.data(), stride(n), s, vh, stride(n), u,
                            stride(k), work, length, scratch.integers.data());
  });
  return info == 0;
}

template <class T>
void qr(std::span<T> a, std::size_t m, std::size_t n, T* q, T* r, LapackScratch<T>& scratch) {
  const std::size_t k = std::min(m, n);
  if (k == 0) return;
  use_one_blas_thread();
  if (scratch.reflections.size() < k) scratch.reflections.resize(k);
  // Aᵀ = rᵀ · qᵀ, a lower triangle times orthogonal rows
  [[maybe_unused]] int info = with_work(scratch, [&](T* work, int length) {
    return Lapack<T>::gelqf(LAPACK_COL_MAJOR, size(n), size(m), a.data(), stride(n), scratch.reflections.data(), work,
                            length);
  });
  assert(info == 0);
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < n; ++j) r[i * n + j] = j < i ? T(0) : a[i * n + j];
  info = with_work(scratch, [&](T* work, int length) {
    return Lapack<T>::orglq(LAPACK_COL_MAJOR, size(k), size(m), size(k), a.data(), stride(n),
                            scratch.reflections.data(), work, length);
  });
  assert(info == 0);
  for (std::size_t i = 0; i < m; ++i) std::copy_n(a.data() + i * n, k, q + i * k);
}

#define WENGERT_INSTANTIATE(T)                                                                 \
  template std::size_t lu(std::span<T>, std::size_t, std::span<int>);                          \
  template void lu_solve(std::span<const T>, std::span<const int>, std::size_t, std::span<T>); \
  template void lu_invert(std::span<T>, std::span<const int>, std::size_t, LapackScratch<T>&); \
  template T lu_reciprocal_condition(std::span<const T>, std::size_t, T, LapackScratch<T>&);   \
  template std::size_t cholesky(std::span<T>, std::size_t);                                    \
  template void solve_triangular(Matrix<T>, bool, bool, std::size_t, std::size_t, T*);         \
  template bool symmetric_eigen(std::span<T>, std::size_t, std::span<T>, LapackScratch<T>&);   \
  template bool svd(std::span<T>, std::size_t, std::size_t, T*, T*, T*, LapackScratch<T>&);    \
  template void qr(std::span<T>, std::size_t, std::size_t, T*, T*, LapackScratch<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
