// Vectorised variance, standardisation and its vjp, for groups that are runs of elements, short rows or columns.
#include "kernel/normalise.hpp"

#include "base/parallel.hpp"
#include "kernel/rows.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <cmath>

namespace wengert::kernel {
namespace {

// Calls visit(position, tag) for lanes that cover [0, count); the tag is an empty object with the lane's type.
template <class V>
struct OfLane {
  using type = V;
};
template <class T, std::size_t Bytes, class Visit>
WENGERT_INLINE void each_lane(std::size_t count, const Visit& visit) {
  using L = Lane<T, Bytes>;
  using Narrow = Lane<T, 16>;
  std::size_t k = 0;
  for (; k + L::width <= count; k += L::width) visit(k, OfLane<L>());
  for (; k + Narrow::width <= count; k += Narrow::width) visit(k, OfLane<Narrow>());
  for (; k < count; ++k) visit(k, OfLane<Single<T>>());
}

// ---- groups that are runs of neighbouring elements -----------------------------------------------------------------

// Sums are accumulated in lanes within a block, and in double across blocks.
constexpr std::size_t block = 2048;

// Adds the sums of f and of g over a run to the totals; both are called with a position and a lane's tag.
template <class T, std::size_t Bytes, class F, class G>
WENGERT_INLINE void add_sums(std::size_t count, const F& f, const G& g, double& f_total, double& g_total) {
  using L = Lane<T, Bytes>;
  using Narrow = Lane<T, 16>;
  constexpr std::size_t w = L::width;
  constexpr OfLane<L> lane;
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t end = std::min(count, first + block);
    L f0(T(0)), f1(T(0)), g0(T(0)), g1(T(0));
    std::size_t k = first;
    for (; k + 2 * w <= end; k += 2 * w) {  // named lanes, because g++ keeps temporary ones in memory
      const L fa = f(k, lane), fb = f(k + w, lane), ga = g(k, lane), gb = g(k + w, lane);
      f0 = f0 + fa, f1 = f1 + fb, g0 = g0 + ga, g1 = g1 + gb;
    }
    if (k + w <= end) {
      const L fa = f(k, lane), ga = g(k, lane);
      f0 = f0 + fa, g0 = g0 + ga, k += w;
    }
    const L f_lane = f0 + f1, g_lane = g0 + g1;
    T f_sum = across(f_lane, plus), g_sum = across(g_lane, plus);
    if (k < end) {
      Narrow f_rest(T(0)), g_rest(T(0));
      for (constexpr OfLane<Narrow> narrow; k + Narrow::width <= end; k += Narrow::width) {
        const Narrow fa = f(k, narrow), ga = g(k, narrow);
        f_rest = f_rest + fa, g_rest = g_rest + ga;
      }
      f_sum += across(f_rest, plus), g_sum += across(g_rest, plus);
      for (constexpr OfLane<Single<T>> one; k < end; ++k) f_sum += f(k, one).v, g_sum += g(k, one).v;
    }
    f_total += static_cast<double>(f_sum), g_total += static_cast<double>(g_sum);
  }
}

// Calls visit(start) for each run of a group.
template <class Visit>
WENGERT_INLINE void each_run(const Groups& n, std::size_t group, const Visit& visit) {
  for (std::size_t o = 0; o < n.outer; ++o) visit((o * n.groups + group) * n.inner);
}

struct Moments {
  double mean = 0, variance = 0;
};

// The variance is the mean square of the distances from a mean rounded to T, minus the square of their own mean.
template <class T, std::size_t Bytes>
WENGERT_INLINE Moments moments_of_runs(const T* x, const Groups& n, std::size_t group) {
  const double share = 1 / static_cast<double>(n.members());
  const auto nothing = [](std::size_t, auto lane) { return typename decltype(lane)::type(T(0)); };
  double sum = 0, ignored = 0;
  if (n.centred)
    each_run(n, group, [&](std::size_t start) {
      add_sums<T, Bytes>(
          n.inner, [&](std::size_t k, auto lane) { return decltype(lane)::type::load(x + start + k); }, nothing, sum,
          ignored);
    });
  const T about = static_cast<T>(sum * share);
  double distances = 0, squares = 0;
  each_run(n, group, [&](std::size_t start) {
    const auto distance = [&](std::size_t k, auto lane) {
      using V = typename decltype(lane)::type;
      return V::load(x + start + k) - V(about);
    };
    add_sums<T, Bytes>(
        n.inner, distance,
        [&](std::size_t k, auto lane) {
          const auto d = distance(k, lane);
          return d * d;
        },
        distances, squares);
  });
  if (!n.centred) return {0, squares * share};
  const double rest = distances * share;
  return {static_cast<double>(about) + rest, std::max(0.0, squares * share - rest * rest)};
}

// ---- groups that are short rows ------------------------------------------------------------------------------------

// A lane holds one column of as many rows as it is wide, so the sums of these rows form one lane.
template <class L>
struct ShortRows : TransposedRows<L> {
  using T = typename L::Scalar;
  using TransposedRows<L>::TransposedRows;

