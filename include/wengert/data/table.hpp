// Table: samples for regression, whose targets are numbers.
#pragma once

#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace wengert {

/// N samples of D numbers, each with the K numbers that belong to it: what `train::fit` takes as it is. T is float or
/// double.
template <class T>
struct Table {
  using Inputs = Tensor<T>;                    ///< of a batch
  using Targets = Tensor<T>;                   ///< of a batch
  static constexpr bool repeats = true;        ///< the same rows always give the same batch
  Tensor<T> inputs;                            ///< N×D: one row a sample
  Tensor<T> targets;                           ///< N×K
  std::vector<std::string> input_names = {};   ///< of the D columns; empty where the file has no header
  std::vector<std::string> target_names = {};  ///< of the K columns, likewise

  /// The number of samples, N.
  std::size_t size() const { return inputs.dimension() == 0 ? 0 : inputs.shape()[0]; }
  /// Copies samples into x and y.
  void gather(std::span<const std::size_t> rows, Tensor<T>& x, Tensor<T>& y) const {
    gather_rows(inputs, rows, x, {});
    gather_rows(targets, rows, y, {});
  }
};

/// Cuts like `split` of a Dataset. Throws as it does.
template <class T>
Split<T, Table> split(const Table<T>& table, double test_fraction, std::uint64_t seed,
                      const Location& where = Location::current());

/// The samples with these indices, in this order, which may name one more than once. Throws as `gather_rows` does.
template <class T>
Table<T> subset(const Table<T>& table, std::span<const std::size_t> samples,
                const Location& where = Location::current());

}  // namespace wengert
