#include "kernel/normalise.hpp"

#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/lane.hpp>

#include <algorithm>
#include <cmath>

namespace wengert::kernel {
namespace {

// Sums run over runs of neighbouring elements: lanes within a block, doubles beyond it. Where runs are single elements
// (features in columns), a tile of columns is summed side by side instead.
template <class T>
struct NormaliseBody {
  static constexpr std::size_t block = 2048, tile = 64;

  // Σ term(k) over a run; `term` is given a position and tells a lane of the elements there, or one element.
  template <class L, class Term>
  static WENGERT_INLINE double run_sum(std::size_t count, const Term& term) {
    double total = 0;
    for (std::size_t first = 0; first < count; first += block) {
      const std::size_t end = std::min(count, first + block);
      L part[2] = {L(T(0)), L(T(0))};
      std::size_t k = first;
      for (; k + 2 * L::width <= end; k += 2 * L::width)
        for (std::size_t j = 0; j < 2; ++j) part[j] = part[j] + term(k + j * L::width, L(T(0)));
      for (; k + L::width <= end; k += L::width) part[0] = part[0] + term(k, L(T(0)));
      alignas(L) T elements[L::width];
      (part[0] + part[1]).store(elements);
      T sum = 0;
      for (const T e : elements) sum += e;
      for (; k < end; ++k) sum += term(k, T(0));
      total += static_cast<double>(sum);
    }
    return total;
  }
  template <class L>
  static WENGERT_INLINE L at(const T* p, const L&) {
    return L::load(p);
  }
  static WENGERT_INLINE T at(const T* p, T) { return *p; }
  template <class L>
  static WENGERT_INLINE L all(double c, const L&) {
    return L(static_cast<T>(c));
  }
  static WENGERT_INLINE T all(double c, T) { return static_cast<T>(c); }

  // The elements of one group, run by run.
  template <class Visit>
  static WENGERT_INLINE void each_run(const Groups& n, std::size_t group, const Visit& visit) {
    for (std::size_t o = 0; o < n.outer; ++o) visit((o * n.groups + group) * n.inner);
  }
  // out[k] = value(k) over a run.
  template <class L, class F>
  static WENGERT_INLINE void fill(T* out, std::size_t count, const F& value) {
    std::size_t k = 0;
    for (; k + L::width <= count; k += L::width) value(k, L(T(0))).store(out + k);
    for (; k < count; ++k) out[k] = value(k, T(0));
  }

  template <class L>
  static WENGERT_INLINE double mean_of(const T* x, const Groups& n, std::size_t group) {
    if (!n.centred) return 0;
    double sum = 0;
    each_run(n, group, [&](std::size_t start) {
      sum += run_sum<L>(n.inner, [&](std::size_t k, const auto& like) { return at(x + start + k, like); });
    });
    return sum / static_cast<double>(n.members());
  }
  template <class L>
  static WENGERT_INLINE double variance_of(const T* x, const Groups& n, std::size_t group, double mean) {
    double sum = 0;
    each_run(n, group, [&](std::size_t start) {
      sum += run_sum<L>(n.inner, [&](std::size_t k, const auto& like) {
        const auto d = at(x + start + k, like) - all(mean, like);
        return d * d;
      });
    });
    return sum / static_cast<double>(n.members());
  }

