// Vectorised softmax, log-softmax and cross entropy by row; short rows are transposed, one row for each lane element.
#include "kernel/softmax.hpp"

#include "base/parallel.hpp"
#include "kernel/rows.hpp"
#include "kernel/scratch.hpp"
#include <wengert/simd/fast_exp.hpp>
#include <wengert/simd/isa.hpp>

#include <algorithm>
#include <limits>

namespace wengert::kernel {
namespace {

// Shared by the kernels below. If the maximum m of a row has lost a NaN, the NaN shows in the sum.
template <class L>
struct Exponentials {
  using T = typename L::Scalar;
  static constexpr T lowest = -std::numeric_limits<T>::infinity();

  static WENGERT_INLINE T maximum(const T* x, const Row<L>& row) {
    L top = row.last(x, lowest);
    for (std::size_t k = 0; k < row.whole; k += L::width) {
      const L e = L::load(x + k);
      top = larger(e, top);
    }
    return across(top, larger);
  }
  // Σ exp(x − m). Passes each lane of terms to `visit(position, terms)`, a partial lane to `visit_last(terms)`.
  template <class Visit, class VisitLast>
  static WENGERT_INLINE T sum(const T* x, const Row<L>& row, T m, const Visit& visit, const VisitLast& visit_last) {
    const L shift(m);
    L total(T(0));
    for (std::size_t k = 0; k < row.whole; k += L::width) {
      const L e = fast_exp(L::load(x + k) - shift);
      total = total + e;
      visit(k, e);
    }
    if (row.rest > 0) {
      const L e = fast_exp(row.last(x, lowest) - shift);
      total = total + e;
      visit_last(e);
    }
    return across(total, plus);
  }
  static WENGERT_INLINE T sum(const T* x, const Row<L>& row, T m) {
    return sum(
        x, row, m, [](std::size_t, const L&) {}, [](const L&) {});
  }
};

template <class L>
struct ShortRows : TransposedRows<L> {
  using T = typename L::Scalar;
  using TransposedRows<L>::TransposedRows;

  WENGERT_INLINE L maximum(std::size_t count) const {
    L top(-std::numeric_limits<T>::infinity());
    for (std::size_t k = 0; k < count; ++k) {
      const L e = (*this)[k];
      top = larger(e, top);
    }
    return top;
  }
  // Replaces each column by exp(x − m); returns their sum.
  WENGERT_INLINE L to_exponentials(const L& m, std::size_t count) {
    L sum(T(0));
    for (std::size_t k = 0; k < count; ++k) {
      const L e = fast_exp((*this)[k] - m);
      sum = sum + e;
      this->set(k, e);
    }
    return sum;
  }
};

// Whether rows are short, and many enough to transpose; decided for all rows together, before threads divide them.
bool are_transposed(std::size_t rows, std::size_t count) {
  return rows >= 4 && count <= ShortRows<Lane<float, 16>>::longest;
}

template <class T>
struct SoftmaxBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* y, std::size_t rows, std::size_t count, bool transposed) {
    using L = Lane<T, Bytes>;
    using E = Exponentials<L>;
    if (transposed)
      return for_each_row_block<L>(rows, [&](std::size_t first, std::size_t few) {
        ShortRows<L> of_x(x + first * count, few, count);
        const L sum = of_x.to_exponentials(of_x.maximum(count), count), scale = L(T(1)) / sum;
        for (std::size_t k = 0; k < count; ++k) of_x.set(k, of_x[k] * scale);
        of_x.write(y + first * count, few, count);
      });
    for (std::size_t r = rows; r-- > 0; x += count, y += count) {
      const Row<L> row(count, r * count);
      L partial(T(0));
      const T s = E::sum(
          x, row, E::maximum(x, row), [&](std::size_t k, const L& e) { e.store(y + k); },
          [&](const L& e) { partial = e; });
      const L scale(T(1) / s);
      for (std::size_t k = 0; k < row.whole; k += L::width) (L::load(y + k) * scale).store(y + k);
      if (row.rest > 0) row.store_last(partial * scale, y);
    }
  }
};

