// Normalisations: softmax and its logarithm; layer, RMS, batch, group and instance normalisation.
//
// Channels lie along axis 1, as in PyTorch. Variances are population variances (divided by the number of elements), and
// ε, the argument `epsilon`, is added to them. `weight` and `bias` scale and shift the result, unless they are empty
// handles. All normalisations throw ShapeError for a weight or bias of another shape, ValueError if ε < 0.
#pragma once

#include <wengert/tape/tape.hpp>

namespace wengert {

/// exp(x) / Σ exp(x) along an axis: positive numbers that sum to 1. Computed from x − max x, so it never overflows.
/// Throws AxisError if x has no such axis.
template <class T>
Var<T> softmax(Var<T> x, std::ptrdiff_t axis = -1, Location where = Location::current());

/// ln softmax(x) along an axis, accurate where the softmax itself underflows.
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

/// The running statistics of `batch_norm`: the mean and variance of each channel.
template <class T>
struct BatchNormState {
  Parameter<T> running_mean;      ///< (C,), not trainable; initially 0
  Parameter<T> running_variance;  ///< (C,), not trainable; initially 1
  double momentum;                ///< running = (1 − momentum) · running + momentum · batch

  /// The initial statistics for this number of channels.
  explicit BatchNormState(std::size_t channels, double momentum = 0.1);
};

/// Whether `batch_norm` is in training mode.
enum class Training : bool { no, yes };

/// (x − mean) / √(variance + ε) by channel (Ioffe & Szegedy 2015); x is (N, C) or (N, C, …), weight and bias (C,).
///
/// In training, it uses the mean and variance of the batch, and queues updates of the running statistics on the tape
/// (see `Tape::commit`); the running variance divides by one less than the number of elements. Otherwise, it uses the
/// running statistics. Throws ShapeError for other shapes and, in training, for fewer than two elements per channel.
template <class T>
Var<T> batch_norm(Var<T> x, const BatchNormState<T>& state, Training training, std::type_identity_t<Var<T>> weight = {},
                  std::type_identity_t<Var<T>> bias = {}, double epsilon = 1e-5, Location where = Location::current());

/// (x − mean) / √(variance + ε) over groups of adjacent channels of each sample (Wu & He 2018); x is (N, C) or
/// (N, C, …), weight and bias (C,). Throws ShapeError unless `groups` divides the number of channels.
template <class T>
Var<T> group_norm(Var<T> x, std::size_t groups, std::type_identity_t<Var<T>> weight = {},
                  std::type_identity_t<Var<T>> bias = {}, double epsilon = 1e-5, Location where = Location::current());

/// (x − mean) / √(variance + ε) over each channel of each sample (Ulyanov, Vedaldi & Lempitsky 2016); x is (N, C, …),
/// weight and bias (C,). Throws ShapeError below rank 3.
template <class T>
Var<T> instance_norm(Var<T> x, std::type_identity_t<Var<T>> weight = {}, std::type_identity_t<Var<T>> bias = {},
                     double epsilon = 1e-5, Location where = Location::current());

extern template struct BatchNormState<float>;
extern template struct BatchNormState<double>;

}  // namespace wengert
