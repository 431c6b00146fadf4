// Dataset: labelled samples in memory, and what is done to them before training.
#pragma once

#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace wengert {

/// N samples, each with its class. T is float or double.
template <class T>
struct Dataset {
  Tensor<T> inputs;         ///< N×D: one row a sample; further axes are allowed (N×H×W)
  Indices labels;           ///< N, each in [0, classes)
  std::size_t classes = 0;  ///< readers set it to the largest label + 1; raise it where a file lacks the last classes
  std::vector<std::string> feature_names = {};  ///< of the D columns of a table that names them; otherwise empty
  std::string label_name = {};                  ///< likewise

  /// The number of samples, N.
  std::size_t size() const { return inputs.dimension() == 0 ? 0 : inputs.shape()[0]; }
  /// The number of values of one sample, D.
  std::size_t features() const {
    std::size_t count = inputs.dimension() == 0 ? 0 : 1;
    for (std::size_t axis = 1; axis < inputs.dimension(); ++axis) count *= inputs.shape()[axis];
    return count;
  }
};

/// A data set cut in two: a Dataset, a MappedDataset or a Table.
template <class T, template <class> class Data = Dataset>
struct Split {
  Data<T> train;  ///< to learn from
  Data<T> test;   ///< to test on
};

/// Shuffles the samples and deals each to one of two parts.
///
/// round(test_fraction · N) samples, but at least one on either side, are for testing. The result follows from `seed`
/// alone and is the same on every platform. Throws ValueError if the fraction is not in (0, 1), there are fewer than
/// two samples, or there is not one label for each.
template <class T>
Split<T> split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed,
               const Location& where = Location::current());

/// Cuts like `split`, but each class for itself, so that either part has its share of every class.
///
/// Of a class of n samples round(test_fraction · n), but at least one, are for testing, and at least one for training.
/// Either part is shuffled. Throws as `split` does; ValueError also if a class has but one sample, or for a label
/// outside [0, classes).
template <class T>
Split<T> stratified_split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed,
                          const Location& where = Location::current());

/// The samples with these indices, in this order, which may name one more than once. Throws as `gather_rows` does.
template <class T>
Dataset<T> subset(const Dataset<T>& dataset, std::span<const std::size_t> samples,
                  const Location& where = Location::current());

/// One row a label, 1 at the label's place and 0 elsewhere: N×classes, in general the labels' shape with an axis
/// appended. Throws ValueError for a label outside [0, classes).
template <class T>
Tensor<T> one_hot(const Indices& labels, std::size_t classes, const Location& where = Location::current());

}  // namespace wengert
