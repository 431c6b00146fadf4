// Groups of elements brought to mean 0 and variance 1.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// Where the elements of a group lie: group k has x[(o · groups + k) · inner + i] for every o below `outer` and i below
/// `inner`.
struct Groups {
  std::size_t outer = 1, groups = 1, inner = 1;
  bool centred = true;  ///< means are taken off; otherwise they are taken for 0

  std::size_t members() const { return outer * inner; }
};

/// The mean squared distance of each group's elements from their mean.
template <class T>
void group_variance(const T* x, T* variance, const Groups& groups);

/// y = (x − mean) / √(variance + epsilon), by group.
template <class T>
void standardise(const T* x, T* y, const Groups& groups, double epsilon);

/// out = r (g − mean g − y mean(g y)), by group, with one r a group.
template <class T>
void standardise_vjp(const T* g, const T* y, const T* r, T* out, const Groups& groups);

}  // namespace wengert::kernel
