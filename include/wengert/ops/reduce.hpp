// Reductions: sum, mean, amax over axes.
#pragma once

#include <wengert/op.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace wengert {

/// The axes a reduction runs over, counted from the end if negative: `sum(x)` over all, `sum(x, 0)`, `sum(x, {0, -1})`.
class Axes {
 public:
  /// All axes.
  Axes() = default;
  Axes(std::ptrdiff_t axis) : Axes(std::span(&axis, 1)) {}  // NOLINT(google-explicit-constructor)
  Axes(std::initializer_list<std::ptrdiff_t> axes) : Axes(std::span(axes.begin(), axes.size())) {}
  explicit Axes(std::span<const std::ptrdiff_t> axes);

  /// One bit for each axis of a tensor of this rank. Throws AxisError for an axis out of range or named twice.
  std::uint32_t bits(std::size_t rank, std::string_view subject) const;

 private:
  std::array<std::ptrdiff_t, max_rank> axes_{};
  std::size_t count_ = 0;
  bool all_ = true;
};

/// Whether the axes a reduction ran over stay, with extent 1.
enum class KeepDims : bool { no, yes };

/// The sum over axes; 0 for no elements. Summed in blocks, so that the rounding error grows slowly.
template <class T>
Var<T> sum(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The arithmetic mean over axes; NaN for no elements.
template <class T>
Var<T> mean(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The largest element over axes; NaN if one is. Ties share the gradient evenly (PyTorch's amax).
/// Throws ShapeError if an axis of extent 0 is reduced.
template <class T>
Var<T> amax(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The smallest element over axes; otherwise as `amax`.
template <class T>
Var<T> amin(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The variance over axes, Σ (x − mean)² / (n − ddof), as NumPy has it; PyTorch's default is ddof = 1.
template <class T>
Var<T> var(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, double ddof = 0, Location where = Location::current());

/// The standard deviation over axes, the root of `var`.
template <class T>
Var<T> stddev(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, double ddof = 0,
              Location where = Location::current());

/// ln Σ eˣ over axes, without overflow. Throws ShapeError if an axis of extent 0 is reduced.
template <class T>
Var<T> logsumexp(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// The p-norm over axes, (Σ |x|ᵖ)^(1/p), p ≥ 1; the largest |x| for p = ∞. Its gradient is 0 where the norm is.
/// Throws ValueError for p < 1.
template <class T>
Var<T> norm(Var<T> x, double p = 2, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// How many elements over axes are not 0; without gradient.
template <class T>
Var<T> count_nonzero(Var<T> x, const Axes& axes = {}, KeepDims keep = {}, Location where = Location::current());

/// Sums from the beginning of an axis up to each element. Throws AxisError if x has no such axis.
template <class T>
Var<T> cumsum(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// The position of the largest element along an axis, of equal ones the first; NaN counts as largest. The axis is
/// dropped. Throws AxisError if x has no such axis, ShapeError if it has extent 0.
template <class T>
IndexVar<T> argmax(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// The position of the smallest element along an axis; otherwise as `argmax`.
template <class T>
IndexVar<T> argmin(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// Whether no element is 0; answered at once.
template <class T>
bool all(Var<T> x, Location where = Location::current());

/// Whether an element is not 0; answered at once.
template <class T>
bool any(Var<T> x, Location where = Location::current());

}  // namespace wengert
