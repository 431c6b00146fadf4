// Reductions over axes, and cumulative ops along an axis. All throw AxisError for an axis out of range or named twice.
#pragma once

#include <wengert/base/axes.hpp>
#include <wengert/tape/index_var.hpp>

#include <cstddef>
#include <optional>

namespace wengert {

/// Whether reduced axes are kept with extent 1.
enum class KeepDims : bool { no, yes };

/// The sum over axes; 0 for no elements. Elements are summed in blocks, so the rounding error grows slowly.
template <class T>
Var<T> sum(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The arithmetic mean over axes; NaN for no elements.
template <class T>
Var<T> mean(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The product over axes; 1 for no elements. Its gradient is correct even where elements are 0.
template <class T>
Var<T> prod(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The largest element over axes; NaN if any element is NaN. Ties share the gradient evenly (PyTorch's amax).
/// Throws ShapeError if an axis of extent 0 is reduced.
template <class T>
Var<T> amax(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The smallest element over axes; otherwise like `amax`.
template <class T>
Var<T> amin(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The variance over axes, Σ (x − mean)² / (n − ddof), with NumPy's default; PyTorch's is ddof = 1.
template <class T>
Var<T> var(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, double ddof = 0, Location where = Location::current());

/// The standard deviation over axes, √var. Its gradient is 0 where all elements are equal, as in PyTorch.
template <class T>
Var<T> stddev(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, double ddof = 0,
              Location where = Location::current());

/// ln Σ eˣ over axes, without overflow; −∞ for no elements.
template <class T>
Var<T> logsumexp(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The p-norm over axes, (Σ |x|ᵖ)^(1/p), p ≥ 1; the largest |x| for p = ∞. Its gradient is 0 where the norm is 0.
/// Throws ValueError for p < 1, ShapeError for p = ∞ if an axis of extent 0 is reduced.
template <class T>
Var<T> norm(Var<T> x, double p = 2, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The number of nonzero elements over axes; without gradient.
template <class T>
Var<T> count_nonzero(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// Cumulative sums along an axis: x₀ + … + xᵢ.
template <class T>
Var<T> cumsum(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// Cumulative products along an axis: x₀ · … · xᵢ.
template <class T>
Var<T> cumprod(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// ln(exp x₀ + … + exp xᵢ) along an axis, without overflow.
template <class T>
Var<T> logcumsumexp(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// The index of the largest element along an axis; without an axis, its row-major position among all elements. Of equal
/// elements, the first; NaN counts as largest. Throws ShapeError if there are no elements to choose from.
template <class T>
IndexVar<T> argmax(Var<T> x, std::optional<std::ptrdiff_t> axis = {}, KeepDims keep = {},
                   Location where = Location::current());

/// The index of the smallest element, otherwise like `argmax`; NaN counts as smallest.
template <class T>
IndexVar<T> argmin(Var<T> x, std::optional<std::ptrdiff_t> axis = {}, KeepDims keep = {},
                   Location where = Location::current());

/// Whether no element is 0. Reads the value, like `Var::item`.
template <class T>
bool all(Var<T> x, Location where = Location::current());

/// Whether any element is nonzero. Reads the value, like `Var::item`.
template <class T>
bool any(Var<T> x, Location where = Location::current());

}  // namespace wengert
