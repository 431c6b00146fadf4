// Normalisations: softmax and its logarithm; values brought to mean 0 and variance 1 by row, channel or group.
//
// Channels lie along axis 1, as in PyTorch. Variances are those of the elements themselves (divided by their number),
// epsilon is added to them. `weight` and `bias` scale and shift the result; an empty handle leaves that out.
#pragma once

#include <wengert/op.hpp>

namespace wengert {

/// exp(x) / Σ exp(x) along an axis: positive numbers that sum to 1. Computed from x − max x, so it never overflows.
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> softmax(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// ln softmax(x) along an axis, exact where the softmax itself underflows.
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> log_softmax(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// (x − mean) / √(variance + ε) over the trailing axes, whose extents are `normalised` (Ba, Kiros & Hinton 2016).
///
/// Weight and bias have the shape `normalised`. Throws ShapeError unless x ends with these extents.
template <class T>
Var<T> layer_norm(Var<T> x, const std::type_identity_t<Shape>& normalised, std::type_identity_t<Var<T>> weight = {},
                  std::type_identity_t<Var<T>> bias = {}, double epsilon = 1e-5, Location where = Location::current());

/// x / √(mean x² + ε) over the trailing axes, whose extents are `normalised` (Zhang & Sennrich 2019).
/// Throws ShapeError unless x ends with these extents.
template <class T>
Var<T> rms_norm(Var<T> x, const std::type_identity_t<Shape>& normalised, std::type_identity_t<Var<T>> weight = {},
                double epsilon = 1e-5, Location where = Location::current());

/// What batch_norm learns of its inputs beside the gradients: the running mean and variance of each channel.
template <class T>
struct BatchNormState {
  Parameter<T> running_mean;      ///< untrainable; zeros at first
  Parameter<T> running_variance;  ///< untrainable; ones at first
  double momentum;                ///< running = (1 − momentum) · running + momentum · of the batch

  /// Running means 0 and variances 1 for so many channels.
  explicit BatchNormState(std::size_t channels, double momentum = 0.1);
};

/// Whether a layer that acts differently then is being trained.
enum class Training : bool { no, yes };

/// (x − mean) / √(variance + ε) by channel (Ioffe & Szegedy 2015): (N, C) or (N, C, …), weight and bias (C).
///
/// In training, mean and variance are the batch's, and updates of the running ones (with the variance divided by one
/// less than the number of elements) are queued on the tape; `tape.commit()` writes them. Otherwise they are the
/// running ones. Throws ShapeError for other shapes, and in training for fewer than two elements a channel.
template <class T>
Var<T> batch_norm(Var<T> x, const BatchNormState<T>& state, Training training, std::type_identity_t<Var<T>> weight = {},
                  std::type_identity_t<Var<T>> bias = {}, double epsilon = 1e-5, Location where = Location::current());

/// (x − mean) / √(variance + ε) over groups of neighbouring channels of each sample (Wu & He 2018); x is (N, C) or
/// (N, C, …), weight and bias (C). Throws ShapeError unless the groups divide the channels evenly.
template <class T>
Var<T> group_norm(Var<T> x, std::size_t groups, std::type_identity_t<Var<T>> weight = {},
                  std::type_identity_t<Var<T>> bias = {}, double epsilon = 1e-5, Location where = Location::current());

/// (x − mean) / √(variance + ε) over each channel of each sample (Ulyanov, Vedaldi & Lempitsky 2016); x is (N, C, …),
/// weight and bias (C). Throws ShapeError below rank 3.
template <class T>
Var<T> instance_norm(Var<T> x, std::type_identity_t<Var<T>> weight = {}, std::type_identity_t<Var<T>> bias = {},
                     double epsilon = 1e-5, Location where = Location::current());

extern template struct BatchNormState<float>;
extern template struct BatchNormState<double>;

}  // namespace wengert