// The largest element m of each row, and ln Σ exp(x − m): their sum would lose digits if m is large. The logarithms are
// computed for as many rows at a time as a lane is wide.
template <class T>
struct LogSumBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* tops, T* logarithms, std::size_t rows, std::size_t count,
                                 bool transposed) {
    using L = Lane<T, Bytes>;
    using E = Exponentials<L>;
    if (transposed)
      return for_each_row_block<L>(rows, [&](std::size_t first, std::size_t few) {
        ShortRows<L> of_x(x + first * count, few, count);
        const L top = of_x.maximum(count), sum = of_x.to_exponentials(top, count);
        alignas(L) T result[2][L::width];
        top.store(result[0]), lane_log(sum).store(result[1]);
        for (std::size_t r = 0; r < few; ++r) tops[first + r] = result[0][r], logarithms[first + r] = result[1][r];
      });
    for (std::size_t first = 0; first < rows; first += L::width) {
      alignas(L) T top[L::width], sum[L::width];
      L(T(1)).store(top), L(T(1)).store(sum);
      const std::size_t together = std::min(L::width, rows - first);
      for (std::size_t r = 0; r < together; ++r, x += count) {
        const Row<L> row(count, (rows - first - r - 1) * count);
        top[r] = E::maximum(x, row);
        sum[r] = E::sum(x, row, top[r]);
      }
      lane_log(L::load(sum)).store(sum);
      for (std::size_t r = 0; r < together; ++r) tops[first + r] = top[r], logarithms[first + r] = sum[r];
    }
  }
};

template <class T>
struct ShiftBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, const T* tops, const T* logarithms, T* y, std::size_t rows,
                                 std::size_t count) {
    using L = Lane<T, Bytes>;
    for (std::size_t r = rows; r-- > 0; x += count, y += count, ++tops, ++logarithms) {
      const Row<L> row(count, r * count);
      const L top(*tops), by(*logarithms);
      for (std::size_t k = 0; k < row.whole; k += L::width) (L::load(x + k) - top - by).store(y + k);
      if (row.rest == 0) continue;
      const L last = row.last(x, T(0)) - top - by;
      row.store_last(last, y);
    }
  }
};

template <class Body, class... Arguments>
void dispatch(Arguments... arguments) {
  static constexpr auto kernels = compile_per_isa<Body, Arguments...>();
  kernels[static_cast<std::size_t>(active_isa())](arguments...);
}

}  // namespace

template <class T>
void softmax_rows(const T* x, T* y, std::size_t rows, std::size_t count) {
  parallel_for(rows, 1, rows * count, [&](std::size_t first, std::size_t last) {
    dispatch<SoftmaxBody<T>, const T*, T*>(x + first * count, y + first * count, last - first, count,
                                           are_transposed(rows, count));
  });
}

template <class T>
void log_sum_exp_rows(const T* x, T* tops, T* logarithms, std::size_t rows, std::size_t count) {
  parallel_for(rows, 1, rows * count, [&](std::size_t first, std::size_t last) {
    dispatch<LogSumBody<T>, const T*, T*, T*>(x + first * count, tops + first, logarithms + first, last - first, count,
                                              are_transposed(rows, count));
  });
}

template <class T>
void log_sum_exp_rows(const T* x, T* out, std::size_t rows, std::size_t count) {
  T* const tops = scratch<T>(Scratch::result, rows);
  log_sum_exp_rows(x, tops, out, rows, count);
  for (std::size_t r = 0; r < rows; ++r) out[r] += tops[r];
}