  static WENGERT_INLINE bool serve(const Groups& n) { return n.outer == 1 && n.inner <= ShortRows::longest; }
  // Replaces the elements by their distances from the means; returns the variances.
  WENGERT_INLINE L centre(const Groups& n) {
    const L share(T(1) / static_cast<T>(n.inner));
    L squares(T(0));
    for (int pass = 0; pass < (n.centred ? 2 : 0); ++pass) {  // the second removes the rounding error of the first
      L sum(T(0));
      for (std::size_t k = 0; k < n.inner; ++k) {
        const L x = (*this)[k];
        sum = sum + x;
      }
      const L mean = sum * share;
      for (std::size_t k = 0; k < n.inner; ++k) this->set(k, (*this)[k] - mean);
    }
    for (std::size_t k = 0; k < n.inner; ++k) {
      const L d = (*this)[k];
      squares = squares + d * d;
    }
    return squares * share;
  }
};

// ---- groups that are columns ---------------------------------------------------------------------------------------

// The columns that are processed side by side, and the rows of a block.
constexpr std::size_t tile = 256, rows_at_once = 16;

// Means and variances of `width` columns in one pass over memory: those of blocks of rows are merged by Chan's formula.
// They are computed from distances to the first row, which preserves precision if means are large.
template <class T, std::size_t Bytes>
WENGERT_INLINE void moments_of_columns(const T* x, const Groups& n, std::size_t width, double* mean, double* variance) {
  T shift[tile];
  for (std::size_t c = 0; c < width; ++c) shift[c] = n.centred ? x[c] : T(0);
  std::fill_n(mean, width, 0.0);
  std::fill_n(variance, width, 0.0);
  T part_mean[tile], part_squares[tile];
  for (std::size_t first = 0; first < n.outer; first += rows_at_once) {
    const std::size_t rows = std::min(rows_at_once, n.outer - first);
    each_lane<T, Bytes>(width, [&](std::size_t c, auto lane) {
      using V = typename decltype(lane)::type;
      const T* const column = x + first * n.groups + c;
      const V from = V::load(shift + c);
      V sum(T(0)), squares(T(0));
      for (std::size_t r = 0; r < rows; ++r) {
        const V d = V::load(column + r * n.groups) - from;
        sum = sum + d;
      }
      const V centre = sum * V(n.centred ? T(1) / static_cast<T>(rows) : T(0));
      for (std::size_t r = 0; r < rows; ++r) {
        const V d = V::load(column + r * n.groups) - from - centre;
        squares = squares + d * d;
      }
      centre.store(part_mean + c), squares.store(part_squares + c);
    });
    const double before = static_cast<double>(first), share = 1 / static_cast<double>(first + rows);
    for (std::size_t c = 0; c < width; ++c) {
      const double d = static_cast<double>(part_mean[c]) - mean[c];
      mean[c] += d * static_cast<double>(rows) * share;
      variance[c] += static_cast<double>(part_squares[c]) + d * d * before * static_cast<double>(rows) * share;
    }
  }
  for (std::size_t c = 0; c < width; ++c) {
    mean[c] += static_cast<double>(shift[c]);
    variance[c] /= static_cast<double>(n.outer);
  }
}

// out[row, c] = value(row's start + c, c, lane) over `width` columns.
template <class T, std::size_t Bytes, class Value>
WENGERT_INLINE void fill_columns(T* out, const Groups& n, std::size_t width, const Value& value) {
  for (std::size_t o = 0; o < n.outer; ++o)
    each_lane<T, Bytes>(
        width, [&](std::size_t c, auto lane) { value(o * n.groups + c, c, lane).store(out + o * n.groups + c); });
}

// ---- the kernels, each over the groups [first, last) ---------------------------------------------------------------

template <class T>
struct VarianceBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* out, const Groups& n, std::size_t first, std::size_t last) {
    if (n.inner == 1) {
      double mean[tile], variance[tile];
      for (std::size_t width = 0; first < last; first += width) {
        width = std::min(tile, last - first);
        moments_of_columns<T, Bytes>(x + first, n, width, mean, variance);
        for (std::size_t c = 0; c < width; ++c) out[first + c] = static_cast<T>(variance[c]);
      }
      return;
    }
    using L = Lane<T, Bytes>;
    if (ShortRows<L>::serve(n))
      return for_each_row_block<L>(last - first, [&](std::size_t row, std::size_t few) {
        ShortRows<L> of_x(x + (first + row) * n.inner, few, n.inner);
        alignas(L) T variances[L::width];
        of_x.centre(n).store(variances);
        std::copy_n(variances, few, out + first + row);
      });
    for (; first < last; ++first) out[first] = static_cast<T>(moments_of_runs<T, Bytes>(x, n, first).variance);
  }
};

