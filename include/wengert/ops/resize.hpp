// Resizing by nearest-neighbour and linear interpolation, and pixel shuffling.
//
// An input is (N, C, spatial axes…) or, for a single sample, (C, spatial axes…). All throw ShapeError for an operand of
// the wrong rank or with an empty spatial axis, and ValueError for a size or factor below 1.
#pragma once

#include <wengert/ops/window.hpp>
#include <wengert/tape/tape.hpp>

namespace wengert {

/// x (N, C, L) resized to another extent: element i is x at ⌊i·L/size⌋ (PyTorch's mode "nearest", in exact arithmetic).
template <class T>
Var<T> upsample_nearest1d(Var<T> x, const PerAxis<1>& size, Location where = Location::current());
/// x (N, C, H, W) resized to `size` = {H', W'}; otherwise like upsample_nearest1d.
template <class T>
Var<T> upsample_nearest2d(Var<T> x, const PerAxis<2>& size, Location where = Location::current());
/// x (N, C, D, H, W) resized to `size` = {D', H', W'}; otherwise like upsample_nearest1d.
template <class T>
Var<T> upsample_nearest3d(Var<T> x, const PerAxis<3>& size, Location where = Location::current());

/// Whether linear interpolation aligns the centres of the first and last elements of input and result, or their edges.
enum class AlignCorners : bool { no, yes };

/// x (N, C, L) interpolated linearly to another extent. Element i lies at (i + ½)·L/size − ½, with aligned corners at
/// i·(L − 1)/(size − 1). Before its first and beyond its last element, x is constant. All as in PyTorch.
template <class T>
Var<T> upsample_linear(Var<T> x, const PerAxis<1>& size, AlignCorners corners = {},
                       Location where = Location::current());
/// x (N, C, H, W) interpolated along both axes, `size` = {H', W'}; otherwise like upsample_linear.
template <class T>
Var<T> upsample_bilinear(Var<T> x, const PerAxis<2>& size, AlignCorners corners = {},
                         Location where = Location::current());
/// x (N, C, D, H, W) interpolated along three axes, `size` = {D', H', W'}; otherwise like upsample_linear.
template <class T>
Var<T> upsample_trilinear(Var<T> x, const PerAxis<3>& size, AlignCorners corners = {},
                          Location where = Location::current());

/// Rearranges channels to a higher resolution: x (N, C·r², H, W) gives (N, C, H·r, W·r), where r is `factor`.
/// y[n, c, h·r + i, w·r + j] = x[n, (c·r + i)·r + j, h, w]. Throws ShapeError if r² does not divide the channels.
/// Source: Shi et al., "Real-time single image and video super-resolution" (2016).
template <class T>
Var<T> pixel_shuffle(Var<T> x, std::ptrdiff_t factor, Location where = Location::current());

/// The inverse of pixel_shuffle: x (N, C, H·r, W·r) gives (N, C·r², H, W).
/// Throws ShapeError if r does not divide both extents.
template <class T>
Var<T> pixel_unshuffle(Var<T> x, std::ptrdiff_t factor, Location where = Location::current());

}  // namespace wengert
