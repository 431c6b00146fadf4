// Convolutions as layers.
//
// Inputs are (N, C, spatial axes…) or, for a single sample, (C, spatial axes…). Parameters are initialised as in
// PyTorch: weight and bias are drawn uniformly from ±1/√fan, where fan is `fan_of(weight).in`.
#pragma once

#include <wengert/ops/conv.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstddef>
#include <optional>

namespace wengert::nn {

/// Options of a convolutional layer: `{.stride = 2, .padding = 1}`.
template <std::size_t n>
struct ConvLayerOptions {
  PerAxis<n> stride = 1;      ///< steps between neighbouring outputs
  Padding<n> padding = 0;     ///< zeros on both sides, or `same_padding`
  PerAxis<n> dilation = 1;    ///< steps between neighbouring kernel elements
  std::ptrdiff_t groups = 1;  ///< the number of groups that channels and filters are split into
  bool bias = true;           ///< whether the layer has a bias; not needed before a normalisation
};

/// Options of a transposed convolutional layer: those of the convolution that it transposes.
template <std::size_t n>
struct ConvTransposeLayerOptions {
  PerAxis<n> stride = 1;          ///< the stride of the convolution
  PerAxis<n> padding = 0;         ///< the number of elements cut off on both sides of the result
  PerAxis<n> output_padding = 0;  ///< the number of elements added at its end
  PerAxis<n> dilation = 1;        ///< the dilation of the convolution
  std::ptrdiff_t groups = 1;      ///< the groups of the convolution
  bool bias = true;               ///< whether the layer has a bias
};

/// The convolution of (N, in, L) with `out` filters: (N, out, L'). See `conv1d`.
template <class T>
struct Conv1d {
  Parameter<T> weight;               ///< (out, in / groups, K)
  std::optional<Parameter<T>> bias;  ///< (out,)
  ConvLayerOptions<1> options{};     ///< the options passed to `make`

  /// Throws ValueError for sizes below 1 and for groups that do not divide both numbers of channels, MemoryError for
  /// sizes that are too large.
  static Conv1d make(std::size_t in, std::size_t out, const PerAxis<1>& kernel, Generator generator,
                     const ConvLayerOptions<1>& options = {}, Location where = Location::current());
  /// Throws ShapeError for any other rank or number of channels.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// The convolution of (N, in, H, W) with `out` filters: (N, out, H', W'). See `conv2d`.
template <class T>
struct Conv2d {
  Parameter<T> weight;               ///< (out, in / groups, KH, KW)
  std::optional<Parameter<T>> bias;  ///< (out,)
  ConvLayerOptions<2> options{};     ///< the options passed to `make`

  /// Throws ValueError for sizes below 1 and for groups that do not divide both numbers of channels, MemoryError for
  /// sizes that are too large.
  static Conv2d make(std::size_t in, std::size_t out, const PerAxis<2>& kernel, Generator generator,
                     const ConvLayerOptions<2>& options = {}, Location where = Location::current());
  /// Throws ShapeError for any other rank or number of channels.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// The transpose of a convolution, which enlarges images: (N, in, H, W) gives (N, out, H', W'). See `conv_transpose2d`.
template <class T>
struct ConvTranspose2d {
  Parameter<T> weight;                     ///< (in, out / groups, KH, KW)
  std::optional<Parameter<T>> bias;        ///< (out,)
  ConvTransposeLayerOptions<2> options{};  ///< the options passed to `make`

  /// Throws ValueError for sizes below 1 and for groups that do not divide both numbers of channels, MemoryError for
  /// sizes that are too large.
  static ConvTranspose2d make(std::size_t in, std::size_t out, const PerAxis<2>& kernel, Generator generator,
                              const ConvTransposeLayerOptions<2>& options = {}, Location where = Location::current());
  /// Throws ShapeError for any other rank or number of channels.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

extern template struct Conv1d<float>;
extern template struct Conv1d<double>;
extern template struct Conv2d<float>;
extern template struct Conv2d<double>;
extern template struct ConvTranspose2d<float>;
extern template struct ConvTranspose2d<double>;

}  // namespace wengert::nn
