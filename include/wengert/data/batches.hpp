// Batches: every sample once an epoch, in random order.
#pragma once

#include <wengert/tensor.hpp>

#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace wengert {

/// The numbers 0 … n−1 in random order (Fisher and Yates, Durstenfeld 1964); the same on every platform.
std::vector<std::size_t> permutation(std::size_t n, std::mt19937_64& generator);

/// Splits n samples into batches without replacement; the last batch is short if the size does not divide n.
class Batches {
 public:
  /// Throws ValueError if there are no samples or the batch size is 0.
  Batches(std::size_t samples, std::size_t batch_size);
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  /// Shuffles anew and gives the batches of one epoch as sample indices, valid until the next call.
  const std::vector<std::span<const std::size_t>>& epoch(std::mt19937_64& generator);
  /// The number of batches in an epoch.
  std::size_t count() const { return batches_.size(); }

 private:
  std::vector<std::size_t> order_;
  std::vector<std::span<const std::size_t>> batches_;
};

/// Copies rows of the first axis into `out`, which is reallocated only if its shape differs.
/// Throws ValueError for an index that is not a row.
template <class T>
void gather_rows(const Tensor<T>& from, std::span<const std::size_t> rows, Tensor<T>& out);

}  // namespace wengert