template <class T>
void log_softmax_rows(const T* x, T* y, std::size_t rows, std::size_t count) {
  constexpr std::size_t together = 64;
  parallel_for(rows, 1, rows * count, [&](std::size_t begin, std::size_t end) {
    T tops[together], logarithms[together];
    for (std::size_t first = begin; first < end; first += together) {
      const std::size_t part = std::min(together, end - first);
      dispatch<LogSumBody<T>, const T*, T*, T*>(x + first * count, tops, logarithms, part, count,
                                                are_transposed(rows, count));
      dispatch<ShiftBody<T>, const T*, const T*, const T*, T*>(x + first * count, tops, logarithms, y + first * count,
                                                               part, count);
    }
  });
}

// ---- cross entropy -------------------------------------------------------------------------------------------------

namespace {

// Σ over rows of Σ y (log Σ eᶻ − z).
template <class T>
struct CrossEntropyBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* z, const T* y, const T* tops, const T* logarithms, std::size_t rows,
                                 std::size_t count, double* total) {
    using L = Lane<T, Bytes>;
    double sum = 0;
    L part(T(0));
    for (std::size_t r = rows; r-- > 0; z += count, y += count, ++tops, ++logarithms) {
      const Row<L> row(count, r * count);
      const L top(*tops), by(*logarithms);
      for (std::size_t k = 0; k < row.whole; k += L::width) {
        const L term = L::load(y + k) * (top - L::load(z + k) + by);
        part = part + term;
      }
      if (row.rest > 0) {
        const L term = row.last(y, T(0)) * (top - row.last(z, T(0)) + by);
        part = part + term;
      }
    }
    sum += static_cast<double>(across(part, plus));
    *total = sum;
  }
};

// out = scale (softmax(z) Σ y − y).
template <class T>
struct CrossEntropyVjpBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* z, const T* y, T* out, std::size_t rows, std::size_t count, T scale,
                                 bool transposed) {
    using L = Lane<T, Bytes>;
    using E = Exponentials<L>;
    const L c(scale);
    if (transposed)
      return for_each_row_block<L>(rows, [&](std::size_t first, std::size_t few) {
        ShortRows<L> of_z(z + first * count, few, count);
        const ShortRows<L> of_y(y + first * count, few, count);
        const L sum = of_z.to_exponentials(of_z.maximum(count), count);
        L weights(T(0));
        for (std::size_t k = 0; k < count; ++k) {
          const L weight = of_y[k];
          weights = weights + weight;
        }
        const L by = c * weights / sum;
        for (std::size_t k = 0; k < count; ++k) of_z.set(k, by * of_z[k] - c * of_y[k]);
        of_z.write(out + first * count, few, count);
      });
    for (std::size_t r = rows; r-- > 0; z += count, y += count, out += count) {
      const Row<L> row(count, r * count);
      L weights(T(0)), partial(T(0));
      const T s = E::sum(
          z, row, E::maximum(z, row),
          [&](std::size_t k, const L& e) {
            const L weight = L::load(y + k);
            weights = weights + weight;
            e.store(out + k);
          },
          [&](const L& e) { partial = e; });
      const L last = row.last(y, T(0));
      const L all = weights + last;
      const L by(scale * across(all, plus) / s);
      for (std::size_t k = 0; k < row.whole; k += L::width) (by * L::load(out + k) - c * L::load(y + k)).store(out + k);
      if (row.rest > 0) row.store_last(by * partial - c * last, out);
    }
  }
};

