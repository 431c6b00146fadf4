#include "kernel/softmax.hpp"

#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/lane.hpp>

#include <cmath>
#include <cstring>
#include <limits>

namespace wengert::kernel {
namespace {

template <class T>
struct SoftmaxBody {
  static constexpr T lowest = -std::numeric_limits<T>::infinity();

  template <class L>
  static WENGERT_INLINE T largest(const L& lane) {
    alignas(L) T elements[L::width];
    lane.store(elements);
    T result = elements[0];
    for (const T e : elements) result = e > result ? e : result;
    return result;
  }
  template <class L>
  static WENGERT_INLINE T total(const L& lane) {
    alignas(L) T elements[L::width];
    lane.store(elements);
    T result = 0;
    for (const T e : elements) result += e;
    return result;
  }

  // The last, partial lane of a row goes through `tail`, whose padding of −∞ neither wins the maximum nor adds to the
  // sum.
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* y, std::size_t rows, std::size_t count, bool logarithm) {
    using L = Lane<T, Bytes>;
    const std::size_t whole = count - count % L::width;
    const std::size_t rest = (count - whole) * sizeof(T);
    alignas(L) T tail[L::width];
    for (std::size_t row = 0; row < rows; ++row, x += count, y += count) {
      L(lowest).store(tail);
      std::memcpy(tail, x + whole, rest);
      L top = L::load(tail);
      for (std::size_t k = 0; k < whole; k += L::width) {
        const L e = L::load(x + k);
        top = where(e > top, e, top);  // a NaN may get lost here: it makes the sum NaN
      }
      const L m(largest(top));
      L sum(T(0));
      for (std::size_t k = 0; k < whole; k += L::width) {
        const L e = lane_exp(L::load(x + k) - m);
        sum = sum + e;
        if (!logarithm) e.store(y + k);
      }
      const L e = lane_exp(L::load(tail) - m);
      const T s = total(sum + e);
      if (logarithm) {
        const L shift(m.v[0] + std::log(s));
        for (std::size_t k = 0; k < whole; k += L::width) (L::load(x + k) - shift).store(y + k);
        (L::load(tail) - shift).store(tail);
      } else {
        const L scale(T(1) / s);
        for (std::size_t k = 0; k < whole; k += L::width) (L::load(y + k) * scale).store(y + k);
        (e * scale).store(tail);
      }
      std::memcpy(y + whole, tail, rest);
    }
  }
};

}  // namespace

template <class T>
void softmax_rows(const T* x, T* y, std::size_t rows, std::size_t count, bool logarithm) {
  static constexpr auto kernels = compile_per_isa<SoftmaxBody<T>, const T*, T*, std::size_t, std::size_t, bool>();
  kernels[static_cast<std::size_t>(active_isa())](x, y, rows, count, logarithm);
}

template void softmax_rows<float>(const float*, float*, std::size_t, std::size_t, bool);
template void softmax_rows<double>(const double*, double*, std::size_t, std::size_t, bool);

}  // namespace wengert::kernel