  // The same for `width` neighbouring columns: mean and variance of each.
  static WENGERT_INLINE void columns(const T* x, const Groups& n, std::size_t width, double* mean, double* variance) {
    const double share = 1 / static_cast<double>(n.outer);
    std::fill_n(mean, width, 0.0);
    std::fill_n(variance, width, 0.0);
    if (n.centred)
      for (std::size_t o = 0; o < n.outer; ++o)
        for (std::size_t c = 0; c < width; ++c) mean[c] += static_cast<double>(x[o * n.groups + c]);
    for (std::size_t c = 0; c < width; ++c) mean[c] *= share;
    for (std::size_t o = 0; o < n.outer; ++o)
      for (std::size_t c = 0; c < width; ++c) {
        const double d = static_cast<double>(x[o * n.groups + c]) - mean[c];
        variance[c] += d * d;
      }
    for (std::size_t c = 0; c < width; ++c) variance[c] *= share;
  }
};

template <class T>
struct VarianceBody : NormaliseBody<T> {
  using Base = NormaliseBody<T>;
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* out, const Groups& n) {
    using L = Lane<T, Bytes>;
    if (n.inner == 1) {
      double mean[Base::tile], variance[Base::tile];
      for (std::size_t first = 0; first < n.groups; first += Base::tile) {
        const std::size_t width = std::min(Base::tile, n.groups - first);
        Base::columns(x + first, n, width, mean, variance);
        for (std::size_t c = 0; c < width; ++c) out[first + c] = static_cast<T>(variance[c]);
      }
      return;
    }
    for (std::size_t k = 0; k < n.groups; ++k)
      out[k] = static_cast<T>(Base::template variance_of<L>(x, n, k, Base::template mean_of<L>(x, n, k)));
  }
};

template <class T>
struct StandardiseBody : NormaliseBody<T> {
  using Base = NormaliseBody<T>;
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* x, T* y, const Groups& n, double epsilon) {
    using L = Lane<T, Bytes>;
    if (n.inner == 1) {
      double mean[Base::tile], variance[Base::tile];
      for (std::size_t first = 0; first < n.groups; first += Base::tile) {
        const std::size_t width = std::min(Base::tile, n.groups - first);
        Base::columns(x + first, n, width, mean, variance);
        for (std::size_t c = 0; c < width; ++c) variance[c] = 1 / std::sqrt(variance[c] + epsilon);
        for (std::size_t o = 0; o < n.outer; ++o)
          for (std::size_t c = 0; c < width; ++c) {
            const std::size_t at = o * n.groups + first + c;
            y[at] = static_cast<T>((static_cast<double>(x[at]) - mean[c]) * variance[c]);
          }
      }
      return;
    }
    for (std::size_t k = 0; k < n.groups; ++k) {
      const double mean = Base::template mean_of<L>(x, n, k);
      const double r = 1 / std::sqrt(Base::template variance_of<L>(x, n, k, mean) + epsilon);
      Base::each_run(n, k, [&](std::size_t start) {
        Base::template fill<L>(y + start, n.inner, [&](std::size_t i, const auto& like) {
          return (Base::at(x + start + i, like) - Base::all(mean, like)) * Base::all(r, like);
        });
      });
    }
  }
};

template <class T>
struct StandardiseVjpBody : NormaliseBody<T> {
  using Base = NormaliseBody<T>;
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const T* g, const T* y, const T* r, T* out, const Groups& n) {
    using L = Lane<T, Bytes>;
    const double share = 1 / static_cast<double>(n.members());
    if (n.inner == 1) {
      double mean[Base::tile], slope[Base::tile];
      for (std::size_t first = 0; first < n.groups; first += Base::tile) {
        const std::size_t width = std::min(Base::tile, n.groups - first);
        std::fill_n(mean, width, 0.0);
        std::fill_n(slope, width, 0.0);
        for (std::size_t o = 0; o < n.outer; ++o)
          for (std::size_t c = 0; c < width; ++c) {
            const std::size_t at = o * n.groups + first + c;
            mean[c] += static_cast<double>(g[at]);
            slope[c] += static_cast<double>(g[at]) * static_cast<double>(y[at]);
          }
        for (std::size_t c = 0; c < width; ++c) {
          mean[c] *= n.centred ? share : 0;
          slope[c] *= share;
        }
        for (std::size_t o = 0; o < n.outer; ++o)
          for (std::size_t c = 0; c < width; ++c) {
            const std::size_t at = o * n.groups + first + c;
            out[at] = static_cast<T>(static_cast<double>(r[first + c]) *
                                     (static_cast<double>(g[at]) - mean[c] - static_cast<double>(y[at]) * slope[c]));
          }
      }
      return;
    }
    for (std::size_t k = 0; k < n.groups; ++k) {
      const double mean = Base::template mean_of<L>(g, n, k);
      double slope = 0;
      Base::each_run(n, k, [&](std::size_t start) {
        slope += Base::template run_sum<L>(n.inner, [&](std::size_t i, const auto& like) {
          return Base::at(g + start + i, like) * Base::at(y + start + i, like);
        });
      });
      slope *= share;
      Base::each_run(n, k, [&](std::size_t start) {
        Base::template fill<L>(out + start, n.inner, [&](std::size_t i, const auto& like) {
          return Base::all(static_cast<double>(r[k]), like) * (Base::at(g + start + i, like) - Base::all(mean, like) -
                                                               Base::at(y + start + i, like) * Base::all(slope, like));
        });
      });
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
void group_variance(const T* x, T* variance, const Groups& groups) {
  dispatch<VarianceBody<T>, const T*, T*, const Groups&>(x, variance, groups);
}

template <class T>
void standardise(const T* x, T* y, const Groups& groups, double epsilon) {
  dispatch<StandardiseBody<T>, const T*, T*, const Groups&, double>(x, y, groups, epsilon);
}

template <class T>
void standardise_vjp(const T* g, const T* y, const T* r, T* out, const Groups& groups) {
  dispatch<StandardiseVjpBody<T>, const T*, const T*, const T*, T*, const Groups&>(g, y, r, out, groups);
}

#define WENGERT_INSTANTIATE(T)                                       \
  template void group_variance<T>(const T*, T*, const Groups&);      \
  template void standardise<T>(const T*, T*, const Groups&, double); \
  template void standardise_vjp<T>(const T*, const T*, const T*, T*, const Groups&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
