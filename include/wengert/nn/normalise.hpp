// Normalisations as layers. See ops/normalise.hpp for their formulas; weights begin at 1, biases at 0.
#pragma once

#include <wengert/nn/mode.hpp>
#include <wengert/nn/module.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/parameter.hpp>

#include <cstddef>
#include <optional>

namespace wengert::nn {

/// How a BatchNorm is made.
struct BatchNormOptions {
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< running = (1 − momentum) · running + momentum · of the batch
  bool affine = true;     ///< whether there are weight and bias
};

/// Brings each channel of (N, C) or (N, C, …) to mean 0 and variance 1, then scales and shifts it.
///
/// In training by the statistics of the batch, of which running averages are kept: updates of these are queued on the
/// tape, and eager code writes them by `tape.commit()`. In evaluation by the running averages.
template <class T>
struct BatchNorm {
  std::optional<Parameter<T>> weight;  ///< (C,)
  std::optional<Parameter<T>> bias;    ///< (C,)
  Buffer<T> running_mean;              ///< (C,), zeros at first
  Buffer<T> running_var;               ///< (C,), ones at first
  BatchNormOptions options{};          ///< as it was made
  Mode mode{};                         ///< training or evaluation

  /// Throws ValueError for no channels.
  static BatchNorm make(std::size_t channels, const BatchNormOptions& options = {},
                        Location where = Location::current());
  /// Throws ShapeError for another number of channels, and in training for fewer than two elements a channel.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// How a LayerNorm, GroupNorm or RMSNorm is made.
struct NormOptions {
  double epsilon = 1e-5;  ///< added to the variance; of RMSNorm, to the mean square
  bool affine = true;     ///< whether there are weight and bias; RMSNorm has no bias
};

/// Brings the elements of the trailing axes to mean 0 and variance 1, then scales and shifts them.
template <class T>
struct LayerNorm {
  std::optional<Parameter<T>> weight;  ///< of the shape `normalised`
  std::optional<Parameter<T>> bias;    ///< of the shape `normalised`
  Shape normalised;                    ///< the last extents of x, over which is normalised
  double epsilon = 1e-5;               ///< added to the variance

  /// `normalised` are the extents of the trailing axes: `nn::LayerNorm<float>::make({128})`. Throws ValueError for
  /// none.
  static LayerNorm make(const Shape& normalised, const NormOptions& options = {}, Location where = Location::current());
  /// Throws ShapeError unless x ends with these extents.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// Divides by the root of the mean square of the trailing axes, then scales.
template <class T>
struct RMSNorm {
  std::optional<Parameter<T>> weight;  ///< of the shape `normalised`
  Shape normalised;                    ///< the last extents of x, over which is normalised
  double epsilon = 1e-5;               ///< added to the mean square

  /// Throws ValueError for no extents.
  static RMSNorm make(const Shape& normalised, const NormOptions& options = {}, Location where = Location::current());
  /// Throws ShapeError unless x ends with these extents.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

/// Brings groups of neighbouring channels of each sample of (N, C, …) to mean 0 and variance 1, then scales and shifts
/// each channel.
template <class T>
struct GroupNorm {
  std::optional<Parameter<T>> weight;  ///< (C,)
  std::optional<Parameter<T>> bias;    ///< (C,)
  std::size_t groups;                  ///< that the channels are split into
  std::size_t channels;                ///< how many there are
  double epsilon = 1e-5;               ///< added to the variance

  /// Throws ValueError unless the groups divide the channels evenly.
  static GroupNorm make(std::size_t groups, std::size_t channels, const NormOptions& options = {},
                        Location where = Location::current());
  /// Throws ShapeError for another number of channels.
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
