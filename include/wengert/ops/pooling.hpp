// Pooling over one, two or three spatial axes: the largest element or the average of a window.
//
// An input is (N, C, spatial axes…) or, for a single sample, (C, spatial axes…); N may be 0. For a kernel of extent K,
// the result has L' = ⌊(L + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1 elements along an axis. With `ceil_mode`,
// it has ⌈…⌉ + 1, but not a last one whose window would begin in the padding after the input. Padding is never a
// maximum. All conventions are PyTorch's.
//
// All throw ShapeError for an operand of the wrong rank, an empty spatial axis and a kernel larger than the padded
// input; ValueError for a kernel, stride, dilation or size below 1, and a padding that is negative or above half the
// kernel.
#pragma once

#include <wengert/ops/window.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

namespace wengert {

/// Options of max pooling: `max_pool2d(x, 3, {.stride = 2, .padding = 1})`.
template <std::size_t n>
struct MaxPoolOptions {
  PerAxis<n> stride{};      ///< the distance between neighbouring windows; the kernel's extents if not given
  PerAxis<n> padding = 0;   ///< the number of elements on both sides
  PerAxis<n> dilation = 1;  ///< the distance between neighbouring elements of a window
  bool ceil_mode = false;   ///< the last window may extend beyond the end
};
/// The options of max pooling along 1, 2 or 3 spatial axes.
///@{
using MaxPool1dOptions = MaxPoolOptions<1>;
using MaxPool2dOptions = MaxPoolOptions<2>;
using MaxPool3dOptions = MaxPoolOptions<3>;
///@}

/// Options of average pooling.
template <std::size_t n>
struct AvgPoolOptions {
  PerAxis<n> stride{};            ///< the distance between neighbouring windows; the kernel's extents if not given
  PerAxis<n> padding = 0;         ///< zeros on both sides
  bool ceil_mode = false;         ///< the last window may extend beyond the end
  bool count_include_pad = true;  ///< whether the average includes the padding
};
/// The options of average pooling along 1, 2 or 3 spatial axes.
///@{
using AvgPool1dOptions = AvgPoolOptions<1>;
using AvgPool2dOptions = AvgPoolOptions<2>;
using AvgPool3dOptions = AvgPoolOptions<3>;
///@}

/// The largest element of each window of x (N, C, L): (N, C, L'); NaN if any element is NaN.
/// The gradient goes to the first of equal elements.
template <class T>
Var<T> max_pool1d(Var<T> x, const PerAxis<1>& kernel, const MaxPool1dOptions& options = {},
                  Location where = Location::current());
/// The largest element of each window of x (N, C, H, W): (N, C, H', W'); NaN if any element is NaN.
/// The gradient goes to the first of equal elements, in row-major order.
template <class T>
Var<T> max_pool2d(Var<T> x, const PerAxis<2>& kernel, const MaxPool2dOptions& options = {},
                  Location where = Location::current());
/// The largest element of each window of x (N, C, D, H, W): (N, C, D', H', W'); NaN if any element is NaN.
/// The gradient goes to the first of equal elements, in row-major order.
template <class T>
Var<T> max_pool3d(Var<T> x, const PerAxis<3>& kernel, const MaxPool3dOptions& options = {},
                  Location where = Location::current());

/// The result of max pooling, with the positions of the largest elements.
template <class T>
struct MaxPooled {
  Var<T> values;        ///< the largest elements, as `max_pool…` returns them
  IndexVar<T> indices;  ///< their row-major positions among the spatial axes of x, without padding (PyTorch's)
};
/// The same as max_pool1d, with positions for `max_unpool1d` (PyTorch's return_indices).
template <class T>
MaxPooled<T> max_pool1d_with_indices(Var<T> x, const PerAxis<1>& kernel, const MaxPool1dOptions& options = {},
                                     Location where = Location::current());
/// The same as max_pool2d, with positions for `max_unpool2d`: `auto [y, indices] = max_pool2d_with_indices(x, 2);`.
template <class T>
MaxPooled<T> max_pool2d_with_indices(Var<T> x, const PerAxis<2>& kernel, const MaxPool2dOptions& options = {},
                                     Location where = Location::current());
/// The same as max_pool3d, with positions for `max_unpool3d`.
template <class T>
MaxPooled<T> max_pool3d_with_indices(Var<T> x, const PerAxis<3>& kernel, const MaxPool3dOptions& options = {},
                                     Location where = Location::current());

/// The elements of x (N, C, L') or (C, L') put at `indices`, of the same shape, into zeros of `size` elements along the
/// spatial axis: reverses max pooling except for the elements that were not largest.
///
/// If several indices are equal, the last element wins, and only it gets a gradient. Throws ShapeError for indices of
/// another shape than x, ValueError for an index that is negative or too large.
template <class T>
Var<T> max_unpool1d(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, const PerAxis<1>& size,
                    Location where = Location::current());
/// The same for x (N, C, H', W') and `size` = {H, W}.
template <class T>
Var<T> max_unpool2d(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, const PerAxis<2>& size,
                    Location where = Location::current());
/// The same for x (N, C, D', H', W') and `size` = {D, H, W}.
template <class T>
Var<T> max_unpool3d(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, const PerAxis<3>& size,
                    Location where = Location::current());

/// The average of each window of x (N, C, L): (N, C, L'). It includes the zeros of the padding unless
/// `count_include_pad` is false; positions beyond the padding never count.
template <class T>
Var<T> avg_pool1d(Var<T> x, const PerAxis<1>& kernel, const AvgPool1dOptions& options = {},
                  Location where = Location::current());
/// The average of each window of x (N, C, H, W): (N, C, H', W'), otherwise like avg_pool1d.
template <class T>
Var<T> avg_pool2d(Var<T> x, const PerAxis<2>& kernel, const AvgPool2dOptions& options = {},
                  Location where = Location::current());
/// The average of each window of x (N, C, D, H, W): (N, C, D', H', W'), otherwise like avg_pool1d.
template <class T>
Var<T> avg_pool3d(Var<T> x, const PerAxis<3>& kernel, const AvgPool3dOptions& options = {},
                  Location where = Location::current());

/// The largest element of each of `size` windows that cover x (N, C, L) evenly: window i is [⌊i·L/size⌋,
/// ⌈(i+1)·L/size⌉). Otherwise like max_pool1d.
template <class T>
Var<T> adaptive_max_pool1d(Var<T> x, const PerAxis<1>& size, Location where = Location::current());
/// The largest element of each of `size` = {H', W'} windows that cover x (N, C, H, W) evenly.
template <class T>
Var<T> adaptive_max_pool2d(Var<T> x, const PerAxis<2>& size, Location where = Location::current());
/// The largest element of each of `size` = {D', H', W'} windows that cover x (N, C, D, H, W) evenly.
template <class T>
Var<T> adaptive_max_pool3d(Var<T> x, const PerAxis<3>& size, Location where = Location::current());

/// The average of each of `size` windows that cover x (N, C, L) evenly: window i is [⌊i·L/size⌋, ⌈(i+1)·L/size⌉).
template <class T>
Var<T> adaptive_avg_pool1d(Var<T> x, const PerAxis<1>& size, Location where = Location::current());
/// The average of each of `size` = {H', W'} windows that cover x (N, C, H, W) evenly.
template <class T>
Var<T> adaptive_avg_pool2d(Var<T> x, const PerAxis<2>& size, Location where = Location::current());
/// The average of each of `size` = {D', H', W'} windows that cover x (N, C, D, H, W) evenly.
template <class T>
Var<T> adaptive_avg_pool3d(Var<T> x, const PerAxis<3>& size, Location where = Location::current());

}  // namespace wengert
