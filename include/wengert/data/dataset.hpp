// Dataset: labelled samples in memory; splits, subsets and one-hot encoding.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::data {

/// N labelled samples. T is float or double.
template <class T>
struct Dataset {
  using Inputs = Tensor<T>;              ///< the inputs of a batch
  using Targets = Indices;               ///< the labels of a batch
  static constexpr bool repeats = true;  ///< the same rows always give the same batch
  Tensor<T> inputs;                      ///< N×D: one row per sample; further axes are allowed (N×H×W)
  Indices labels;                        ///< N, each in [0, classes)
  std::size_t classes = 0;  ///< readers set it to the largest label + 1; raise it if a file lacks the last classes
  std::vector<std::string> feature_names = {};  ///< the names of the D columns of a table; empty without a header
  std::string label_name = {};                  ///< the name of the label column, likewise

  /// The number of samples, N.
  std::size_t size() const { return inputs.dimension() == 0 ? 0 : inputs.shape()[0]; }
  /// The number of values of one sample, D.
  std::size_t features() const {
    std::size_t count = inputs.dimension() == 0 ? 0 : 1;
    for (std::size_t axis = 1; axis < inputs.dimension(); ++axis) count *= inputs.shape()[axis];
    return count;
  }
  /// Copies samples into x and y. Throws like `gather_rows`.
  void gather(std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) const;
  /// Throws ShapeError as `subject` unless the labels have shape (N).
  void check(std::string_view subject, const Location& where = {}) const;
};

/// The rows of the two parts of a split.
struct SplitRows {
  std::vector<std::size_t> train;  ///< in the training part
  std::vector<std::size_t> test;   ///< in the test part
};

/// Splits the numbers 0 … samples−1 like `split` of a Dataset. Throws likewise.
SplitRows split_rows(std::size_t samples, double test_fraction, std::uint64_t seed,
                     const Location& where = Location::current());

/// The two parts of data that `split` or `stratified_split` divides.
template <class Data>
struct SplitOf {
  Data train;  ///< the training part
  Data test;   ///< the test part
};
/// The two parts of a Dataset.
template <class T>
using Split = SplitOf<Dataset<T>>;

/// Splits the samples randomly into a training part and a test part. The test part has round(test_fraction · N)
/// samples; both parts have at least one. For given samples, the result depends only on `seed` and is the same on every
/// platform. Throws ValueError if the fraction is not in (0, 1) or there are fewer than two samples; ShapeError like
/// `Dataset::check`.
template <class T>
Split<T> split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed,
               const Location& where = Location::current());

/// Splits each class like `split`, so that both parts have the same proportions of classes. Of a class of n samples,
/// the test part gets round(test_fraction · n); both parts get at least one. Both parts are shuffled. Throws like
/// `split`; ValueError also if a class has only one sample, or for a label outside [0, classes).
template <class T>
Split<T> stratified_split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed,
                          const Location& where = Location::current());

/// The samples with these indices, in this order; an index may occur more than once. Throws like `gather_rows`.
template <class T>
Dataset<T> subset(const Dataset<T>& dataset, std::span<const std::size_t> samples,
                  const Location& where = Location::current());

/// One-hot encoding, N×classes: one row per label, with 1 at the label's index and 0 elsewhere. Labels of any other
/// shape give that shape with an axis appended. Throws ValueError for a label outside [0, classes).
template <class T>
Tensor<T> one_hot(const Indices& labels, std::size_t classes, const Location& where = Location::current());

}  // namespace wengert::data
