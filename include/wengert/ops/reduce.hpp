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

}  // namespace wengert
