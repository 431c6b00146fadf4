// Table: samples with numeric targets, for regression.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::data {

/// N samples of D features, each with K targets; can be passed directly to `train::fit`. T is float or double.
template <class T>
struct Table {
  using Inputs = Tensor<T>;                    ///< the inputs of a batch
  using Targets = Tensor<T>;                   ///< the targets of a batch
  static constexpr bool repeats = true;        ///< the same rows always give the same batch
  Tensor<T> inputs;                            ///< N×D: one row per sample
  Tensor<T> targets;                           ///< N×K
  std::vector<std::string> input_names = {};   ///< the names of the D columns; empty if the file has no header
  std::vector<std::string> target_names = {};  ///< the names of the K columns, likewise

  /// The number of samples, N.
  std::size_t size() const { return inputs.dimension() == 0 ? 0 : inputs.shape()[0]; }
  /// Copies samples into x and y. Throws like `gather_rows`.
  void gather(std::span<const std::size_t> rows, Tensor<T>& x, Tensor<T>& y) const;
  /// Throws ShapeError as `subject` unless there is a row of targets for each sample.
  void check(std::string_view subject, const Location& where = {}) const;
};

/// Splits like `split` of a Dataset. Throws likewise.
template <class T>
SplitOf<Table<T>> split(const Table<T>& table, double test_fraction, std::uint64_t seed,
                        const Location& where = Location::current());

/// The samples with these indices, in this order; an index may occur more than once. Throws like `gather_rows`.
template <class T>
Table<T> subset(const Table<T>& table, std::span<const std::size_t> samples,
                const Location& where = Location::current());

}  // namespace wengert::data
