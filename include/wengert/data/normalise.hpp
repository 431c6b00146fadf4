// Normalisation: inputs shifted and scaled to mean 0 and deviation 1, by figures of the training samples alone.
//
//     const auto normalisation = learn_normalisation(train.inputs);
//     normalise(train.inputs, normalisation);
//     normalise(test.inputs, normalisation);
#pragma once

#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>

namespace wengert {

/// What is subtracted from inputs, and what they are then divided by.
///
/// Both are of one shape, which broadcasts against the samples'. Keep them with the weights: a network is only right
/// for inputs that were normalised like those it learned from.
template <class T>
struct Normalisation {
  Tensor<T> mean;       ///< of each feature
  Tensor<T> deviation;  ///< the standard deviation of each feature
};

/// What has a mean and a deviation of its own.
enum class NormalisePer {
  feature,  ///< each value of a sample: shape D, or H×W
  channel,  ///< the first axis of a sample: C×1×1 of images N×C×H×W
  all       ///< nothing: one mean and one deviation, of shape ()
};

/// The mean and the population's standard deviation (divided by N, like scikit-learn's StandardScaler) of inputs N×….
///
/// Sums run in double. What is constant has the deviation 1, so that it becomes 0. Throws ShapeError for a scalar, or
/// for `channel` if samples have no axis; ValueError if there are no samples or an input is not finite.
template <class T>
Normalisation<T> learn_normalisation(const Tensor<T>& inputs, NormalisePer per = NormalisePer::feature,
                                     const Location& where = Location::current());

/// Replaces inputs N×… by (inputs − mean) / deviation.
///
/// Throws ShapeError if the samples are of another shape than those that were learned from; nothing is changed then.
template <class T>
void normalise(Tensor<T>& inputs, const Normalisation<T>& normalisation, const Location& where = Location::current());

}  // namespace wengert