// out = scale softmax(z), with one scale per row.
template <class T>
struct SoftmaxScaledBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* z, const T* scale, T* out, std::size_t rows, std::size_t count,
                                 bool transposed) {
    using L = Lane<T, Bytes>;
    using E = Exponentials<L>;
    if (transposed)
      return for_each_row_block<L>(rows, [&](std::size_t first, std::size_t few) {
        ShortRows<L> of_z(z + first * count, few, count);
        const L sum = of_z.to_exponentials(of_z.maximum(count), count);
        alignas(L) T scales[L::width] = {};
        for (std::size_t r = 0; r < few; ++r) scales[r] = scale[first + r];
        const L by = L::load(scales) / sum;
        for (std::size_t k = 0; k < count; ++k) of_z.set(k, of_z[k] * by);
        of_z.write(out + first * count, few, count);
      });
    for (std::size_t r = rows; r-- > 0; z += count, ++scale, out += count) {
      const Row<L> row(count, r * count);
      L partial(T(0));
      const T s = E::sum(
          z, row, E::maximum(z, row), [&](std::size_t k, const L& e) { e.store(out + k); },
          [&](const L& e) { partial = e; });
      const L by(*scale / s);
      for (std::size_t k = 0; k < row.whole; k += L::width) (L::load(out + k) * by).store(out + k);
      if (row.rest > 0) row.store_last(partial * by, out);
    }
  }
};

}  // namespace

template <class T>
double cross_entropy_rows(const T* z, const T* y, std::size_t rows, std::size_t count) {
  constexpr std::size_t together = 64, most = 256;
  // Blocks depend on the rows alone and are added in order, so the result does not depend on the number of threads.
  const std::size_t rows_in_block = (rows / most / together + 1) * together;
  const std::size_t blocks = (rows + rows_in_block - 1) / rows_in_block;
  double totals[most];
  parallel_for(blocks, 1, rows * count, [&](std::size_t begin, std::size_t end) {
    T tops[together], logarithms[together];
    for (std::size_t block = begin; block < end; ++block) {
      totals[block] = 0;
      const std::size_t last = std::min(rows, (block + 1) * rows_in_block);
      for (std::size_t first = block * rows_in_block; first < last; first += together) {
        const std::size_t part = std::min(together, last - first);
        double total = 0;
        dispatch<LogSumBody<T>, const T*, T*, T*>(z + first * count, tops, logarithms, part, count,
                                                  are_transposed(rows, count));
        dispatch<CrossEntropyBody<T>, const T*, const T*, const T*, const T*>(z + first * count, y + first * count,
                                                                              tops, logarithms, part, count, &total);
        totals[block] += total;
      }
    }
  });
  double total = 0;
  for (std::size_t block = 0; block < blocks; ++block) total += totals[block];
  return total;
}

template <class T>
void cross_entropy_vjp_rows(const T* z, const T* y, T* out, std::size_t rows, std::size_t count, T scale) {
  parallel_for(rows, 1, rows * count, [&](std::size_t first, std::size_t last) {
    dispatch<CrossEntropyVjpBody<T>, const T*, const T*, T*>(z + first * count, y + first * count, out + first * count,
                                                             last - first, count, scale, are_transposed(rows, count));
  });
}

template <class T>
void scaled_softmax_rows(const T* z, const T* scale, T* out, std::size_t rows, std::size_t count) {
  parallel_for(rows, 1, rows * count, [&](std::size_t first, std::size_t last) {
    dispatch<SoftmaxScaledBody<T>, const T*, const T*, T*>(z + first * count, scale + first, out + first * count,
                                                           last - first, count, are_transposed(rows, count));
  });
}

#define WENGERT_INSTANTIATE(T)                                                                  \
  template void softmax_rows<T>(const T*, T*, std::size_t, std::size_t);                        \
  template void log_softmax_rows<T>(const T*, T*, std::size_t, std::size_t);                    \
  template void log_sum_exp_rows<T>(const T*, T*, T*, std::size_t, std::size_t);                \
  template void log_sum_exp_rows<T>(const T*, T*, std::size_t, std::size_t);                    \
  template double cross_entropy_rows<T>(const T*, const T*, std::size_t, std::size_t);          \
  template void cross_entropy_vjp_rows<T>(const T*, const T*, T*, std::size_t, std::size_t, T); \
  template void scaled_softmax_rows<T>(const T*, const T*, T*, std::size_t, std::size_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
