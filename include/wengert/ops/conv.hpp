// Convolutions over one, two or three spatial axes, transposed convolutions, and unfold and fold.
//
// An input is (N, C, spatial axes…) or, for a single sample, (C, spatial axes…); N may be 0. As in PyTorch, kernels are
// not flipped: y[n, o, p] = b[o] + Σ over c and k of x[n, c, p·stride + k·dilation − padding] · w[o, c, k]. Source:
// Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016).
//
// All throw ShapeError for operands of the wrong rank, an empty spatial axis or kernel, channels that do not match each
// other or the groups, and a kernel larger than the padded input; ValueError for a stride, dilation or number of groups
// below 1, and a negative padding. Float convolutions use oneDNN where it is faster.
#pragma once

#include <wengert/ops/window.hpp>
#include <wengert/tape/tape.hpp>

namespace wengert {

/// Options of a convolution: `conv2d(x, w, {.stride = 2, .padding = {1, 0}})`.
template <std::size_t n>
struct ConvOptions {
  PerAxis<n> stride = 1;      ///< the distance between neighbouring windows
  Padding<n> padding = 0;     ///< zeros on both sides, or `same_padding` (stride 1 only; an odd zero goes to the end)
  PerAxis<n> dilation = 1;    ///< the distance between neighbouring elements of a window
  std::ptrdiff_t groups = 1;  ///< the number of groups that channels and filters are divided into
};
/// The options of a convolution along 1, 2 or 3 spatial axes.
///@{
using Conv1dOptions = ConvOptions<1>;
using Conv2dOptions = ConvOptions<2>;
using Conv3dOptions = ConvOptions<3>;
///@}

/// Options of a transposed convolution: those of the convolution that it transposes.
template <std::size_t n>
struct ConvTransposeOptions {
  PerAxis<n> stride = 1;          ///< the stride of the convolution
  PerAxis<n> padding = 0;         ///< the number of elements cut off on both sides of the result
  PerAxis<n> output_padding = 0;  ///< the number of elements added at its end; less than the stride or the dilation
  PerAxis<n> dilation = 1;        ///< the dilation of the convolution
  std::ptrdiff_t groups = 1;      ///< the groups of the convolution
};
/// The options of a transposed convolution along 1, 2 or 3 spatial axes.
///@{
using ConvTranspose1dOptions = ConvTransposeOptions<1>;
using ConvTranspose2dOptions = ConvTransposeOptions<2>;
using ConvTranspose3dOptions = ConvTransposeOptions<3>;
///@}

/// The convolution of x (N, C, L) with w (O, C/groups, K): (N, O, L').
/// L' = ⌊(L + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1.
template <class T>
Var<T> conv1d(Var<T> x, Var<T> w, const Conv1dOptions& options = {}, Location where = Location::current());
/// The same plus a bias (O,), one number for each filter.
template <class T>
Var<T> conv1d(Var<T> x, Var<T> w, Var<T> bias, const Conv1dOptions& options = {}, Location where = Location::current());

/// The convolution of x (N, C, H, W) with w (O, C/groups, KH, KW): (N, O, H', W'), extents as for conv1d.
template <class T>
Var<T> conv2d(Var<T> x, Var<T> w, const Conv2dOptions& options = {}, Location where = Location::current());
/// The same plus a bias (O,).
template <class T>
Var<T> conv2d(Var<T> x, Var<T> w, Var<T> bias, const Conv2dOptions& options = {}, Location where = Location::current());

/// The convolution of x (N, C, D, H, W) with w (O, C/groups, KD, KH, KW): (N, O, D', H', W'), extents as for conv1d.
template <class T>
Var<T> conv3d(Var<T> x, Var<T> w, const Conv3dOptions& options = {}, Location where = Location::current());
/// The same plus a bias (O,).
template <class T>
Var<T> conv3d(Var<T> x, Var<T> w, Var<T> bias, const Conv3dOptions& options = {}, Location where = Location::current());

/// The transpose of a convolution: x (N, C, L) with w (C, O/groups, K) gives (N, O, L').
/// L' = (L − 1)·stride − 2·padding + dilation·(K − 1) + output_padding + 1. It maps the gradient of conv1d's result to
/// that of conv1d's input; also called a fractionally strided convolution.
template <class T>
Var<T> conv_transpose1d(Var<T> x, Var<T> w, const ConvTranspose1dOptions& options = {},
                        Location where = Location::current());
/// The same plus a bias (O,).
template <class T>
Var<T> conv_transpose1d(Var<T> x, Var<T> w, Var<T> bias, const ConvTranspose1dOptions& options = {},
                        Location where = Location::current());

/// The transpose of a convolution: x (N, C, H, W) with w (C, O/groups, KH, KW) gives (N, O, H', W'), extents as for
/// conv_transpose1d.
template <class T>
Var<T> conv_transpose2d(Var<T> x, Var<T> w, const ConvTranspose2dOptions& options = {},
                        Location where = Location::current());
/// The same plus a bias (O,).
template <class T>
Var<T> conv_transpose2d(Var<T> x, Var<T> w, Var<T> bias, const ConvTranspose2dOptions& options = {},
                        Location where = Location::current());

/// The transpose of a convolution: x (N, C, D, H, W) with w (C, O/groups, KD, KH, KW) gives (N, O, D', H', W'),
/// extents as for conv_transpose1d.
template <class T>
Var<T> conv_transpose3d(Var<T> x, Var<T> w, const ConvTranspose3dOptions& options = {},
                        Location where = Location::current());
/// The same plus a bias (O,).
template <class T>
Var<T> conv_transpose3d(Var<T> x, Var<T> w, Var<T> bias, const ConvTranspose3dOptions& options = {},
                        Location where = Location::current());

/// Options of `unfold` and `fold`.
struct UnfoldOptions {
  PerAxis<2> stride = 1;    ///< the distance between neighbouring windows
  PerAxis<2> padding = 0;   ///< zeros on both sides
  PerAxis<2> dilation = 1;  ///< the distance between neighbouring elements of a window
};

/// Windows as columns (im2col): x (N, C, H, W) gives (N, C·KH·KW, positions), both axes in row-major order; a single
/// sample (C, H, W) gives (C·KH·KW, positions). A convolution is a matrix product with these columns.
template <class T>
Var<T> unfold(Var<T> x, const PerAxis<2>& kernel, const UnfoldOptions& options = {},
              Location where = Location::current());

/// The transpose of `unfold` (col2im): columns (N, C·KH·KW, positions) are summed into (N, C, H, W), where `size` is
/// {H, W}. Overlapping windows add up, so `fold(unfold(x))` is each element of x times the number of windows that
/// contain it. Throws ShapeError if the columns do not match these windows.
template <class T>
Var<T> fold(Var<T> columns, const PerAxis<2>& size, const PerAxis<2>& kernel, const UnfoldOptions& options = {},
            Location where = Location::current());

}  // namespace wengert