template <class T>
struct StandardiseBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* y, const Groups& n, double epsilon, std::size_t first,
                                 std::size_t last) {
    if (n.inner == 1) {
      double mean[tile], variance[tile];
      T centre[tile], scale[tile];
      for (std::size_t width = 0; first < last; first += width) {
        width = std::min(tile, last - first);
        moments_of_columns<T, Bytes>(x + first, n, width, mean, variance);
        for (std::size_t c = 0; c < width; ++c) {
          centre[c] = static_cast<T>(mean[c]);
          scale[c] = static_cast<T>(1 / std::sqrt(variance[c] + epsilon));
        }
        const T* const from = x + first;
        fill_columns<T, Bytes>(y + first, n, width, [&](std::size_t at, std::size_t c, auto lane) {
          using V = typename decltype(lane)::type;
          return (V::load(from + at) - V::load(centre + c)) * V::load(scale + c);
        });
      }
      return;
    }
    using L = Lane<T, Bytes>;
    if (ShortRows<L>::serve(n))
      return for_each_row_block<L>(last - first, [&](std::size_t row, std::size_t few) {
        ShortRows<L> of_x(x + (first + row) * n.inner, few, n.inner);
        const L variance = of_x.centre(n), scale = L(T(1)) / lane_sqrt(variance + L(static_cast<T>(epsilon)));
        for (std::size_t k = 0; k < n.inner; ++k) of_x.set(k, of_x[k] * scale);
        of_x.write(y + (first + row) * n.inner, few, n.inner);
      });
    // One instruction computes the square roots for as many groups as a lane is wide.
    for_each_row_block<L>(last - first, [&](std::size_t group, std::size_t few) {
      T centre[L::width];
      alignas(L) T scale[L::width] = {};
      for (std::size_t i = 0; i < few; ++i) {
        const auto [mean, variance] = moments_of_runs<T, Bytes>(x, n, first + group + i);
        centre[i] = static_cast<T>(mean), scale[i] = static_cast<T>(variance + epsilon);
      }
      (L(T(1)) / lane_sqrt(L::load(scale))).store(scale);
      for (std::size_t i = 0; i < few; ++i)
        each_run(n, first + group + i, [&](std::size_t start) {
          each_lane<T, Bytes>(n.inner, [&](std::size_t k, auto lane) {
            using V = typename decltype(lane)::type;
            ((V::load(x + start + k) - V(centre[i])) * V(scale[i])).store(y + start + k);
          });
        });
    });
  }
};

