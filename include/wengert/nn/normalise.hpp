// Normalisation layers. See ops/normalise.hpp for their formulas. Weights are initialised to 1, biases to 0.
#pragma once

#include <wengert/nn/mode.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstddef>
#include <optional>

namespace wengert::nn {

/// Options of BatchNorm.
struct BatchNormOptions {
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< running = (1 − momentum) · running + momentum · batch
  bool affine = true;     ///< whether there are a weight and a bias
};

/// Normalises each channel of (N, C) or (N, C, …) to mean 0 and variance 1, then scales and shifts it. In training, it
/// uses the statistics of the batch and queues updates of their running averages on the tape, which a Program applies
/// and eager code writes by `tape.commit()`. In evaluation, it uses the running averages.
template <class T>
struct BatchNorm {
  std::optional<Parameter<T>> weight;  ///< (C,)
  std::optional<Parameter<T>> bias;    ///< (C,)
  Buffer<T> running_mean;              ///< (C,), zeros at first
  Buffer<T> running_var;               ///< (C,), ones at first
  BatchNormOptions options{};          ///< the options passed to `make`
  Mode mode{};                         ///< training or evaluation

  /// Throws ValueError for 0 channels.
  static BatchNorm make(std::size_t channels, const BatchNormOptions& options = {},
                        Location where = Location::current());
  /// Throws ShapeError for any other number of channels, and in training for fewer than two elements per channel.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// Options of LayerNorm, GroupNorm and RMSNorm.
struct NormOptions {
  double epsilon = 1e-5;  ///< added to the variance; in RMSNorm, to the mean square
  bool affine = true;     ///< whether there are a weight and a bias; RMSNorm has no bias
};

/// Normalises the elements of the trailing axes to mean 0 and variance 1, then scales and shifts them.
template <class T>
struct LayerNorm {
  std::optional<Parameter<T>> weight;  ///< has the shape `normalised`
  std::optional<Parameter<T>> bias;    ///< has the shape `normalised`
  Shape normalised;                    ///< the extents of the trailing axes of x, which are normalised
  double epsilon = 1e-5;               ///< added to the variance

  /// `normalised` holds the extents of the trailing axes: `nn::LayerNorm<float>::make({128})`. Throws ValueError if it
  /// is empty or an extent is 0.
  static LayerNorm make(const Shape& normalised, const NormOptions& options = {}, Location where = Location::current());
  /// Throws ShapeError unless x ends with these extents.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// Divides by the root mean square of the trailing axes, then scales.
template <class T>
struct RMSNorm {
  std::optional<Parameter<T>> weight;  ///< has the shape `normalised`
  Shape normalised;                    ///< the extents of the trailing axes of x, which are normalised
  double epsilon = 1e-5;               ///< added to the mean square

  /// Throws ValueError if `normalised` is empty or an extent is 0.
  static RMSNorm make(const Shape& normalised, const NormOptions& options = {}, Location where = Location::current());
  /// Throws ShapeError unless x ends with these extents.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// Normalises groups of adjacent channels of each sample of (N, C, …) to mean 0 and variance 1, then scales and shifts
/// each channel.
template <class T>
struct GroupNorm {
  std::optional<Parameter<T>> weight;  ///< (C,)
  std::optional<Parameter<T>> bias;    ///< (C,)
  std::size_t groups;                  ///< the number of groups that the channels are split into
  std::size_t channels;                ///< the number of channels
  double epsilon = 1e-5;               ///< added to the variance

  /// Throws ValueError for 0 channels, and unless `groups` divides `channels`.
  static GroupNorm make(std::size_t groups, std::size_t channels, const NormOptions& options = {},
                        Location where = Location::current());
  /// Throws ShapeError for any other number of channels.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

#define WENGERT_EXTERN(T)              \
  extern template struct BatchNorm<T>; \
  extern template struct LayerNorm<T>; \
  extern template struct RMSNorm<T>;   \
  extern template struct GroupNorm<T>;
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
#undef WENGERT_EXTERN

}  // namespace wengert::nn
