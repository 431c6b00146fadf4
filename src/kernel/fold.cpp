#include "kernel/fold.hpp"

#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/lane.hpp>

#include <algorithm>
#include <limits>
#include <type_traits>

namespace wengert::kernel {
namespace {

template <Fold fold, class T>
struct FoldBody {
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

  template <class L>
  static WENGERT_INLINE T fold_block(const T* x, std::size_t count) {
    L part[4] = {L(start), L(start), L(start), L(start)};
    std::size_t k = 0;
    for (; k + 4 * L::width <= count; k += 4 * L::width)
      for (std::size_t j = 0; j < 4; ++j) part[j] = join(part[j], L::load(x + k + j * L::width));
    for (; k + L::width <= count; k += L::width) part[0] = join(part[0], L::load(x + k));
    alignas(L) T elements[L::width];
    join(join(part[0], part[1]), join(part[2], part[3])).store(elements);
    T result = elements[0];
    for (std::size_t j = 1; j < L::width; ++j) result = join(result, elements[j]);
    for (; k < count; ++k) result = join(result, x[k]);
    return result;
  }

  template <class L>
  static WENGERT_INLINE T fold_row(const T* x, std::size_t count) {
    if (count <= block) return fold_block<L>(x, count);
    using Total = std::conditional_t<fold == Fold::sum, double, T>;
    Total total = start;
    for (std::size_t k = 0; k < count; k += block) {
      const T part = fold_block<L>(x + k, std::min(block, count - k));
      if constexpr (fold == Fold::sum)
        total += static_cast<double>(part);
      else
        total = join(total, part);
    }
    return static_cast<T>(total);
  }

  // A few lanes of columns at a time, down all rows.
  template <class L, std::size_t lanes>
  static WENGERT_INLINE void fold_columns(const T* x, T* out, std::size_t count, std::size_t inner) {
    std::size_t rows_in_block = 128;  // about √count: as many blocks as rows in one
    while (rows_in_block * rows_in_block < count) rows_in_block *= 2;
    L total[lanes];
    for (std::size_t j = 0; j < lanes; ++j) total[j] = L(start);
    for (std::size_t k0 = 0; k0 < count; k0 += rows_in_block) {
      L part[lanes];
      for (std::size_t j = 0; j < lanes; ++j) part[j] = L(start);
      const std::size_t k1 = std::min(count, k0 + rows_in_block);
      for (std::size_t k = k0; k < k1; ++k)
        for (std::size_t j = 0; j < lanes; ++j) part[j] = join(part[j], L::load(x + k * inner + j * L::width));
      for (std::size_t j = 0; j < lanes; ++j) total[j] = join(total[j], part[j]);
    }
    for (std::size_t j = 0; j < lanes; ++j) total[j].store(out + j * L::width);
  }

  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* out, std::size_t outer, std::size_t count, std::size_t inner) {
    using L = Lane<T, Bytes>;
    if (inner == 1) {
      for (std::size_t o = 0; o < outer; ++o) out[o] = fold_row<L>(x + o * count, count);
      return;
    }
    for (std::size_t o = 0; o < outer; ++o, x += count * inner, out += inner) {
      std::size_t i = 0;
      for (; i + 4 * L::width <= inner; i += 4 * L::width) fold_columns<L, 4>(x + i, out + i, count, inner);
      for (; i + L::width <= inner; i += L::width) fold_columns<L, 1>(x + i, out + i, count, inner);
      if (i == inner) continue;
      using Narrow = Lane<T, 16>;
      for (; i + Narrow::width <= inner; i += Narrow::width) fold_columns<Narrow, 1>(x + i, out + i, count, inner);
      for (; i < inner; ++i) {
        using Total = std::conditional_t<fold == Fold::sum, double, T>;
        Total total = start;
        for (std::size_t k = 0; k < count; ++k) {
          if constexpr (fold == Fold::sum)
            total += static_cast<double>(x[k * inner + i]);
          else
            total = join(total, x[k * inner + i]);
        }
        out[i] = static_cast<T>(total);
      }
    }
  }
};

}  // namespace

template <Fold fold, class T>
void fold_axis(const T* x, T* out, std::size_t outer, std::size_t count, std::size_t inner) {
  static constexpr auto kernels =
      compile_per_isa<FoldBody<fold, T>, const T*, T*, std::size_t, std::size_t, std::size_t>();
  kernels[static_cast<std::size_t>(active_isa())](x, out, outer, count, inner);
}

template void fold_axis<Fold::sum, float>(const float*, float*, std::size_t, std::size_t, std::size_t);
template void fold_axis<Fold::sum, double>(const double*, double*, std::size_t, std::size_t, std::size_t);
template void fold_axis<Fold::maximum, float>(const float*, float*, std::size_t, std::size_t, std::size_t);
template void fold_axis<Fold::maximum, double>(const double*, double*, std::size_t, std::size_t, std::size_t);

}  // namespace wengert::kernel
