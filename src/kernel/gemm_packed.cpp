// Products with a packed matrix: tiles of c in registers, a block of a panel in the first-level cache.
#include "kernel/gemm_packed.hpp"

#include "base/parallel.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <utility>

namespace wengert::kernel {
namespace {

template <class T>
constexpr std::size_t panel_columns = 128 / sizeof(T);
constexpr std::size_t block_rows = 256;  // rows of a panel that stay in the first-level cache, 32 KiB

// The matrix a, and how c is divided among threads: columns [first, last), which begin at a panel.
template <class T>
struct PackedProduct {
  std::size_t m, n, k, first, last;
  const T* a;
  std::size_t stride;
  const T* packed;
  T* c;
};

template <class T>
struct PackedBody {
  // Calls f with the constants 0 … count − 1: g++ keeps an array in registers only if all indices are constants.
  template <std::size_t count, class F>
  static WENGERT_INLINE void each(const F& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
      (f(std::integral_constant<std::size_t, I>{}), ...);
    }
    (std::make_index_sequence<count>{});
  }
  // Loads an element into all elements of a register, in one instruction.
  template <class R>
  static WENGERT_INLINE void broadcast_from(const T* p, R& v) {
#if defined(__x86_64__) && !defined(__clang__)
    if constexpr (sizeof(R) > 16) {
      if constexpr (sizeof(T) == 4)
        asm("vbroadcastss %1, %0" : "=v"(v) : "m"(*p));
      else
        asm("vbroadcastsd %1, %0" : "=v"(v) : "m"(*p));
      return;
    }
#endif
    broadcast(*p, v);
  }

  // A tile of `rows` × `lanes` registers of c, of which `columns` elements a row lie in c. Each element is the sum of
  // `sums` independent ones, which hides the latency of additions where the tile is small.
  template <class L, std::size_t rows, std::size_t lanes, std::size_t sums>
  static WENGERT_INLINE void tile(const T* a, std::size_t stride, const T* b, std::size_t k, T* c, std::size_t n,
                                  std::size_t columns, bool adds) {
    using R = typename L::Register;
    constexpr std::size_t width = L::width, step = panel_columns<T>;
    R sum[rows * lanes * sums] = {};
    std::size_t p = 0;
    for (; p + sums <= k; p += sums, a += sums, b += sums * step) {
      each<sums>([&](auto s) __attribute__((always_inline)) {
        R right[lanes];
        each<lanes>([&](auto l) __attribute__((always_inline)) { right[l] = L::load(b + s * step + l * width).v; });
        each<rows>([&](auto r) __attribute__((always_inline)) {
          R left;
          broadcast_from(a + r * stride + s, left);
          each<lanes>([&](auto l) __attribute__((always_inline)) {
            R& to = sum[(s * rows + r) * lanes + l];
            to = to + left * right[l];
          });
        });
      });
    }
    for (; p < k; ++p, ++a, b += step)
      each<rows>([&](auto r) __attribute__((always_inline)) {
        R left;
        broadcast_from(a + r * stride, left);
        each<lanes>([&](auto l) __attribute__((always_inline)) {
          R& to = sum[r * lanes + l];
          to = to + left * L::load(b + l * width).v;
        });
      });
    each<rows>([&](auto r) __attribute__((always_inline)) {
      each<lanes>([&](auto l) __attribute__((always_inline)) {
        R total = sum[r * lanes + l];
        each<sums - 1>([&](auto s)
                           __attribute__((always_inline)) { total = total + sum[((s + 1) * rows + r) * lanes + l]; });
        T* const to = c + r * n + l * width;
        if ((l + 1) * width <= columns) {
          if (adds) total = total + L::load(to).v;
          L(total).store(to);
        } else if (l * width < columns) {
          const std::size_t rest = columns - l * width;
          if (adds) total = total + L::load_first(to, rest).v;
          L(total).store_first(to, rest);
        }
      });
    });
  }