template <class T>
struct StandardiseVjpBody {
  // r (g − mean g − y mean(g y)), given both means.
  template <class V>
  static WENGERT_INLINE V formula(const V& g, const V& y, const V& r, const V& mean, const V& slope) {
    return r * (g - mean - y * slope);
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* g, const T* y, const T* r, T* out, const Groups& n, std::size_t first,
                                 std::size_t last) {
    const double share = 1 / static_cast<double>(n.members());
    if (n.inner == 1) {
      for (std::size_t width = 0; first < last; first += width) {
        width = std::min(tile, last - first);
        columns<Bytes>(g + first, y + first, r + first, out + first, n, width, share);
      }
      return;
    }
    using L = Lane<T, Bytes>;
    if (ShortRows<L>::serve(n))
      return for_each_row_block<L>(last - first, [&](std::size_t row, std::size_t few) {
        const std::size_t at = (first + row) * n.inner;
        ShortRows<L> of_g(g + at, few, n.inner);
        const ShortRows<L> of_y(y + at, few, n.inner);
        alignas(L) T of_r[L::width] = {};
        std::copy_n(r + first + row, few, of_r);
        L sum(T(0)), product(T(0));
        for (std::size_t k = 0; k < n.inner; ++k) {
          const L a = of_g[k], b = of_y[k];
          sum = sum + a, product = product + a * b;
        }
        const L mean = sum * L(n.centred ? static_cast<T>(share) : T(0)), slope = product * L(static_cast<T>(share));
        const L by = L::load(of_r);
        for (std::size_t k = 0; k < n.inner; ++k) of_g.set(k, formula(of_g[k], of_y[k], by, mean, slope));
        of_g.write(out + at, few, n.inner);
      });
    for (; first < last; ++first) {
      double mean = 0, slope = 0;
      each_run(n, first, [&](std::size_t start) {
        add_sums<T, Bytes>(
            n.inner, [&](std::size_t k, auto lane) { return decltype(lane)::type::load(g + start + k); },
            [&](std::size_t k, auto lane) {
              using V = typename decltype(lane)::type;
              return V::load(g + start + k) * V::load(y + start + k);
            },
            mean, slope);
      });
      const T centre = static_cast<T>(n.centred ? mean * share : 0), by = static_cast<T>(slope * share);
      each_run(n, first, [&](std::size_t start) {
        each_lane<T, Bytes>(n.inner, [&](std::size_t k, auto lane) {
          using V = typename decltype(lane)::type;
          formula(V::load(g + start + k), V::load(y + start + k), V(r[first]), V(centre), V(by)).store(out + start + k);
        });
      });
    }
  }

 private:
  template <std::size_t Bytes>
  static WENGERT_INLINE void columns(const T* g, const T* y, const T* r, T* out, const Groups& n, std::size_t width,
                                     double share) {
    double sums[tile] = {}, slopes[tile] = {};
    T mean[tile], slope[tile];
    for (std::size_t first = 0; first < n.outer; first += rows_at_once) {
      const std::size_t rows = std::min(rows_at_once, n.outer - first);
      each_lane<T, Bytes>(width, [&](std::size_t c, auto lane) {
        using V = typename decltype(lane)::type;
        V sum(T(0)), product(T(0));
        for (std::size_t r0 = first; r0 < first + rows; ++r0) {
          const V of_g = V::load(g + r0 * n.groups + c), of_y = V::load(y + r0 * n.groups + c);
          sum = sum + of_g, product = product + of_g * of_y;
        }
        sum.store(mean + c), product.store(slope + c);
      });
      for (std::size_t c = 0; c < width; ++c) {
        sums[c] += static_cast<double>(mean[c]);
        slopes[c] += static_cast<double>(slope[c]);
      }
    }
    for (std::size_t c = 0; c < width; ++c) {
      mean[c] = static_cast<T>(n.centred ? sums[c] * share : 0);
      slope[c] = static_cast<T>(slopes[c] * share);
    }
    fill_columns<T, Bytes>(out, n, width, [&](std::size_t at, std::size_t c, auto lane) {
      using V = typename decltype(lane)::type;
      return formula(V::load(g + at), V::load(y + at), V::load(r + c), V::load(mean + c), V::load(slope + c));
    });
  }
};

// Groups are divided among threads, columns in whole lanes.
template <class Body, class... Arguments>
void dispatch(const Groups& n, Arguments... arguments) {
  static constexpr auto kernels = compile_per_isa<Body, Arguments..., std::size_t, std::size_t>();
  parallel_for(n.groups, n.inner == 1 ? whole_lanes : 1, n.members() * n.groups,
               [&](std::size_t first, std::size_t last) {
                 kernels[static_cast<std::size_t>(active_isa())](arguments..., first, last);
               });
}

}  // namespace

template <class T>
void group_variance(const T* x, T* variance, const Groups& groups) {
  dispatch<VarianceBody<T>, const T*, T*, const Groups&>(groups, x, variance, groups);
}

template <class T>
void standardise(const T* x, T* y, const Groups& groups, double epsilon) {
  dispatch<StandardiseBody<T>, const T*, T*, const Groups&, double>(groups, x, y, groups, epsilon);
}

template <class T>
void standardise_vjp(const T* g, const T* y, const T* r, T* out, const Groups& groups) {
  dispatch<StandardiseVjpBody<T>, const T*, const T*, const T*, T*, const Groups&>(groups, g, y, r, out, groups);
}

#define WENGERT_INSTANTIATE(T)                                       \
  template void group_variance<T>(const T*, T*, const Groups&);      \
  template void standardise<T>(const T*, T*, const Groups&, double); \
  template void standardise_vjp<T>(const T*, const T*, const T*, T*, const Groups&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
