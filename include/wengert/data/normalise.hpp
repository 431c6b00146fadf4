// Normalisation: shifts and scales inputs to mean 0 and standard deviation 1, by statistics of the training samples.
//
//     const auto normalisation = learn_normalisation(train.inputs);
//     normalise(train.inputs, normalisation);
//     normalise(test.inputs, normalisation);
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

namespace wengert::data {

/// The mean to subtract from inputs, and the standard deviation to divide them by. Both have the same shape, which
/// broadcasts against that of a sample. Store them with the weights: a network needs inputs that are normalised like
/// its training samples.
template <class T>
struct Normalisation {
  Tensor<T> mean;       ///< the mean of each feature
  Tensor<T> deviation;  ///< the standard deviation of each feature
};

/// The elements that share a mean and a deviation.
enum class NormalisePer {
  feature,  ///< one element of every sample: shape D, or H×W
  channel,  ///< one index of every sample's first axis: C×1×1 for images N×C×H×W
  all       ///< all elements: shape ()
};

/// The mean and the population standard deviation (with divisor N, like scikit-learn's StandardScaler) of inputs N×….
/// Sums are accumulated in double. A constant feature has deviation 1, so it is normalised to 0. Throws ShapeError for
/// a scalar, or for `channel` if samples have no axis; ValueError if there are no samples or an input is not finite.
template <class T>
Normalisation<T> learn_normalisation(const Tensor<T>& inputs, NormalisePer per = NormalisePer::feature,
                                     const Location& where = Location::current());

/// Replaces inputs N×… by (inputs − mean) / deviation. Throws ShapeError if the shape of a sample differs from that of
/// the samples learned from; then nothing is changed.
template <class T>
void normalise(Tensor<T>& inputs, const Normalisation<T>& normalisation, const Location& where = Location::current());

}  // namespace wengert::data