  // Rows [i, m) of a tile of columns, as many at a time as registers hold.
  template <class L, std::size_t rows, std::size_t lanes, std::size_t sums>
  static WENGERT_INLINE void rows_of(std::size_t& i, const PackedProduct<T>& x, const T* b, std::size_t p,
                                     std::size_t k, std::size_t j, std::size_t columns) {
    for (; i + rows <= x.m; i += rows)
      tile<L, rows, lanes, sums>(x.a + i * x.stride + p, x.stride, b, k, x.c + i * x.n + j, x.n, columns, p > 0);
  }

  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const PackedProduct<T>* product) {
    using L = Lane<T, Bytes>;
    constexpr std::size_t step = panel_columns<T>, all = step / L::width;  // lanes of a panel
    constexpr std::size_t most_rows = Bytes == 64 ? 8 : 6;
    const PackedProduct<T>& x = *product;
    if (x.m == 1) {
      for (std::size_t j = x.first; j < x.last; j += step)
        tile<L, 1, all, Bytes == 64 ? 4 : 2>(x.a, 0, x.packed + j * x.k, x.k, x.c + j, x.n, x.last - j, false);
      return;
    }
    for (std::size_t p = 0; p < x.k; p += block_rows) {
      const std::size_t k = std::min(block_rows, x.k - p);
      for (std::size_t j = x.first; j < x.last; j += step) {
        const T* const b = x.packed + j * x.k + p * step;
        for (std::size_t part = 0; part < step && j + part < x.last; part += 2 * L::width) {
          std::size_t i = 0;
          rows_of<L, most_rows, 2, 1>(i, x, b + part, p, k, j + part, x.last - j - part);
          rows_of<L, 4, 2, 1>(i, x, b + part, p, k, j + part, x.last - j - part);
          rows_of<L, 2, 2, 2>(i, x, b + part, p, k, j + part, x.last - j - part);
          rows_of<L, 1, 2, 4>(i, x, b + part, p, k, j + part, x.last - j - part);
        }
      }
    }
  }
};

}  // namespace

template <class T>
std::size_t packed_size(std::size_t k, std::size_t n) {
  return (n + panel_columns<T> - 1) / panel_columns<T> * panel_columns<T> * k;
}

template <class T>
void pack(std::size_t k, std::size_t n, Matrix<T> b, T* packed) {
  const std::size_t down = b.transposed ? 1 : b.stride, along = b.transposed ? b.stride : 1;
  for (std::size_t j = 0; j < n; j += panel_columns<T>) {
    const std::size_t columns = std::min(panel_columns<T>, n - j);
    for (std::size_t p = 0; p < k; ++p, packed += panel_columns<T>) {
      for (std::size_t i = 0; i < columns; ++i) packed[i] = b.data[p * down + (j + i) * along];
      std::fill(packed + columns, packed + panel_columns<T>, T(0));
    }
  }
}

template <class T>
bool packing_pays(std::size_t m, std::size_t n, std::size_t k, Matrix<T> b) {
  constexpr std::size_t most_rows = 64;  // beyond, the library's own packing takes little of the time
  constexpr std::size_t cached = (std::size_t{1} << 20) / sizeof(T);  // beyond, memory limits the product of a vector
  if (m == 0 || m > most_rows || k == 0 || n < 32 / sizeof(T)) return false;
  return m > 1 || b.transposed || n * k <= cached;
}

template <class T>
void gemm_packed(std::size_t m, std::size_t n, std::size_t k, const T* a, std::size_t stride, const T* packed, T* c) {
  static constexpr auto kernels = compile_per_isa<PackedBody<T>, const PackedProduct<T>*>();
  const auto run = [&](std::size_t rows, std::size_t row, std::size_t first, std::size_t last) {
    const PackedProduct<T> part{rows, n, k, first, last, a + row * stride, stride, packed, c + row * n};
    kernels[static_cast<std::size_t>(active_isa())](&part);
  };
  const std::size_t work = m * n * k / (m == 1 ? 1 : 16);  // as in gemm
  if (m > n)
    parallel_for(m, 8, work, [&](std::size_t first, std::size_t last) { run(last - first, first, 0, n); });
  else
    parallel_for(n, panel_columns<T>, work, [&](std::size_t first, std::size_t last) { run(m, 0, first, last); });
}

#define WENGERT_INSTANTIATE(T)                                                     \
  template std::size_t packed_size<T>(std::size_t, std::size_t);                   \
  template bool packing_pays<T>(std::size_t, std::size_t, std::size_t, Matrix<T>); \
  template void pack<T>(std::size_t, std::size_t, Matrix<T>, T*);                  \
  template void gemm_packed<T>(std::size_t, std::size_t, std::size_t, const T*, std::size_t, const T*, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
