// Variance and standardisation (mean 0, variance 1) of groups of elements.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// The layout of groups: group k consists of x[(o · groups + k) · inner + i] for all o < outer and i < inner.
struct Groups {
  std::size_t outer = 1, groups = 1, inner = 1;
  bool centred = true;  ///< means are subtracted; otherwise they are taken as 0

  std::size_t members() const { return outer * inner; }
};

/// The mean squared distance of each group's elements from their mean.
template <class T>
void group_variance(const T* x, T* variance, const Groups& groups);

/// y = (x − mean) / √(variance + epsilon), by group.
template <class T>
void standardise(const T* x, T* y, const Groups& groups, double epsilon);

/// out = r (g − mean g − y mean(g y)), by group, with one r per group.
template <class T>
void standardise_vjp(const T* g, const T* y, const T* r, T* out, const Groups& groups);

}  // namespace wengert::kernel
