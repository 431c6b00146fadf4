// Dataset: samples with their labels, in memory.
#pragma once

#include <wengert/tensor.hpp>

#include <cstddef>
#include <cstdint>

namespace wengert {

/// N samples of D features each, with a class for each sample.
template <class T>
struct Dataset {
  Tensor<T> inputs;    ///< N×D
  IndexTensor labels;  ///< N, each in [0, classes)
  std::size_t classes = 0;

  std::size_t size() const { return labels.size(); }
  std::size_t features() const { return inputs.dimension() == 2 ? inputs.shape()[1] : 0; }
};

/// A data set cut in two.
template <class T>
struct Split {
  Dataset<T> train;
  Dataset<T> test;
};

/// N×K rows that are 1 at the label and 0 elsewhere. Throws ValueError for a label outside [0, classes).
template <class T>
Tensor<T> one_hot(const IndexTensor& labels, std::size_t classes);

/// Shuffles the samples from `seed` and puts round(N · test_fraction) of them, at least one on either side, into the
/// test set. Throws ValueError if the fraction is not in (0, 1) or there are fewer than two samples.
template <class T>
Split<T> split(const Dataset<T>& data, double test_fraction, std::uint64_t seed);

}  // namespace wengert
